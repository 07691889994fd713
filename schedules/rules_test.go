package schedules_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// Rules that concern nothing that is loaded are taken over without a rebuild.
func TestRulesThatConcernNothing(t *testing.T) {
	r := newRig(t)
	r.append(15, "D", "x") // of which no era says anything
	r.run(t, under(""))
	r.append(15, "A", "y")
	if rep := r.run(t, under("new")); len(rep.Outdated) > 0 || rep.Events != 15 {
		t.Errorf("got %+v", rep)
	}
	if diff := cmp.Diff(map[string]int{"": 15, "new": 15}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if rep := r.run(t, under("new")); len(rep.Outdated) > 0 || rep.Windows != 0 {
		t.Errorf("one more run: got %+v", rep)
	}
	// What the sink holds tells a ledger that was lost.
	r.lose(t)
	r.append(1, "A", "y")
	r.run(t, under("new"))
	r.expectOnce(t)
}

// A ledger that was lost does not take superseded rules for the present ones.
func TestSupersededRules(t *testing.T) {
	r := newRig(t)
	r.append(10, "A", "x")
	r.run(t, under("new:A"))
	r.append(10, "B", "x")
	r.run(t, under("new:A,B")) // taken over: B was never seen
	r.lose(t)
	r.append(10, "B", "x")
	var rules *schedules.RulesError
	if _, err := r.job(t, under("new:A")).Run(t.Context()); !errors.As(err, &rules) {
		t.Errorf("run under the rules of before: got %v", err)
	}
	r.run(t, under("new:A,B"))
	if diff := cmp.Diff(map[string]int{"new": 30}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// An emptied table _quarantine stands for no event type.
func TestRulesAfterQuarantine(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("strict:A"))
	if _, err := r.job(t, under("mended:A")).Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.append(3, "B", "x")
	if rep := r.run(t, under("mended:A,B")); len(rep.Outdated) > 0 {
		t.Errorf("got %+v", rep)
	}
	if diff := cmp.Diff(map[string]int{"mended": 43}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// Rules that were not kept cannot be followed.
func TestRulesThatAreGone(t *testing.T) {
	r := newRig(t)
	r.append(15, "A", "x")
	r.run(t, under("old"))
	r.append(15, "A", "x")
	gone := func(j *schedules.Job) { j.Recompile = nil }
	var rules *schedules.RulesError
	if _, err := r.job(t, under("new"), gone).Run(t.Context()); !errors.As(err, &rules) || rules.Hint() == "" {
		t.Errorf("got %v", err)
	}
	r.rebuild(t, under("new"), gone)
	if diff := cmp.Diff(map[string]int{"new": 30}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// With the ledger lost and the rules changed, a rebuild helps, as the hint says.
func TestRebuildWithoutLedger(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("old"))
	r.lose(t)
	var rules *schedules.RulesError
	if _, err := r.job(t, under("new")).Run(t.Context()); !errors.As(err, &rules) || !strings.Contains(rules.Hint(), "rebuild") {
		t.Errorf("run: got %v", err)
	}
	if rep := r.rebuild(t, under("new")); rep.Generation != 2 {
		t.Errorf("rebuild: got %+v", rep)
	}
	if diff := cmp.Diff(map[string]int{"new": 25}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
}

// A replay that stops after it has taken over new rules is finished by the
// next run.
func TestReplayStops(t *testing.T) {
	for _, at := range []schedules.StepName{schedules.StepBegin, schedules.StepCommitted} {
		t.Run(string(at), func(t *testing.T) {
			r := newRig(t)
			r.append(10, "A", "x")
			r.append(5, "B", "x")
			r.appendBad(1, "A")
			r.append(4, "A", "x")
			r.appendBad(1, "A")
			r.run(t, under("strict:A"))
			ctx, cancel := context.WithCancel(t.Context())
			_, err := r.job(t, under("mended:A"), func(j *schedules.Job) {
				j.Watch = func(s schedules.Step) {
					if s.Name == at {
						cancel()
					}
				}
			}).Replay(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			r.append(3, "A", "x")
			if rep := r.run(t, under("mended:A")); len(rep.Outdated) > 0 {
				t.Errorf("run: got %+v", rep)
			}
			if diff := cmp.Diff(map[string]int{"mended": 19, "": 5}, r.eras(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			r.expectOnce(t)
			if s := r.state(t); s.Totals.Quarantined != 0 || len(s.Again) > 0 || s.Totals.Rows != 24 {
				t.Errorf("ledger: got %+v", s)
			}
		})
	}
}

// Windows in which a type has nothing but events in quarantine are stale too.
func TestStaleQuarantine(t *testing.T) {
	r := newRig(t)
	r.append(10, "A", "x")
	r.append(5, "B", "x")
	r.appendBad(2, "A")
	r.append(3, "B", "x")
	r.append(10, "B", "x")
	r.run(t, under("strict:A"))
	s, err := r.job(t, under("mended:A")).Stale(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	windows := make(map[string][]source.Window)
	for _, table := range s.Tables {
		windows[table.Name] = table.Windows
	}
	want := map[string][]source.Window{"a": {window(0, 10)}, "": {window(10, 20)}}
	if diff := cmp.Diff(want, windows); diff != "" {
		t.Errorf("stale windows (-want +got):\n%s", diff)
	}
	s, err = r.job(t, under("mended:A")).Stale(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tables) != 1 || s.Tables[0].Name != "a" || s.Tables[0].Rows != 2 || s.Tables[0].Windows[0] != window(10, 20) {
		t.Errorf("exactly: got %+v", s.Tables)
	}
}

// A comparison that fails says why, and leaves nothing behind.
func TestStaleFails(t *testing.T) {
	r := newRig(t)
	r.append(1000, "A", "x")
	r.run(t, under("old"))
	reason := errors.New("the real reason")
	for range 5 {
		_, err := r.job(t, under("new"), func(j *schedules.Job) {
			reads := 0
			j.Workers = 1
			j.Source = failing{r.src, func() error {
				if reads++; reads > 10 {
					return reason
				}
				return nil
			}}
		}).Stale(t.Context(), true)
		if !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	}
}

// Tables are as they are frozen, also those of types that come later.
func TestFrozenLater(t *testing.T) {
	r := newRig(t)
	frozen := func(event string) *transform.Table {
		return transform.NewTable("frozen_"+strings.ToLower(event), event, nil, "", []transform.Column{
			{Name: "n", Path: []string{"n"}, Type: transform.Type{Kind: transform.Int64}},
			{Name: "x", Path: []string{"x"}, Type: transform.Type{Kind: transform.String}},
			{Name: "never", Path: []string{"never"}, Type: transform.Type{Kind: transform.Decimal, Precision: 18, Scale: 2}},
		})
	}
	r.rules.Options.Frozen = []*transform.Table{frozen("A"), frozen("B")}
	r.append(5, "A", "x")
	r.run(t)
	r.append(5, "B", "x")
	r.run(t)
	var names []string
	for _, table := range r.state(t).Tables {
		names = append(names, table.Name)
		if table.Column("never") < 0 {
			t.Errorf("table %s has no column never", table.Name)
		}
	}
	if diff := cmp.Diff([]string{"frozen_a", "frozen_b"}, names); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
}
