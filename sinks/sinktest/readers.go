package sinktest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// testReaders reads a table over and over while generations are swapped,
// files merged, and windows loaded again: each reading is of one state.
func testReaders(t *testing.T, p Place) {
	ctx, s := t.Context(), p.open(t)
	gens, ok := s.(sinks.Generations)
	if !ok {
		return
	}
	windows := []source.Window{Window(0, 30), Window(30, 40), Window(40, 60)}
	some := Window(32, 37)
	var old, replaced, grown []string
	for i, w := range windows {
		mustCommit(t, s, w, Orders(), Refunds())
		old, grown = append(old, Lines(Orders(), w)...), append(grown, Lines(Grown(), w)...)
		if i == 1 {
			w = some
		}
		replaced = append(replaced, Lines(Orders(), w)...)
	}
	if err := build(ctx, s, next, windows...); err != nil {
		t.Fatal(err)
	}
	p.watch(t, "orders", [][]string{old, grown}, func() error {
		defer p.look(t, windows)()
		for range 6 {
			if err := errors.Join(gens.Swap(ctx, Job, next), gens.Swap(ctx, Job, Generation)); err != nil {
				return err
			}
		}
		return nil
	})
	_, can := s.(sinks.Replacer)
	co, merges := s.(sinks.Compactor)
	if !can {
		return
	}
	p.watch(t, "orders", [][]string{old, replaced}, func() error {
		for range 3 {
			for _, w := range []source.Window{some, windows[1]} {
				if merges {
					if _, err := co.Compact(ctx, Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20}); err != nil {
						return err
					}
				}
				if err := replace(ctx, s, windows[1], w, Orders(), Refunds()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	p.expectOld(t, windows...)
	p.expectTidy(t, s)
}

// testAllTables reads several tables one after the other while one generation
// after the other is swapped in, which at each step waits for the readers.
// What is read later is never older, and so all that was read between two
// readings of one generation is of that one.
func testAllTables(t *testing.T, p Place) {
	const generations = 4
	var rounds atomic.Int64
	var over atomic.Bool
	ctx, s := t.Context(), p.Open(t, func(string) {
		// One round may have begun before this step, the next has not.
		for until := rounds.Load() + 2; rounds.Load() < until && !over.Load(); {
			runtime.Gosched()
		}
	})
	defer s.Close()
	gens, ok := s.(sinks.Generations)
	if !ok {
		return
	}
	tables := []*transform.Table{Orders(), Refunds(), Returns()}
	rows := func(generation int) source.Window { return Window(0, int64(10+generation)) }
	load := func(generation int) error {
		w := rows(generation)
		txn, err := s.Begin(ctx, loadOf(generation, w))
		if err != nil {
			return err
		}
		return fillAndCommit(ctx, txn, w, w, tables...)
	}
	// round gives the generations that tables are of, but of those that are
	// missing for a moment.
	round := func() (seen []int, err error) {
		for _, table := range tables {
			got, err := p.poll(t, table.Name)
			if errors.Is(err, fs.ErrNotExist) || p.MayMiss && len(got) == 0 {
				continue
			}
			generation := len(got) - 10
			if err != nil || generation < 1 || !sameLines(got, Lines(table, rows(generation))) {
				return nil, fmt.Errorf("a reading of %s is of no generation: %d rows, %w", table.Name, len(got), err)
			}
			seen = append(seen, generation)
		}
		return seen, nil
	}
	over.Store(true) // nobody reads yet
	if err := load(Generation); err != nil {
		t.Fatal(err)
	}
	over.Store(false)
	var g errgroup.Group
	g.Go(func() error {
		defer over.Store(true)
		for n := Generation + 1; n <= generations; n++ {
			if err := errors.Join(load(n), gens.Swap(ctx, Job, n)); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		defer over.Store(true)
		for ; !over.Load(); rounds.Add(1) {
			seen, err := round()
			if err != nil {
				return err
			}
			if !slices.IsSorted(seen) && !p.MayMix {
				return fmt.Errorf("tables read one after another are of generations %v", seen)
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		p.expect(t, table, rows(generations))
	}
	p.expectTidy(t, s)
}

// watch reads a table until change has returned.
func (p Place) watch(t *testing.T, table string, states [][]string, change func() error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var g errgroup.Group
	g.Go(func() error {
		defer stop()
		return change()
	})
	g.Go(func() error {
		for last := false; ; {
			got, err := p.poll(t, table)
			switch {
			case errors.Is(err, fs.ErrNotExist):
			case err != nil:
				return err
			case len(got) == 0 && p.MayMiss:
			case !slices.ContainsFunc(states, func(want []string) bool { return sameLines(got, want) }):
				return fmt.Errorf("a reading of %s is of no state: %d rows", table, len(got))
			}
			if last {
				return nil
			}
			last = ctx.Err() != nil
		}
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// look lists the manifests of both generations with a sink of its own until
// the function that it gives is called.
func (p Place) look(t *testing.T, want []source.Window) (stop func()) {
	s := p.Open(t, nil)
	in, ok := s.(sinks.Inventory)
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	g.Go(func() error {
		for ok && ctx.Err() == nil {
			for _, generation := range []int{Generation, next} {
				all, _, err := in.Manifests(context.Background(), Job, generation)
				missed := p.MayMiss && len(all) == 0 && err == nil // they are on their way
				if err != nil || len(all) != len(want) && !missed {
					return fmt.Errorf("look at generation %d: got %d manifests, %w", generation, len(all), err)
				}
			}
		}
		return nil
	})
	return func() {
		cancel()
		if err := errors.Join(g.Wait(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}

func (p Place) poll(t *testing.T, table string) ([]string, error) {
	if p.Poll == nil {
		return p.Rows(t, table), nil
	}
	return p.Poll(table)
}
