package schedules_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// eras counts the rows that readers see, by the era of the rules that made
// them.
func (r *rig) eras(tb testing.TB) map[string]int {
	tb.Helper()
	s := r.state(tb)
	seen := make(map[string]int)
	for _, t := range s.Tables {
		for _, line := range r.place.Rows(jobName, s.Generation, t.Name) {
			var row struct{ Era string }
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				tb.Fatalf("row %s: %v", line, err)
			}
			seen[row.Era]++
		}
	}
	return seen
}

// lose removes the ledger.
func (r *rig) lose(tb testing.TB) {
	tb.Helper()
	if err := os.Remove(r.ledger); err != nil {
		tb.Fatal(err)
	}
}

func (r *rig) rebuild(tb testing.TB, change ...func(*schedules.Job)) *schedules.Report {
	tb.Helper()
	rep, err := r.job(tb, change...).Rebuild(tb.Context(), schedules.RebuildOptions{Force: true})
	if err != nil {
		tb.Fatal(err)
	}
	return rep
}

// After a change of rules a run goes on under the old ones until the rebuild,
// and under the new ones from then on.
func TestRebuild(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("old"))
	r.append(10, "B", "y")
	rep := r.run(t, under("new"))
	if rep.Events != 10 || len(rep.Outdated) == 0 {
		t.Errorf("run under changed rules: got %+v", rep)
	}
	if diff := cmp.Diff(map[string]int{"old": 35}, r.eras(t)); diff != "" {
		t.Fatalf("rows before the rebuild (-want +got):\n%s", diff)
	}
	if rep := r.rebuild(t, under("new")); rep.Generation != 2 || rep.Events != 35 || len(rep.Outdated) > 0 {
		t.Errorf("rebuild: got %+v", rep)
	}
	r.append(5, "C", "z")
	if rep := r.run(t, under("new")); rep.Events != 5 || len(rep.Outdated) > 0 {
		t.Errorf("run after the rebuild: got %+v", rep)
	}
	if diff := cmp.Diff(map[string]int{"new": 40}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
	if s := r.state(t); s.Generation != 2 || s.Totals.Events != 40 {
		t.Errorf("state: got %+v", s)
	}
}

func TestStale(t *testing.T) {
	r := newRig(t)
	r.append(15, "A", "x")
	r.append(15, "B", "y")
	r.append(15, "A", "x")
	r.run(t, under(""))
	if s, err := r.job(t, under("")).Stale(t.Context(), false); s != nil || err != nil {
		t.Errorf("stale under the same rules: got %+v, %v", s, err)
	}
	got, err := r.job(t, under("new")).Stale(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	windows := make(map[string][]source.Window)
	for _, table := range got.Tables {
		windows[table.Name] = table.Windows
		if table.Why == "" || table.Rows == 0 {
			t.Errorf("got %+v", table)
		}
	}
	want := map[string][]source.Window{
		"a": {window(0, 10), window(10, 20), window(30, 40), window(40, 45)},
		"b": {window(10, 20), window(20, 30)},
	}
	if diff := cmp.Diff(want, windows); diff != "" {
		t.Errorf("stale windows (-want +got):\n%s", diff)
	}
	exact, err := r.job(t, under("mended")).Stale(t.Context(), true)
	if err != nil || !exact.Exact || len(exact.Tables) != 2 || exact.Tables[0].Rows != 30 {
		t.Errorf("exactly: got %+v, %v", exact, err)
	}
	r.rebuild(t, under("new"))
	if s, err := r.job(t, under("new")).Stale(t.Context(), false); s != nil || err != nil {
		t.Errorf("stale after the rebuild: got %+v, %v", s, err)
	}
}

// A change of rules that makes a difference to few events concerns few windows.
func TestStaleExactly(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("mended"))
	got, err := r.job(t, under("strict")).Stale(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tables) != 1 || got.Tables[0].Rows != 3 {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff([]source.Window{window(10, 20), window(30, 40)}, got.Tables[0].Windows); diff != "" {
		t.Errorf("stale windows (-want +got):\n%s", diff)
	}
}

// Runs of others come between any two steps of a rebuild.
func TestRunsDuringRebuild(t *testing.T) {
	r := newRig(t)
	r.append(45, "A", "x")
	r.run(t, under("old"))
	steps := 0
	r.rebuild(t, under("new"), func(j *schedules.Job) {
		j.Workers = 1
		inside := false
		locked := false
		j.Watch = func(s schedules.Step) {
			locked = locked || s.Name == schedules.StepSwap
			if steps++; inside || locked || steps > 40 {
				return
			}
			inside = true
			defer func() { inside = false }()
			r.append(3, "B", "y")
			_, err := r.job(t, under("new")).Run(t.Context())
			if err != nil && !errors.Is(err, schedules.ErrHeld) {
				t.Errorf("run at step %s: %v", s.Name, err)
			}
		}
	})
	if steps < 10 {
		t.Errorf("got %d steps", steps)
	}
	r.run(t, under("new"))
	if diff := cmp.Diff(map[string]int{"new": r.events}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
}

// A rebuild that stops goes on where it was, or begins again if the rules have
// changed once more.
func TestRebuildResumes(t *testing.T) {
	for _, era := range []string{"new", "newer"} {
		t.Run(era, func(t *testing.T) {
			r := newRig(t)
			r.append(45, "A", "x")
			r.run(t, under("old"))
			loaded := 0
			stop := errors.New("stop")
			_, err := r.job(t, under("new"), func(j *schedules.Job) {
				j.Workers = 1
				j.Source = failing{j.Source, func() error {
					if loaded++; loaded > 5 {
						return stop
					}
					return nil
				}}
			}).Rebuild(t.Context(), schedules.RebuildOptions{Force: true})
			if !errors.Is(err, stop) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(map[string]int{"old": 45}, r.eras(t)); diff != "" {
				t.Fatalf("rows meanwhile (-want +got):\n%s", diff)
			}
			rep := r.rebuild(t, under(era))
			if resumed := rep.Events < 45; resumed != (era == "new") {
				t.Errorf("the second rebuild loaded %d events", rep.Events)
			}
			if diff := cmp.Diff(map[string]int{era: 45}, r.eras(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			r.expectOnce(t)
		})
	}
}

// Only what was backfilled is rebuilt where the history has gaps.
func TestRebuildOfParts(t *testing.T) {
	r := newRig(t)
	r.append(60, "A", "x")
	for _, rng := range []schedules.Range{{After: at(10), Through: at(20)}, {After: at(40), Through: at(45)}} {
		if _, err := r.job(t, under("old")).Backfill(t.Context(), rng); err != nil {
			t.Fatal(err)
		}
	}
	before := r.state(t).Loaded
	r.rebuild(t, under("new"))
	if diff := cmp.Diff(before, r.state(t).Loaded); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"new": 15}, r.eras(t)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// A ledger that is lost is rebuilt from the generation that readers see.
func TestLostLedgerAfterRebuild(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("old"))
	r.rebuild(t, under("new"))
	r.lose(t)
	r.append(5, "A", "x")
	if rep := r.run(t, under("new")); rep.Events != 5 || rep.Generation != 2 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
}

// An old ledger beside a new generation is refused.
func TestOldLedgerAfterRebuild(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("old"))
	old, err := os.ReadFile(r.ledger)
	if err != nil {
		t.Fatal(err)
	}
	r.rebuild(t, under("new"))
	if err := os.WriteFile(r.ledger, old, 0o666); err != nil {
		t.Fatal(err)
	}
	var disagree *schedules.DisagreeError
	if _, err := r.job(t, under("new")).Run(t.Context()); !errors.As(err, &disagree) || disagree.Hint() == "" {
		t.Errorf("got %v", err)
	}
}

// The old generation is kept until the next rebuild, or dropped if that is
// wanted.
func TestOldGeneration(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("one"))
	tables := r.state(t).Tables
	rows := func(generation int) (n int) {
		for _, table := range tables {
			n += len(r.place.Rows(jobName, generation, table.Name))
		}
		return n
	}
	check := func(want ...int) {
		t.Helper()
		var got []int
		for generation := 1; generation <= 4; generation++ {
			if rows(generation) > 0 {
				got = append(got, generation)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("generations with rows: got %v, want %v", got, want)
		}
	}
	r.rebuild(t, under("two"))
	check(1, 2)
	r.rebuild(t, under("three"))
	check(2, 3)
	if _, err := r.job(t, under("four")).Rebuild(t.Context(), schedules.RebuildOptions{DropOld: true}); err != nil {
		t.Fatal(err)
	}
	check(4)
}

// Before the first load there is nothing to replace.
func TestRebuildOfNothing(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	if rep := r.rebuild(t, under("new")); rep.Generation != 1 || rep.Events != 25 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
}

// allow lets so many events be in quarantine.
func allow(n int64) func(*schedules.Job) { return func(j *schedules.Job) { j.Quarantine = n } }

// A generation with more in quarantine than may be does not come in place of
// a better one.
func TestRebuildQuarantine(t *testing.T) {
	r := newRig(t)
	withBad(r)
	r.run(t, under("mended"))
	var bad *schedules.QuarantineError
	if _, err := r.job(t, under("strict"), allow(2)).Rebuild(t.Context(), schedules.RebuildOptions{}); !errors.As(err, &bad) || bad.Events != 3 || bad.First == nil || bad.Hint() == "" {
		t.Fatalf("got %v", err)
	}
	if s := r.state(t); s.Generation != 1 || s.Totals.Quarantined != 0 {
		t.Errorf("the live generation: got %+v", s)
	}
	rep, err := r.job(t, under("strict"), allow(3)).Rebuild(t.Context(), schedules.RebuildOptions{})
	if err != nil || rep.Generation != 2 || rep.Events != 0 {
		t.Errorf("what was loaded is swapped in: got %+v, %v", rep, err)
	}
	if rep := r.rebuild(t, under("mended")); rep.Generation != 3 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
}

// A rebuild that was stopped in the middle of its swap is finished, and one
// under the present rules follows if these have changed meanwhile.
func TestRebuildAfterSwap(t *testing.T) {
	for era, want := range map[string]int{"new": 2, "newer": 3} {
		t.Run(era, func(t *testing.T) {
			r := newRig(t)
			r.append(25, "A", "x")
			r.run(t, under("old"))
			ctx, cancel := context.WithCancel(t.Context())
			_, err := r.job(t, under("new"), func(j *schedules.Job) {
				j.Watch = func(s schedules.Step) {
					if s.Name == schedules.StepSwapped {
						cancel()
					}
				}
			}).Rebuild(ctx, schedules.RebuildOptions{})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
			rep := r.rebuild(t, under(era))
			if rep.Generation != want || rep.Finished != (era == "new") {
				t.Errorf("got %+v", rep)
			}
			if diff := cmp.Diff(map[string]int{era: 25}, r.eras(t)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}
