package sinktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// withNulls puts the columns that Grown adds into a line of Orders.
func withNulls(line string) string {
	return strings.Replace(line, `, "_extra": `, `, "note": null, "lines": null, "_extra": `, 1)
}

// crash is what a step panics with where the suite stops a sink.
type crash struct{ step string }

// Change is an operation that the suite stops at every step.
type Change struct {
	Name string
	// Before prepares the place, Do is stopped and done again.
	Before, Do func(t *testing.T, s sinks.Sink) error
	// Tables gives the rows that a table may have at any moment: those before
	// the change, and those after it, which are last.
	Tables map[string][][]string
}

// Changes are the operations of a sink that has them.
func Changes(s sinks.Sink) []Change {
	first, second, third := Window(0, 30), Window(30, 40), Window(40, 60)
	lines := func(table *transform.Table, windows ...source.Window) []string {
		var all []string
		for _, w := range windows {
			all = append(all, Lines(table, w)...)
		}
		return all
	}
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
		Name: "commit", Before: load(first), Do: load(second),
		Tables: map[string][][]string{
			"orders":  {lines(Orders(), first), lines(Orders(), first, second)},
			"refunds": {lines(Refunds(), first), lines(Refunds(), first, second)},
		},
	}}
	if _, ok := s.(sinks.Evolver); ok {
		all = append(all, Change{
			Name: "evolve", Before: load(first, second),
			Do: func(t *testing.T, s sinks.Sink) error {
				return s.(sinks.Evolver).Evolve(t.Context(), Job, Generation, []*transform.Table{Grown(), Refunds()})
			},
			Tables: map[string][][]string{
				"orders":  {lines(Orders(), first, second), grownLines(first, second)},
				"refunds": {lines(Refunds(), first, second)},
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
				"orders":  {lines(Orders(), first, second, third)},
				"refunds": {lines(Refunds(), first, second, third)},
			},
		})
	}
	return all
}

// testCrashes stops each operation at its first step, its second, and so on,
// and lets a sink that is opened anew finish.
func testCrashes(t *testing.T, empty func(t *testing.T) Place) {
	probe := empty(t).open(t)
	for _, c := range Changes(probe) {
		t.Run(c.Name, func(t *testing.T) {
			for n := 1; ; n++ {
				p := empty(t)
				step, finished := stopAt(t, p, c, n)
				if finished {
					if n == 1 {
						t.Fatal("the sink has no steps to be stopped at")
					}
					return
				}
				t.Run(fmt.Sprintf("%d %s", n, step), func(t *testing.T) { p.ExpectRecovery(t, c) })
			}
		})
	}
}

// stopAt runs a change up to its n-th step.
func stopAt(t *testing.T, p Place, c Change, n int) (step string, finished bool) {
	t.Helper()
	s := p.Open(t, nil)
	if err := c.Before(t, s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	count := 0
	s = p.Open(t, func(name string) {
		if count++; count == n {
			panic(crash{name})
		}
	})
	defer s.Close() // gives up what a process that is gone does not hold either
	defer func() {
		switch stopped := recover().(type) {
		case nil:
		case crash:
			step = stopped.step
		default:
			panic(stopped)
		}
	}()
	if err := c.Do(t, s); err != nil {
		t.Fatal(err)
	}
	return "", true
}

// ExpectRecovery checks a place where a change was stopped: what is visible,
// that the change can be done again, and that nothing is left over.
func (p Place) ExpectRecovery(t *testing.T, c Change) {
	t.Helper()
	for table, states := range c.Tables {
		got := p.Rows(t, table)
		if p.MayMiss && len(got) == 0 {
			continue
		}
		if !slices.ContainsFunc(states, func(want []string) bool { return sameLines(got, want) }) {
			t.Fatalf("table %s is half changed: %d rows", table, len(got))
		}
	}
	s := p.open(t)
	if err := c.Do(t, s); err != nil {
		t.Fatalf("do it again: %v", err)
	}
	for table, states := range c.Tables {
		p.expectLines(t, table, states[len(states)-1])
	}
	p.expectTidy(t, s)
}

func sameLines(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
