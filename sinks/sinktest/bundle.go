package sinktest

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// bundled commits a bundle that fill has filled.
func bundled(ctx context.Context, s sinks.Sink, fill func(sinks.Bundle) error) error {
	b, err := s.(sinks.Bundler).Bundle(ctx, Job, Generation)
	if err != nil {
		return err
	}
	if err := fill(b); err != nil {
		return errors.Join(err, b.Abort())
	}
	return b.Commit(ctx)
}

// add has a bundle load a window again, with the rows of some of its positions.
func add(ctx context.Context, b sinks.Bundle, w, rows source.Window, tables ...*transform.Table) error {
	txn, err := b.Replace(ctx, Load(w))
	if err != nil {
		return err
	}
	return fillAndCommit(ctx, txn, w, rows, tables...)
}

// testBundle looks at what readers and others see of a bundle: nothing until
// its Commit, and then all.
func testBundle(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	bundler, ok := s.(sinks.Bundler)
	if !ok {
		return
	}
	first, second, third, some := Window(0, 30), Window(30, 40), Window(40, 60), Window(45, 50)
	for _, w := range []source.Window{first, second, third} {
		mustCommit(t, s, w, Orders(), Refunds())
	}
	begin := func() sinks.Bundle {
		t.Helper()
		b, err := bundler.Bundle(ctx, Job, Generation)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	b := begin()
	must(add(ctx, b, third, some, Orders()))
	if _, err := b.Replace(ctx, Load(third)); err == nil {
		t.Fatal("replace a window that is complete: got no error")
	}
	if _, err := b.Replace(ctx, Load(Window(30, 50))); !errors.Is(err, sinks.ErrDisagree) {
		t.Fatalf("replace what is not committed: got %v, want ErrDisagree", err)
	}
	if _, err := s.Begin(ctx, Load(Window(60, 70))); err == nil {
		t.Fatal("begin a load beside a bundle: got no error")
	}
	if _, err := bundler.Bundle(ctx, Job, Generation); err == nil {
		t.Fatal("begin a bundle beside a bundle: got no error")
	}
	if _, err := bundler.Replace(ctx, Load(first)); err == nil {
		t.Fatal("replace a load beside a bundle: got no error")
	}
	txn, err := b.Replace(ctx, Load(first))
	must(err)
	r := Record(Orders(), Window(0, 3))
	defer r.Release()
	must(txn.Write(ctx, Orders(), r))
	if err := b.Commit(ctx); err == nil {
		t.Fatal("commit a bundle with a load under way: got no error")
	}
	p.expectOld(t, first, second, third)
	must(txn.Abort())
	must(b.Abort())
	must(b.Abort())
	p.expectOld(t, first, second, third)
	p.expectTidy(t, s)

	b = begin()
	must(add(ctx, b, third, some, Orders()))
	txn, err = b.Replace(ctx, Load(first))
	must(err)
	must(txn.Abort())
	must(add(ctx, b, first, first, Orders(), Returns())) // what was given up may be begun again
	p.expectOld(t, first, second, third)
	must(b.Commit(ctx))
	must(b.Abort())
	late := begin()
	txn, err = late.Replace(ctx, Load(second))
	must(err)
	must(late.Abort())
	if err := txn.Commit(ctx, Summary(second)); err == nil {
		t.Fatal("commit a load of a bundle that is over: got no error")
	}
	must(txn.Abort())
	if err := add(ctx, b, second, second, Orders()); err == nil {
		t.Fatal("replace a window in a bundle that is over: got no error")
	}
	p.expect(t, Orders(), first, second, some)
	p.expect(t, Refunds(), second)
	p.expect(t, Returns(), first)
	p.expectTidy(t, s)
	must(begin().Commit(ctx))                         // of nothing
	must(add(ctx, begin(), second, second, Orders())) // and of one that nobody ends
	must(s.Close())
	s = p.open(t)
	mustCommit(t, s, Window(60, 70), Orders())
	p.expect(t, Orders(), first, second, some, Window(60, 70))
	p.expect(t, Refunds(), second)
	p.expectTidy(t, s)
}

// testBundleMerged replaces any loads of many at once, some of which were
// merged with others and cut out again.
func testBundleMerged(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	co, ok := s.(sinks.Compactor)
	if _, can := s.(sinks.Bundler); !ok || !can {
		return
	}
	byDay := Refunds()
	byDay.Partition = transform.ByDay
	var windows, rows []source.Window
	for i := range 12 {
		windows = append(windows, Window(7*int64(i), 7*int64(i)+7))
		mustCommit(t, s, windows[i], Orders(), byDay)
	}
	rows = append(rows, windows...)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 12 {
		if round%3 == 0 {
			if _, err := co.Compact(ctx, Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20}); err != nil {
				t.Fatal(err)
			}
		}
		var chosen []int
		for i := range windows {
			if random.IntN(3) == 0 {
				chosen = append(chosen, i)
			}
		}
		err := bundled(ctx, s, func(b sinks.Bundle) error {
			for _, i := range chosen {
				rows[i] = Window(windows[i].After.Seq+random.Int64N(4), windows[i].Through.Seq-random.Int64N(3))
				if err := add(ctx, b, windows[i], rows[i], Orders(), byDay); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("replace %v: %v", chosen, err)
		}
		p.expect(t, Orders(), rows...)
		p.expect(t, byDay, rows...)
		p.expectTidy(t, s)
		p.expectManifestsOf(t, s, windows, rows)
	}
}
