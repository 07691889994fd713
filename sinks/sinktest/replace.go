package sinktest

import (
	"context"
	"errors"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// replace loads a window again, with the rows of some of its positions.
func replace(ctx context.Context, s sinks.Sink, w, rows source.Window, tables ...*transform.Table) error {
	txn, err := s.(sinks.Replacer).Replace(ctx, Load(w))
	if err != nil {
		return err
	}
	return fillAndCommit(ctx, txn, w, rows, tables...)
}

func testReplace(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	if _, ok := s.(sinks.Replacer); !ok {
		return
	}
	first, second, third := Window(0, 30), Window(30, 40), Window(40, 60)
	for _, w := range []source.Window{first, second, third} {
		mustCommit(t, s, w, Orders(), Refunds())
	}
	for _, w := range []source.Window{Window(60, 70), Window(0, 20), Window(30, 60), Window(31, 40)} {
		if _, err := s.(sinks.Replacer).Replace(ctx, Load(w)); !errors.Is(err, sinks.ErrDisagree) {
			t.Fatalf("replace %s: got %v, want ErrDisagree", w, err)
		}
	}
	txn, err := s.(sinks.Replacer).Replace(ctx, Load(second))
	if err != nil {
		t.Fatal(err)
	}
	r := Record(Orders(), Window(30, 33))
	defer r.Release()
	if err := txn.Write(ctx, Orders(), r); err != nil {
		t.Fatal(err)
	}
	p.expect(t, Orders(), first, second, third) // nothing before Commit
	if err := txn.Abort(); err != nil {
		t.Fatal(err)
	}
	p.expect(t, Orders(), first, second, third)
	p.expectTidy(t, s)

	some := Window(32, 37)
	for range 2 { // it may be repeated
		if err := replace(ctx, s, second, some, Orders(), Returns()); err != nil {
			t.Fatal(err)
		}
		p.expect(t, Orders(), first, some, third)
		p.expect(t, Refunds(), first, third)
		p.expect(t, Returns(), some)
		p.expectTidy(t, s)
	}
	if _, err := s.Begin(ctx, Load(second)); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin what was replaced: got %v, want ErrCommitted", err)
	}
	if err := replace(ctx, s, second, second, Orders(), Refunds()); err != nil {
		t.Fatal(err)
	}
	p.expectOld(t, first, second, third)
	for _, w := range []source.Window{first, second, third} {
		if err := replace(ctx, s, w, w, Orders()); err != nil {
			t.Fatal(err)
		}
	}
	p.expect(t, Orders(), first, second, third)
	p.expect(t, Refunds()) // it has lost all rows
	p.expectTidy(t, s)
	mustCommit(t, s, Window(60, 70), Orders(), Refunds())
	p.expect(t, Refunds(), Window(60, 70))
	p.expectManifests(t, s, []source.Window{first, second, third, Window(60, 70)})
}

// testReplaceMerged replaces loads whose files were merged with others: the
// first, the last, and one in between, each alone and after one another.
func testReplaceMerged(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	co, ok := s.(sinks.Compactor)
	if _, can := s.(sinks.Replacer); !ok || !can {
		return
	}
	byDay := Refunds()
	byDay.Partition = transform.ByDay
	rows := []source.Window{Window(0, 10), Window(10, 30), Window(30, 31), Window(31, 60), Window(60, 80)}
	windows := append([]source.Window(nil), rows...)
	for _, w := range windows {
		mustCommit(t, s, w, Orders(), byDay)
	}
	compact := func() {
		t.Helper()
		if _, err := co.Compact(ctx, Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20}); err != nil {
			t.Fatal(err)
		}
		p.expect(t, Orders(), rows...)
		p.expect(t, byDay, rows...)
		p.expectTidy(t, s)
	}
	again := func(i int, some source.Window) {
		t.Helper()
		rows[i] = some
		if err := replace(ctx, s, windows[i], some, Orders(), byDay); err != nil {
			t.Fatalf("replace %s: %v", windows[i], err)
		}
		p.expect(t, Orders(), rows...)
		p.expect(t, byDay, rows...)
		p.expectTidy(t, s)
	}
	compact()
	merged := len(p.Files(t, "orders"))
	again(2, Window(30, 31))
	compact()
	if n := len(p.Files(t, "orders")); n != merged {
		t.Fatalf("files after merging again: got %d, want %d", n, merged)
	}
	again(0, Window(3, 7))
	again(4, Window(65, 66))
	again(1, Window(10, 20))
	again(1, Window(10, 30))
	compact()
	again(3, Window(40, 50))
	again(1, Window(11, 12))
	compact()
	again(1, Window(11, 11)) // it has lost all rows, and others close the gap
	compact()
	again(1, Window(12, 15)) // rows in the midst of a file that knew nothing of it
	compact()
	again(3, Window(50, 55))
	again(0, Window(0, 9))
	p.expectManifestsOf(t, s, windows, rows)
}
