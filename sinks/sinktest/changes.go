package sinktest

import (
	"errors"
	"slices"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Change is an operation that the suite stops at every step.
type Change struct {
	Name string
	// Before prepares the place, Do is stopped and done again.
	Before, Do func(t *testing.T, s sinks.Sink) error
	// Tables gives the rows that a table may have at any moment: those before
	// the change, and those after it, which are last.
	Tables map[string][][]string
	// Apart says that tables may change one after the other, and not only
	// all at once.
	Apart bool
	// Repeats says that whoever finds the change half done may do it again
	// from its beginning, as the one who loads a window does.
	Repeats bool
}

// state tells in which state all tables are that rows gives: 0 before the
// change, 1 after it, or -1. Where tables may be missing, one without rows is
// in any state.
func (c Change) state(rows map[string][]string, mayMiss bool) int {
	for i := range 2 {
		all := true
		for table, states := range c.Tables {
			got := rows[table]
			all = all && (sameLines(got, states[min(i, len(states)-1)]) || mayMiss && len(got) == 0)
		}
		if all {
			return i
		}
	}
	return -1
}

// Changes are the operations of a sink that has them.
func Changes(s sinks.Sink) []Change {
	first, second, third := Window(0, 30), Window(30, 40), Window(40, 60)
	load := func(windows ...source.Window) func(*testing.T, sinks.Sink) error {
		return func(t *testing.T, s sinks.Sink) error {
			for _, w := range windows {
				if err := Commit(t.Context(), s, w, Orders(), Refunds()); err != nil {
					return err
				}
			}
			return nil
		}
	}
	all := []Change{{
		Name: "commit", Before: load(first), Do: load(second), Apart: true, Repeats: true,
		Tables: map[string][][]string{
			"orders":  {linesOf(Orders(), first), linesOf(Orders(), first, second)},
			"refunds": {linesOf(Refunds(), first), linesOf(Refunds(), first, second)},
		},
	}}
	if _, ok := s.(sinks.Evolver); ok {
		all = append(all, Change{
			Name: "evolve", Before: load(first, second), Repeats: true,
			Do: func(t *testing.T, s sinks.Sink) error {
				return s.(sinks.Evolver).Evolve(t.Context(), Job, Generation, []*transform.Table{Grown(), grownRefunds()})
			},
			Tables: map[string][][]string{
				"orders":  {linesOf(Orders(), first, second), grownLines(first, second)},
				"refunds": {linesOf(Refunds(), first, second), grownRefundsLines(first, second)},
			},
		})
	}
	if _, ok := s.(sinks.Compactor); ok {
		all = append(all, Change{
			Name: "compact", Before: load(first, second, third),
			Do: func(t *testing.T, s sinks.Sink) error {
				_, err := s.(sinks.Compactor).Compact(t.Context(), Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20})
				return err
			},
			Tables: map[string][][]string{
				"orders":  {linesOf(Orders(), first, second, third)},
				"refunds": {linesOf(Refunds(), first, second, third)},
			},
		})
	}
	return slices.Concat(all, replacements(s), swaps(s), mends(s))
}

// replacements are the changes of a sinks.Replacer: of a load of its own
// files, and of one whose files were merged with others.
func replacements(s sinks.Sink) []Change {
	if _, ok := s.(sinks.Replacer); !ok {
		return nil
	}
	first, second, third, some := Window(0, 30), Window(30, 40), Window(40, 60), Window(33, 35)
	load := func(t *testing.T, s sinks.Sink) error {
		for _, w := range []source.Window{first, second, third} {
			if err := Commit(t.Context(), s, w, Orders(), Refunds()); err != nil {
				return err
			}
		}
		return nil
	}
	all := []Change{{
		Name: "replace", Before: load,
		Do: func(t *testing.T, s sinks.Sink) error {
			return replace(t.Context(), s, second, some, Orders(), Returns())
		},
		Tables: map[string][][]string{
			"orders":  {linesOf(Orders(), first, second, third), linesOf(Orders(), first, some, third)},
			"refunds": {linesOf(Refunds(), first, second, third), linesOf(Refunds(), first, third)},
			"returns": {nil, linesOf(Returns(), some)},
		},
	}}
	if _, ok := s.(sinks.Compactor); ok {
		merged := all[0]
		merged.Name = "replace merged"
		merged.Before = func(t *testing.T, s sinks.Sink) error {
			if err := load(t, s); err != nil {
				return err
			}
			_, err := s.(sinks.Compactor).Compact(t.Context(), Job, Generation, sinks.CompactOptions{TargetBytes: 1 << 20})
			return err
		}
		all = append(all, merged)
	}
	if _, ok := s.(sinks.Bundler); ok {
		for _, c := range all {
			c.Name = "bundle: " + c.Name
			c.Do = func(t *testing.T, s sinks.Sink) error {
				return bundled(t.Context(), s, func(b sinks.Bundle) error {
					return errors.Join(
						add(t.Context(), b, third, third, Orders()),
						add(t.Context(), b, second, some, Orders(), Returns()))
				})
			}
			c.Tables = map[string][][]string{
				"orders":  {linesOf(Orders(), first, second, third), linesOf(Orders(), first, some, third)},
				"refunds": {linesOf(Refunds(), first, second, third), linesOf(Refunds(), first)},
				"returns": {nil, linesOf(Returns(), some)},
			}
			all = append(all, c)
		}
	}
	return all
}

// swaps are the changes of sinks.Generations: to the next one, to the one
// after that while an older one is there, back, and dropping one.
func swaps(s sinks.Sink) []Change {
	if _, ok := s.(sinks.Generations); !ok {
		return nil
	}
	wide, narrow := Window(0, 30), Window(0, 20)
	swap := func(to int) func(*testing.T, sinks.Sink) error {
		return func(t *testing.T, s sinks.Sink) error { return s.(sinks.Generations).Swap(t.Context(), Job, to) }
	}
	both := func(t *testing.T, s sinks.Sink) error {
		return errors.Join(Commit(t.Context(), s, wide, Orders(), Refunds()), build(t.Context(), s, next, wide))
	}
	swapped := func(t *testing.T, s sinks.Sink) error { return errors.Join(both(t, s), swap(next)(t, s)) }
	generations := []map[string][]string{
		{"orders": Lines(Orders(), wide), "refunds": Lines(Refunds(), wide), "returns": nil},
		{"orders": Lines(Grown(), wide), "refunds": nil, "returns": Lines(Returns(), wide)},
		{"orders": Lines(Grown(), narrow), "refunds": nil, "returns": Lines(Returns(), narrow)},
	}
	states := func(before, after int) map[string][][]string {
		tables := make(map[string][][]string)
		for table, lines := range generations[before] {
			tables[table] = [][]string{lines, generations[after][table]}
		}
		return tables
	}
	return []Change{
		{Name: "swap", Before: both, Do: swap(next), Tables: states(0, 1)},
		{Name: "swap back", Before: swapped, Do: swap(Generation), Tables: states(1, 0)},
		{
			Name: "swap again",
			Before: func(t *testing.T, s sinks.Sink) error {
				return errors.Join(swapped(t, s), build(t.Context(), s, next+1, narrow))
			},
			Do: swap(next + 1), Tables: states(1, 2),
		},
		{
			Name: "drop", Before: swapped,
			Do: func(t *testing.T, s sinks.Sink) error {
				return s.(sinks.Generations).Drop(t.Context(), Job, Generation)
			},
			Tables: states(1, 1),
		},
	}
}

// linesOf gives the rows of several windows.
func linesOf(table *transform.Table, windows ...source.Window) []string {
	var all []string
	for _, w := range windows {
		all = append(all, Lines(table, w)...)
	}
	return all
}
