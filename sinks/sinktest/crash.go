package sinktest

import (
	"fmt"
	"slices"
	"testing"

	"backstory/sinks"
)

// crash is what a step panics with where the suite stops a sink.
type crash struct{}

// testCrashes stops each operation at its first step, its second, and so on,
// each in a place of its own, and lets a sink that is opened anew finish. A
// sink in between is stopped as well, at one step or another.
func testCrashes(t *testing.T, empty func(t *testing.T) Place) {
	for _, c := range Changes(empty(t).open(t)) {
		t.Run(c.Name, func(t *testing.T) {
			p := empty(t)
			p.Prepare(t, c)
			steps := stopAt(t, p, c, 0)
			if len(steps) == 0 {
				t.Fatal("the sink has no steps to be stopped at")
			}
			for i, step := range steps {
				t.Run(fmt.Sprintf("%d %s", i+1, step), func(t *testing.T) {
					t.Parallel() // most of it is waiting for the disk
					p := empty(t)
					p.Prepare(t, c)
					if got := stopAt(t, p, c, i+1); !slices.Equal(got, steps[:i+1]) {
						t.Fatalf("steps: got %q, want %q", got, steps[:i+1])
					}
					p.ExpectOneState(t, c)
					stopAt(t, p, c, 1+i*7%13)
					p.ExpectRecovery(t, c)
				})
			}
		})
	}
}

// Prepare makes a place ready for a change.
func (p Place) Prepare(t *testing.T, c Change) {
	t.Helper()
	s := p.Open(t, nil)
	if err := c.Before(t, s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// stopAt runs a change up to its n-th step, or to its end, and gives the steps.
func stopAt(t *testing.T, p Place, c Change, n int) (steps []string) {
	t.Helper()
	s := p.Open(t, func(name string) {
		if steps = append(steps, name); len(steps) == n {
			panic(crash{})
		}
	})
	defer s.Close() // gives up what a process that is gone does not hold either
	defer func() {
		if stopped := recover(); stopped != nil && stopped != any(crash{}) {
			panic(stopped)
		}
	}()
	if err := c.Do(t, s); err != nil {
		t.Fatal(err)
	}
	return steps
}

// ExpectOneState checks a place where a change was stopped and nobody has come
// since: each table is as it was or as it is to be, and all are the one or
// the other.
func (p Place) ExpectOneState(t *testing.T, c Change) {
	t.Helper()
	rows := make(map[string][]string)
	for table, states := range c.Tables {
		got := p.Rows(t, table)
		rows[table] = got
		if p.MayMiss && len(got) == 0 {
			continue
		}
		if !slices.ContainsFunc(states, func(want []string) bool { return sameLines(got, want) }) {
			t.Fatalf("table %s is half changed: %d rows", table, len(got))
		}
	}
	if !c.Apart && !p.MayMix && c.state(rows, p.MayMiss) < 0 {
		t.Fatal("some tables are changed and some are not")
	}
}

// ExpectRecovery checks a place where a change was stopped: what is visible,
// that the change can be done again, and that nothing is left over.
func (p Place) ExpectRecovery(t *testing.T, c Change) {
	t.Helper()
	p.ExpectOneState(t, c)
	s := p.open(t)
	p.expectSettled(t, s, c)
	if err := c.Do(t, s); err != nil {
		t.Fatalf("do it again: %v", err)
	}
	for table, states := range c.Tables {
		p.expectLines(t, table, states[len(states)-1])
	}
	p.expectTidy(t, s)
}

// expectSettled checks that a sink which only looks finds one state, and that
// all tables are in one as soon as somebody works on the job.
func (p Place) expectSettled(t *testing.T, s sinks.Sink, c Change) {
	t.Helper()
	in, ok := s.(sinks.Inventory)
	if !ok {
		return
	}
	live := Generation
	if gens, ok := s.(sinks.Generations); ok {
		var err error
		if live, err = gens.Live(t.Context(), Job); err != nil {
			t.Fatal(err)
		}
	}
	before, tables, err := in.Manifests(t.Context(), Job, live)
	if err != nil || len(before) == 0 && !p.MayMiss || len(tables) == 0 {
		t.Fatalf("look at generation %d: got %d manifests, %d tables, %v", live, len(before), len(tables), err)
	}
	if err := in.Check(t.Context(), Job, live); err != nil {
		t.Fatalf("check generation %d: %v", live, err)
	}
	rows := make(map[string][]string)
	for table := range c.Tables {
		rows[table] = p.Rows(t, table)
	}
	if c.state(rows, false) < 0 && !(p.MayWait && c.Repeats) {
		t.Fatal("some tables are changed and some are not")
	}
}

func sameLines(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
