package schedules_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// appendBad adds events that rules of era "strict" fail for.
func (r *rig) appendBad(count int, kind string) {
	for range count {
		r.events++
		r.src.Append(source.Event{
			ID: fmt.Appendf(nil, "id-%d", r.events), Stream: []byte("s"), StreamVersion: int64(r.events),
			Type: kind, SchemaVersion: 1, Data: fmt.Appendf(nil, `{"n": %d, "x": "%d", "bad": true}`, r.events, r.events),
		})
	}
}

// quarantined gives the positions of the events in quarantine, as readers see them.
func (r *rig) quarantined(tb testing.TB) []int {
	tb.Helper()
	var all []int
	for _, line := range r.place.Rows(jobName, r.state(tb).Generation, transform.Quarantine) {
		var row struct{ Position int }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			tb.Fatalf("row %s: %v", line, err)
		}
		all = append(all, row.Position)
	}
	slices.Sort(all)
	return all
}

// withBad is a history of 40 events in which those at 12, 13 and 35 are bad.
func withBad(r *rig) {
	r.append(11, "A", "x")
	r.appendBad(2, "A")
	r.append(21, "A", "x")
	r.appendBad(1, "A")
	r.append(5, "A", "x")
}

func TestQuarantine(t *testing.T) {
	r := newRig(t)
	withBad(r)
	rep := r.run(t, under("strict"))
	if rep.Events != 40 || rep.Quarantined != 3 || rep.Rows != 40 {
		t.Errorf("got %+v", rep)
	}
	if diff := cmp.Diff([]int{12, 13, 35}, r.quarantined(t)); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	s := r.state(t)
	want := []schedules.Quarantined{{Window: window(10, 20), Events: 2}, {Window: window(30, 40), Events: 1}}
	if diff := cmp.Diff(want, s.Quarantined); diff != "" || s.Totals.Quarantined != 3 {
		t.Errorf("ledger: %d events, windows (-want +got):\n%s", s.Totals.Quarantined, diff)
	}
	if rep := r.run(t, under("strict")); rep.Quarantined != 0 || rep.Windows != 0 {
		t.Errorf("one more run: got %+v", rep)
	}
}

// Rules that mend what is in quarantine and change nothing else are taken
// over, and what is in quarantine comes in, once.
func TestReplay(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("strict"))
	rep, err := r.job(t, under("mended")).Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Windows != 2 || rep.Quarantined != 0 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
	if q := r.quarantined(t); len(q) > 0 {
		t.Errorf("still in quarantine: %v", q)
	}
	if s := r.state(t); s.Totals.Quarantined != 0 || len(s.Quarantined) > 0 || s.Totals.Events != 40 || s.Totals.Rows != 40 {
		t.Errorf("ledger: got %+v", s)
	}
	if s, err := r.job(t, under("mended")).Stale(t.Context(), false); s != nil || err != nil {
		t.Errorf("stale: got %+v, %v", s, err)
	}
	if rep, err := r.job(t, under("mended")).Replay(t.Context()); err != nil || rep.Windows != 0 {
		t.Errorf("a second replay: got %+v, %v", rep, err)
	}
	r.append(3, "A", "x")
	if rep := r.run(t, under("mended")); rep.Events != 3 || len(rep.Outdated) > 0 {
		t.Errorf("run: got %+v", rep)
	}
	r.expectOnce(t)
}

// Rules that would change what is not in quarantine need a rebuild.
func TestReplayThatChangesOthers(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("strict"))
	_, err := r.job(t, under("new")).Replay(t.Context())
	var rules *schedules.RulesError
	if !errors.As(err, &rules) || rules.Reason == "" {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]int{12, 13, 35}, r.quarantined(t)); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	r.rebuild(t, under("mended"))
	r.expectOnce(t)
	if q := r.quarantined(t); len(q) > 0 {
		t.Errorf("still in quarantine: %v", q)
	}
}

// Without other rules a replay takes in what is well now, and leaves the rest.
func TestReplayUnderTheSameRules(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("strict"))
	mended := &mending{Source: r.src, position: 13}
	rep, err := r.job(t, under("strict"), func(j *schedules.Job) { j.Source = mended }).Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Windows != 2 || rep.Quarantined != 2 {
		t.Errorf("got %+v", rep)
	}
	if diff := cmp.Diff([]int{12, 35}, r.quarantined(t)); diff != "" {
		t.Errorf("quarantine (-want +got):\n%s", diff)
	}
	if s := r.state(t); s.Totals.Quarantined != 2 || s.Totals.Rows != 40 {
		t.Errorf("ledger: got %+v", s.Totals)
	}
}

// What shares a window with events in quarantine must not change either.
func TestReplayThatChangesNeighbours(t *testing.T) {
	r := newRig(t)
	r.append(5, "B", "x")
	r.appendBad(1, "A")
	r.append(4, "A", "x")
	r.run(t, under("strict:A"))
	var rules *schedules.RulesError
	if _, err := r.job(t, under("mended:A,B")).Replay(t.Context()); !errors.As(err, &rules) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(map[string]int{"": 6, "mended": 4}, r.eras(t)); diff != "" { // one row of the quarantine has no era
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	rep, err := r.job(t, under("mended:A")).Replay(t.Context())
	if err != nil || rep.TakenIn != 1 {
		t.Errorf("got %+v, %v", rep, err)
	}
}
