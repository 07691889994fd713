package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// next is the generation that the suite builds beside Generation.
const next = Generation + 1

// loadOf makes a load of another generation.
func loadOf(generation int, w source.Window) sinks.Load {
	l := Load(w)
	l.Generation = generation
	return l
}

// Returns is a table that only the next generation has, in place of Refunds.
func Returns() *transform.Table {
	t := Refunds()
	t.Name = "returns"
	return t
}

// build loads a generation that has other columns and another table.
func build(ctx context.Context, s sinks.Sink, generation int, windows ...source.Window) error {
	for _, w := range windows {
		txn, err := s.Begin(ctx, loadOf(generation, w))
		if errors.Is(err, sinks.ErrCommitted) {
			continue
		}
		if err != nil {
			return err
		}
		if err := fillAndCommit(ctx, txn, w, w, Grown(), Returns()); err != nil {
			return err
		}
	}
	return nil
}

// fillAndCommit writes the rows of some positions, and commits the window they are in.
func fillAndCommit(ctx context.Context, txn sinks.Txn, w, rows source.Window, tables ...*transform.Table) error {
	for _, t := range tables {
		r := Record(t, rows)
		err := txn.Write(ctx, t, r)
		r.Release()
		if err != nil {
			return errors.Join(err, txn.Abort())
		}
	}
	if err := txn.Commit(ctx, Summary(w)); err != nil {
		return errors.Join(err, txn.Abort())
	}
	return nil
}

// expectOld and expectNew check what readers see of a generation that build
// did not make, and of one that it made.
func (p Place) expectOld(t *testing.T, windows ...source.Window) {
	t.Helper()
	p.expect(t, Orders(), windows...)
	p.expect(t, Refunds(), windows...)
	p.expect(t, Returns())
}

func (p Place) expectNew(t *testing.T, windows ...source.Window) {
	t.Helper()
	p.expect(t, Grown(), windows...)
	p.expect(t, Refunds())
	p.expect(t, Returns(), windows...)
}

func expectLive(t *testing.T, s sinks.Generations, want int) {
	t.Helper()
	if live, err := s.Live(t.Context(), Job); err != nil || live != want {
		t.Fatalf("live generation: got %d, %v, want %d", live, err, want)
	}
}

func testGenerations(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	gens, ok := s.(sinks.Generations)
	if !ok {
		return
	}
	first, second, third := Window(0, 30), Window(30, 40), Window(40, 60)
	expectLive(t, gens, 0)
	if err := gens.Drop(ctx, Job, Generation); err != nil {
		t.Fatalf("drop a generation that is not there: %v", err)
	}
	mustCommit(t, s, first, Orders(), Refunds())
	expectLive(t, gens, Generation)
	if err := gens.Swap(ctx, Job, next); err == nil {
		t.Fatal("swap in a generation that is not there: got no error")
	}
	if err := build(ctx, s, next, first); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, second, Orders(), Refunds()) // meanwhile
	expectLive(t, gens, Generation)
	p.expectOld(t, first, second)
	if err := gens.Drop(ctx, Job, Generation); err == nil {
		t.Fatal("drop the live generation: got no error")
	}
	txn, err := s.Begin(ctx, loadOf(next, second))
	if err != nil {
		t.Fatal(err)
	}
	if err := gens.Swap(ctx, Job, next); err == nil {
		t.Fatal("swap while a load is under way: got no error")
	}
	if err := fillAndCommit(ctx, txn, second, second, Grown(), Returns()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it is idempotent
		if err := gens.Swap(ctx, Job, next); err != nil {
			t.Fatal(err)
		}
		expectLive(t, gens, next)
		p.expectNew(t, first, second)
		p.expectTidy(t, s)
		p.expectAgreement(t, Grown())
	}
	if _, err := s.Begin(ctx, Load(third)); err == nil || errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin a load of the generation that was replaced: got %v, want an error", err)
	}
	if err := build(ctx, s, next, third); err != nil {
		t.Fatal(err)
	}
	p.expectNew(t, first, second, third)
	expectWindows(t, s, next, first, second, third)
	expectWindows(t, s, Generation, first, second) // it is kept
	if in, ok := s.(sinks.Inventory); ok {
		if err := in.Check(ctx, Job, Generation); err != nil {
			t.Fatalf("check the generation that is kept: %v", err)
		}
	}

	if err := gens.Swap(ctx, Job, Generation); err != nil { // back
		t.Fatal(err)
	}
	p.expectOld(t, first, second)
	mustCommit(t, s, third, Orders(), Refunds())
	p.expectOld(t, first, second, third)
	if err := build(ctx, s, next+1, first); err != nil {
		t.Fatal(err)
	}
	if err := gens.Swap(ctx, Job, next+1); err != nil {
		t.Fatal(err)
	}
	p.expectNew(t, first)
	expectWindows(t, s, Generation, first, second, third)
	if in, ok := s.(sinks.Inventory); ok {
		if m, _, err := in.Manifests(ctx, Job, next); err == nil && len(m) > 0 {
			t.Fatalf("the generation that was neither: got %d manifests, want it dropped", len(m))
		}
	}
	for range 2 {
		if err := gens.Drop(ctx, Job, Generation); err != nil {
			t.Fatal(err)
		}
	}
	if err := gens.Swap(ctx, Job, Generation); err == nil {
		t.Fatal("swap back to a generation that was dropped: got no error")
	}
	expectLive(t, gens, next+1)
	p.expectNew(t, first)
	p.expectTidy(t, s)
}

// expectWindows checks which windows a generation holds.
func expectWindows(t *testing.T, s sinks.Sink, generation int, want ...source.Window) {
	t.Helper()
	in, ok := s.(sinks.Inventory)
	if !ok {
		return
	}
	all, tables, err := in.Manifests(t.Context(), Job, generation)
	if err != nil {
		t.Fatalf("manifests of generation %d: %v", generation, err)
	}
	var got []source.Window
	for _, m := range all {
		got = append(got, m.Window)
	}
	if !slices.Equal(got, want) || len(tables) != 2 {
		t.Fatalf("generation %d: got windows %v and %d tables, want %v and 2", generation, got, len(tables), want)
	}
}

// testTwoProcesses builds a generation while another sink loads the live one.
func testTwoProcesses(t *testing.T, p Place) {
	ctx := t.Context()
	live, builder := p.Open(t, nil), p.Open(t, nil)
	defer live.Close()
	defer builder.Close()
	if _, ok := live.(sinks.Generations); !ok {
		return
	}
	var windows []source.Window
	for i := range int64(6) {
		windows = append(windows, Window(i*10, (i+1)*10))
	}
	mustCommit(t, live, windows[0], Orders(), Refunds())
	var g errgroup.Group
	g.Go(func() error {
		for _, w := range windows[1:] {
			if err := Commit(ctx, live, w, Orders(), Refunds()); err != nil {
				return fmt.Errorf("load %s: %w", w, err)
			}
		}
		return nil
	})
	g.Go(func() error { return build(ctx, builder, next, windows...) })
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	p.expectOld(t, windows...)
	if _, ok := live.(sinks.Holder); ok {
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if err := builder.(sinks.Generations).Swap(soon, Job, next); err == nil {
			t.Fatal("swap while another holds the live generation: got no error")
		}
		p.expectOld(t, windows...)
		if _, err := live.Begin(soon, loadOf(next, Window(60, 70))); err == nil {
			t.Fatal("begin a load of a generation that another holds: got no error")
		}
	}
	if err := live.Close(); err != nil {
		t.Fatal(err)
	}
	if err := builder.(sinks.Generations).Swap(ctx, Job, next); err != nil {
		t.Fatal(err)
	}
	p.expectNew(t, windows...)
	live = p.open(t)
	if _, err := live.Begin(ctx, Load(Window(60, 70))); err == nil {
		t.Fatal("begin a load of the generation that another replaced: got no error")
	}
	expectWindows(t, live, Generation, windows...)
	expectWindows(t, live, next, windows...)
	p.expectTidy(t, builder)
}
