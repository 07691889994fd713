package sinktest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// expect compares a table's visible rows with those of the windows.
func (p Place) expect(t *testing.T, table *transform.Table, windows ...source.Window) {
	t.Helper()
	var want []string
	for _, w := range windows {
		want = append(want, Lines(table, w)...)
	}
	p.expectLines(t, table.Name, want)
}

func (p Place) expectLines(t *testing.T, table string, want []string) {
	t.Helper()
	got := p.Rows(t, table)
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rows of table %s (-want +got):\n%s", table, diff)
	}
}

// expectTidy checks that nothing is left over and the inventory agrees.
func (p Place) expectTidy(t *testing.T, s sinks.Sink) {
	t.Helper()
	generation := Generation
	if gens, ok := s.(sinks.Generations); ok {
		live, err := gens.Live(t.Context(), Job)
		if err != nil {
			t.Fatal(err)
		}
		generation = max(live, Generation)
	}
	if in, ok := s.(sinks.Inventory); ok {
		if err := in.Check(t.Context(), Job, generation); err != nil {
			t.Fatalf("check: %v", err)
		}
	}
	if left := p.Leftovers(t); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
}

func (p Place) open(t *testing.T) sinks.Sink {
	t.Helper()
	s := p.Open(t, nil)
	t.Cleanup(func() { s.Close() })
	return s
}

func testCommit(t *testing.T, p Place) {
	ctx, w, orders, refunds := t.Context(), Window(0, 50), Orders(), Refunds()
	s := p.Open(t, nil)
	txn, err := s.Begin(ctx, Load(w))
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []source.Window{Window(0, 30), Window(30, 50)} {
		for _, table := range []*transform.Table{orders, refunds} {
			r := Record(table, half)
			if err := txn.Write(ctx, table, r); err != nil {
				t.Fatal(err)
			}
			r.Release()
		}
	}
	p.expect(t, orders) // nothing before Commit
	p.expect(t, refunds)
	if err := txn.Commit(ctx, Summary(w)); err != nil {
		t.Fatal(err)
	}
	p.expect(t, orders, w)
	p.expect(t, refunds, w)
	if err := txn.Abort(); err != nil {
		t.Fatalf("abort after commit: %v", err)
	}
	if _, err := s.Begin(ctx, Load(w)); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin again: got %v, want ErrCommitted", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = p.open(t)
	if _, err := s.Begin(ctx, Load(w)); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin again after a restart: got %v, want ErrCommitted", err)
	}
	p.expect(t, orders, w)
	p.expectTidy(t, s)
}

func testAbort(t *testing.T, p Place) {
	ctx, w, orders := t.Context(), Window(0, 50), Orders()
	s := p.open(t)
	txn, err := s.Begin(ctx, Load(w))
	if err != nil {
		t.Fatal(err)
	}
	r := Record(orders, w)
	defer r.Release()
	if err := txn.Write(ctx, orders, r); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := txn.Abort(); err != nil {
			t.Fatal(err)
		}
	}
	p.expect(t, orders)
	p.expectTidy(t, s)
	if err := txn.Commit(ctx, Summary(w)); err == nil {
		t.Fatal("commit after abort: got no error")
	}
	mustCommit(t, s, w, orders)
	p.expect(t, orders, w)
}

func testEmptyWindow(t *testing.T, p Place) {
	s := p.open(t)
	mustCommit(t, s, Window(0, 10))
	if _, err := s.Begin(t.Context(), Load(Window(0, 10))); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin again: got %v, want ErrCommitted", err)
	}
	mustCommit(t, s, Window(10, 20), Orders())
	p.expect(t, Orders(), Window(10, 20))
	p.expectTidy(t, s)
}

func testNoWindow(t *testing.T, p Place) {
	s := p.open(t)
	if _, err := s.Begin(t.Context(), Load(Window(10, 10))); err == nil || errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin (10,10]: got %v, want an error", err)
	}
}

func testOverlap(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	mustCommit(t, s, Window(10, 20), Orders())
	for _, w := range []source.Window{Window(0, 11), Window(19, 30), Window(12, 18), Window(0, 30), Window(10, 19)} {
		if _, err := s.Begin(ctx, Load(w)); err == nil || errors.Is(err, sinks.ErrCommitted) {
			t.Errorf("begin %s beside (10,20]: got %v, want an error", w, err)
		}
	}
	txn, err := s.Begin(ctx, Load(Window(20, 30)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(ctx, Load(Window(25, 35))); err == nil {
		t.Error("begin (25,35] while (20,30] is under way: got no error")
	}
	if err := txn.Abort(); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, Window(0, 10), Orders())
	other := sinks.Load{Job: "other", Generation: Generation, Window: Window(15, 25)}
	txn, err = s.Begin(ctx, other)
	if err != nil {
		t.Fatalf("begin the same positions of another job: %v", err)
	}
	if err := txn.Abort(); err != nil {
		t.Fatal(err)
	}
	p.expect(t, Orders(), Window(0, 20))
}

func testParallel(t *testing.T, p Place) {
	s := p.open(t)
	orders, refunds := Orders(), Refunds()
	var g errgroup.Group
	var windows []source.Window
	for i := range int64(8) {
		w := Window(i*20, (i+1)*20)
		windows = append(windows, w)
		g.Go(func() error { return Commit(t.Context(), s, w, orders, refunds) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	p.expect(t, orders, windows...)
	p.expect(t, refunds, windows...)
	p.expectTidy(t, s)
}

// testBorrowed overwrites a record's memory after Write, as a builder does
// that uses it again.
func testBorrowed(t *testing.T, p Place) {
	ctx, w, orders := t.Context(), Window(0, 200), Orders()
	s := p.open(t)
	txn, err := s.Begin(ctx, Load(w))
	if err != nil {
		t.Fatal(err)
	}
	r := Record(orders, w)
	if err := txn.Write(ctx, orders, r); err != nil {
		t.Fatal(err)
	}
	for _, column := range r.Columns() {
		for _, b := range column.Data().Buffers() {
			if b != nil {
				for i := range b.Buf() {
					b.Buf()[i] = 0xff
				}
			}
		}
	}
	if err := txn.Commit(ctx, Summary(w)); err != nil {
		t.Fatal(err)
	}
	p.expect(t, orders, w)
}

func testOtherColumns(t *testing.T, p Place) {
	s := p.open(t)
	mustCommit(t, s, Window(0, 10), Orders())
	if err := Commit(t.Context(), s, Window(10, 20), Grown()); err == nil {
		t.Fatal("load rows of a table that was not evolved: got no error")
	}
	p.expect(t, Orders(), Window(0, 10))
	p.expectTidy(t, s)
}

func testInventory(t *testing.T, p Place) {
	s := p.open(t)
	in, ok := s.(sinks.Inventory)
	if !ok {
		return
	}
	ctx := t.Context()
	if m, tables, err := in.Manifests(ctx, Job, Generation); len(m) > 0 || len(tables) > 0 || err != nil {
		t.Fatalf("manifests of nothing: got %v, %v, %v", m, tables, err)
	}
	mustCommit(t, s, Window(20, 30), Orders())
	mustCommit(t, s, Window(0, 20), Orders(), Refunds())
	mustCommit(t, s, Window(30, 31))
	m, tables, err := in.Manifests(ctx, Job, Generation)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range m {
		got = append(got, fmt.Sprint(m.Window, cmp.Equal(m.Summary, Summary(m.Window))))
		for _, lt := range m.Tables {
			got = append(got, fmt.Sprint(lt.Name, " ", lt.Rows))
		}
	}
	want := []string{"(0,20] true", "orders 20", "refunds 20", "(20,30] true", "orders 10", "(30,31] true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("manifests (-want +got):\n%s", diff)
	}
	if len(tables) != 2 {
		t.Fatalf("tables: got %v, want two", tables)
	}
	p.expectTidy(t, s)
}

func testForeign(t *testing.T, p Place) {
	s := p.open(t)
	in, ok := s.(sinks.Inventory)
	if !ok || p.Intrude == nil {
		return
	}
	mustCommit(t, s, Window(0, 10), Orders())
	p.Intrude(t, "orders")
	if err := in.Check(t.Context(), Job, Generation); err == nil {
		t.Fatal("check a table with a foreign file: got no error")
	} else {
		expectHint(t, err)
	}
}

func testMissing(t *testing.T, p Place) {
	s := p.open(t)
	in, ok := s.(sinks.Inventory)
	if !ok || p.Lose == nil {
		return
	}
	mustCommit(t, s, Window(0, 10), Orders())
	p.Lose(t, "orders")
	if err := in.Check(t.Context(), Job, Generation); err == nil {
		t.Fatal("check a table without one of its files: got no error")
	} else {
		expectHint(t, err)
	}
}

func expectHint(t *testing.T, err error) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("error %q has no hint", err)
	}
}
