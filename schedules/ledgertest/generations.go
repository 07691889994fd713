package ledgertest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// The next generation is kept apart from the live one, and its lease too.
func testNext(t *testing.T, p Place) {
	l := p.open(t)
	live := lease(t, l, job)
	next := lease(t, l.Next(), job) // beside the live one's
	if _, err := p.open(t).Next().Lock(t.Context(), job); !errors.Is(err, schedules.ErrHeld) {
		t.Errorf("lock a next generation that is held: got %v", err)
	}
	expect(t, l.Next(), &schedules.State{Job: job, Generation: 2})
	save(t, live, schedules.Change{Plan: []schedules.Planned{planned(window(10, 20))}, Finish: []schedules.Loaded{loaded(window(0, 10))}, Fingerprint: "old", Tables: someTables()})
	before := state(t, l, job)
	save(t, next, schedules.Change{Plan: []schedules.Planned{planned(window(5, 20))}, Finish: []schedules.Loaded{loaded(window(0, 5))}, Fingerprint: "new"})
	if diff := cmp.Diff(before, state(t, p.open(t), job), equal); diff != "" {
		t.Errorf("the live generation's state after the next one's was saved (-want +got):\n%s", diff)
	}
	got := state(t, p.open(t).Next(), job)
	if got.Generation != 2 || got.Fingerprint != "new" || len(got.Tables) != 0 || got.Totals.Windows != 1 {
		t.Errorf("state of the next generation: got %+v", got)
	}
	if diff := cmp.Diff([]source.Window{window(0, 5)}, got.Loaded); diff != "" {
		t.Errorf("loaded in the next generation (-want +got):\n%s", diff)
	}
}

// What was the next generation is the live one, and nothing of the old is left.
func testPromote(t *testing.T, p Place) {
	l := p.open(t)
	run := schedules.Run{Kind: "rebuild"}
	live, next := lease(t, l, job), lease(t, l.Next(), job)
	save(t, live, schedules.Change{Plan: []schedules.Planned{planned(window(10, 20))}, Finish: []schedules.Loaded{loaded(window(0, 10))}, Tables: someTables()})
	save(t, next, schedules.Change{Finish: []schedules.Loaded{loaded(window(0, 15))}, Fingerprint: "new", Rules: json.RawMessage(`{"a":1}`), Signature: "s", Begin: &run})
	want := state(t, l.Next(), job)
	save(t, next, schedules.Change{Promote: true})
	if diff := cmp.Diff(want, state(t, p.open(t), job), equal); diff != "" {
		t.Errorf("the live generation's state (-want +got):\n%s", diff)
	}
	after := state(t, l.Next(), job)
	if after.Generation != 3 || len(after.Loaded) > 0 || len(after.Pending) > 0 || after.Fingerprint != "" {
		t.Errorf("the one after it: got %+v", after)
	}
	save(t, live, schedules.Change{Finish: []schedules.Loaded{loaded(window(15, 20))}})
	if diff := cmp.Diff([]source.Window{window(0, 20)}, state(t, l, job).Loaded); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
}

func testReset(t *testing.T, p Place) {
	l := p.open(t)
	live, next := lease(t, l, job), lease(t, l.Next(), job)
	save(t, live, schedules.Change{Finish: []schedules.Loaded{loaded(window(0, 10))}})
	before := state(t, l, job)
	save(t, next, schedules.Change{Plan: []schedules.Planned{planned(window(0, 9))}, Fingerprint: "new", Tables: someTables()})
	save(t, next, schedules.Change{Reset: true, Fingerprint: "newer"})
	expect(t, l.Next(), &schedules.State{Job: job, Generation: 2, Fingerprint: "newer"})
	if diff := cmp.Diff(before, state(t, l, job), equal); diff != "" {
		t.Errorf("the live generation's state (-want +got):\n%s", diff)
	}
}

// A ledger that was lost learns which generation is live.
func testGeneration(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	save(t, s, schedules.Change{Generation: 4, Finish: []schedules.Loaded{loaded(window(0, 10))}})
	if got := state(t, p.open(t), job); got.Generation != 4 || got.Totals.Windows != 1 {
		t.Errorf("state: got %+v", got)
	}
	if got := state(t, l.Next(), job); got.Generation != 5 {
		t.Errorf("the next one: got %+v", got)
	}
}

func testRules(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	rules := json.RawMessage(`{"options":{"nested":true},"upcasters":[{"event":"Cart <ü>"}]}`)
	save(t, s, schedules.Change{Fingerprint: "a", Rules: rules, Superseded: []string{"x", "y"}})
	if got := state(t, p.open(t), job); string(got.Rules) != string(rules) || got.Fingerprint != "a" || !slices.Equal(got.Superseded, []string{"x", "y"}) {
		t.Errorf("rules: got %s of %s after %v", got.Rules, got.Fingerprint, got.Superseded)
	}
	save(t, s, schedules.Change{Signature: "x"})
	if got := state(t, l, job); string(got.Rules) != string(rules) {
		t.Errorf("rules after another change: got %s", got.Rules)
	}
	save(t, s, schedules.Change{Fingerprint: "b"})
	if got := state(t, l, job); got.Rules != nil || got.Fingerprint != "b" {
		t.Errorf("rules that cannot be kept: got %s of %s", got.Rules, got.Fingerprint)
	}
}

// A window that is loaded again counts as it is now.
func testReplace(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	a, b := loaded(window(0, 10)), loaded(window(10, 20))
	b.Quarantined, b.Discarded = 3, 2
	save(t, s, schedules.Change{Finish: []schedules.Loaded{a, b}})
	got := state(t, l, job)
	if diff := cmp.Diff([]schedules.Quarantined{{Window: b.Window, Events: 3}}, got.Quarantined); diff != "" {
		t.Errorf("quarantined (-want +got):\n%s", diff)
	}
	if got.Totals.Quarantined != 3 || got.Totals.Discarded != 2 {
		t.Errorf("totals: got %+v", got.Totals)
	}
	again := b
	again.Quarantined, again.Discarded, again.Rows, again.Stored, again.Extra = 1, 0, b.Rows+2, b.Stored-5, 4
	for range 2 { // doing it twice counts once
		save(t, s, schedules.Change{Replace: []schedules.Loaded{again}})
	}
	want := got.Totals
	want.Quarantined, want.Discarded, want.Rows, want.Stored, want.Extra = 1, 0, want.Rows+2, want.Stored-5, want.Extra+3
	after := state(t, p.open(t), job)
	if diff := cmp.Diff(want, after.Totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]schedules.Quarantined{{Window: b.Window, Events: 1}}, after.Quarantined); diff != "" {
		t.Errorf("quarantined (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got.Loaded, after.Loaded); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	for _, w := range []source.Window{window(20, 30), window(0, 5), window(0, 20)} {
		if err := s.Save(t.Context(), schedules.Change{Again: []source.Window{w}}); err == nil {
			t.Errorf("mark %s, which is not loaded so: got no error", w)
		}
		if err := s.Save(t.Context(), schedules.Change{Replace: []schedules.Loaded{loaded(w)}}); err == nil {
			t.Errorf("replace %s, which is not loaded so: got no error", w)
		}
	}
}

// What is to be loaded again is known until it is.
func testAgain(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	a, b, c := loaded(window(0, 10)), loaded(window(10, 20)), loaded(window(20, 30))
	save(t, s, schedules.Change{Finish: []schedules.Loaded{a, b, c}})
	want := state(t, l, job)
	save(t, s, schedules.Change{Again: []source.Window{c.Window, a.Window}, Fingerprint: "new"})
	got := state(t, p.open(t), job)
	if diff := cmp.Diff([]source.Window{a.Window, c.Window}, got.Again); diff != "" {
		t.Errorf("to be loaded again (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Loaded, got.Loaded); diff != "" || got.Totals != want.Totals {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	save(t, s, schedules.Change{Replace: []schedules.Loaded{c}})
	if diff := cmp.Diff([]source.Window{a.Window}, state(t, l, job).Again); diff != "" {
		t.Errorf("to be loaded again after one was (-want +got):\n%s", diff)
	}
}
