package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const job = "shop"

func at(seq int64) source.Position { return source.Position{Seq: seq} }

func window(after, through int64) source.Window {
	return source.Window{After: at(after), Through: at(through)}
}

func planned(w source.Window) schedules.Planned {
	return schedules.Planned{Window: w, Events: w.Through.Seq - w.After.Seq}
}

// loaded is a window that was loaded, with an event at each position.
func loaded(w source.Window) schedules.Loaded {
	n := w.Through.Seq - w.After.Seq
	first := w.After
	first.Seq++
	return schedules.Loaded{
		Window: w, Rows: 2 * n, Stored: 10 * n, Duration: time.Second,
		Summary: sinks.Summary{Events: n, Bytes: 100 * n, Extra: 1, First: anchor(first), Last: anchor(w.Through), Fingerprint: "rules"},
	}
}

func anchor(p source.Position) sinks.Anchor {
	return sinks.Anchor{Position: p, Stream: "cart ü\x00", StreamVersion: p.Seq, Type: "Cart.Opened"}
}

func testPlanAndFinish(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	a, b, c := window(0, 10), window(10, 25), source.Window{After: at(25), Through: source.Position{Tx: 7, Seq: 3}}
	save(t, s, schedules.Change{Plan: []schedules.Planned{planned(b), planned(a), {Window: c}}})
	want := &schedules.State{Job: job, Generation: 1, Pending: []schedules.Planned{planned(a), planned(b), {Window: c}}}
	expect(t, l, want)

	save(t, s, schedules.Change{Finish: []schedules.Loaded{loaded(b)}})
	want.Pending = []schedules.Planned{planned(a), {Window: c}}
	want.Loaded = []source.Window{b}
	want.First, want.Last = anchor(at(11)), anchor(at(25))
	want.Totals = schedules.Totals{Windows: 1, Events: 15, Rows: 30, Bytes: 1500, Stored: 150, Extra: 1}
	expect(t, l, want)

	save(t, s, schedules.Change{Finish: []schedules.Loaded{loaded(a), {Window: c}}})
	want.Pending = nil
	want.Loaded = []source.Window{{Through: c.Through}}
	want.First = anchor(at(1))
	want.Totals = schedules.Totals{Windows: 3, Events: 25, Rows: 50, Bytes: 2500, Stored: 250, Extra: 2}
	expect(t, l, want)
	expect(t, p.open(t), want)
}

// equal takes no list for an empty one.
var equal = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(transform.Table{})}

// expect compares what the ledger knows of the job.
func expect(tb testing.TB, l schedules.Ledger, want *schedules.State) {
	tb.Helper()
	if diff := cmp.Diff(want, state(tb, l, want.Job), equal); diff != "" {
		tb.Fatalf("state (-want +got):\n%s", diff)
	}
}

func testUnplanned(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	w := loaded(window(4, 9))
	save(t, s, schedules.Change{Finish: []schedules.Loaded{w}})
	expect(t, l, &schedules.State{
		Job: job, Generation: 1, Loaded: []source.Window{w.Window}, First: w.First, Last: w.Last,
		Totals: schedules.Totals{Windows: 1, Events: 5, Rows: 10, Bytes: 500, Stored: 50, Extra: 1},
	})
}

func testTwice(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	w := window(0, 5)
	save(t, s, schedules.Change{Plan: []schedules.Planned{planned(w)}})
	save(t, s, schedules.Change{Finish: []schedules.Loaded{loaded(w)}})
	want := state(t, l, job)
	save(t, s, schedules.Change{Finish: []schedules.Loaded{loaded(w)}})
	expect(t, l, want)
}

// A ledger does not let a position count as loaded twice.
func testOverlapping(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	save(t, s, schedules.Change{
		Plan:   []schedules.Planned{planned(window(20, 30))},
		Finish: []schedules.Loaded{loaded(window(0, 10)), loaded(window(10, 20))},
	})
	want := state(t, l, job)
	for _, w := range []source.Window{window(0, 15), window(5, 10), window(15, 20), window(20, 25)} {
		if err := s.Save(t.Context(), schedules.Change{Finish: []schedules.Loaded{loaded(w)}}); err == nil {
			t.Errorf("finish %s: got no error", w)
		}
		if err := s.Save(t.Context(), schedules.Change{Plan: []schedules.Planned{planned(window(20, 30))}}); err == nil {
			t.Errorf("plan a window again: got no error")
		}
	}
	expect(t, l, want)
}

func testAtomic(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	save(t, s, schedules.Change{Finish: []schedules.Loaded{loaded(window(0, 10))}, Fingerprint: "old"})
	want := state(t, l, job)
	run := schedules.Run{Kind: "run", Started: time.Now()}
	err := s.Save(t.Context(), schedules.Change{
		Plan:   []schedules.Planned{planned(window(10, 20))},
		Finish: []schedules.Loaded{loaded(window(30, 40)), loaded(window(0, 7))}, // the last is refused
		Tables: someTables(), Fingerprint: "new", Begin: &run,
	})
	if err == nil {
		t.Fatal("save what contradicts the ledger: got no error")
	}
	expect(t, l, want)
}

func testCancelled(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Save(ctx, schedules.Change{Plan: []schedules.Planned{planned(window(0, 9))}}); !errors.Is(err, context.Canceled) {
		t.Fatalf("save when the context is over: got %v", err)
	}
	if _, err := l.State(ctx, job); !errors.Is(err, context.Canceled) {
		t.Fatalf("state when the context is over: got %v", err)
	}
	expect(t, l, &schedules.State{Job: job, Generation: 1})
}

// testAnyOrder finishes windows of a history in any order, some in one change.
func testAnyOrder(t *testing.T, empty func(testing.TB) Place) {
	l := empty(t).open(t)
	jobs := 0
	rapid.Check(t, func(rt *rapid.T) {
		jobs++
		name := fmt.Sprintf("job-%d", jobs)
		cuts := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1000), 1, 12, rapid.ID).Draw(rt, "cuts")
		windows := cutAt(cuts)
		missing := rapid.IntRange(0, 2).Draw(rt, "missing")
		done := rapid.Permutation(windows).Draw(rt, "windows")[:max(len(windows)-missing, 1)]
		together := rapid.IntRange(1, 4).Draw(rt, "together")

		s, err := l.Lock(t.Context(), name)
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Release()
		want := &schedules.State{Job: name, Generation: 1, Loaded: schedules.Union(done)}
		for i := 0; i < len(done); {
			n := min(together, len(done)-i)
			var c schedules.Change
			for _, w := range done[i : i+n] {
				v := loaded(w)
				c.Finish = append(c.Finish, v)
				want.Totals.Windows++
				want.Totals.Events += v.Events
				want.Totals.Rows += v.Rows
				want.Totals.Bytes += v.Bytes
				want.Totals.Stored += v.Stored
				want.Totals.Extra += v.Extra
				if want.First.Position.IsZero() || v.First.Position.Compare(want.First.Position) < 0 {
					want.First = v.First
				}
				if v.Last.Position.Compare(want.Last.Position) > 0 {
					want.Last = v.Last
				}
			}
			if err := s.Save(t.Context(), c); err != nil {
				rt.Fatal(err)
			}
			i += n
		}
		got, err := l.State(t.Context(), name)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			rt.Fatalf("state (-want +got):\n%s", diff)
		}
	})
}

// cutAt gives the windows between 0 and the cuts, in order.
func cutAt(cuts []int64) []source.Window {
	var windows []source.Window
	after := int64(0)
	for _, c := range slices.Sorted(slices.Values(cuts)) {
		windows = append(windows, window(after, c))
		after = c
	}
	return windows
}
