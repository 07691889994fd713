package schedules_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"backstory/schedules"
	"backstory/sinks"
	sinkmemory "backstory/sinks/memory"
	"backstory/sinks/parquet"
	"backstory/source"
	"backstory/source/memory"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// halfLoaded has loaded 20 of 35 events, by a backfill.
func halfLoaded(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.append(35, "A", "x")
	if _, err := r.job(t).Backfill(t.Context(), schedules.Range{Through: at(20)}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) loseLedger(tb testing.TB) {
	tb.Helper()
	if err := os.Remove(r.ledger); err != nil {
		tb.Fatal(err)
	}
}

// expectDisagree looks for a refusal that says what is wrong and what to do,
// and that nothing was loaded.
func (r *rig) expectDisagree(t *testing.T, reason string) {
	t.Helper()
	before := r.numbers(t)
	_, err := r.job(t).Run(t.Context())
	var bad *schedules.DisagreeError
	if !errors.As(err, &bad) {
		t.Fatalf("got %v, want a DisagreeError", err)
	}
	if !strings.Contains(bad.Reason, reason) || bad.Hint() == "" || bad.Job != jobName {
		t.Errorf("got %+v, want a reason with %q", bad, reason)
	}
	if diff := cmp.Diff(before, r.numbers(t)); diff != "" {
		t.Errorf("rows have changed: %s", diff)
	}
	if err := r.job(t).Check(t.Context()); !errors.As(err, &bad) {
		t.Errorf("check: got %v", err)
	}
}

func TestLedgerLost(t *testing.T) {
	r := halfLoaded(t)
	want := r.state(t)
	r.loseLedger(t)
	if rep := r.run(t); rep.Events != 15 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
	got := r.state(t)
	if got.Fingerprint != want.Fingerprint || got.First != want.First || len(got.Tables) != 1 || got.Totals.Windows != 4 || got.Totals.Rows != 35 {
		t.Errorf("state: got %+v", got)
	}
}

func TestLedgerOlder(t *testing.T) {
	r := halfLoaded(t)
	old, err := os.ReadFile(r.ledger)
	if err != nil {
		t.Fatal(err)
	}
	r.append(10, "A", "late")
	r.append(4, "B", "x")
	r.run(t)
	tables := r.state(t).Tables
	if err := os.WriteFile(r.ledger, old, 0o666); err != nil {
		t.Fatal(err)
	}
	r.append(5, "A", "later")
	r.run(t)
	r.expectOnce(t)
	got := r.state(t).Tables
	if len(got) != len(tables) || got[0].Version <= tables[0].Version {
		t.Errorf("tables: got version %d after %d", got[0].Version, tables[0].Version)
	}
}

func TestSinkOlder(t *testing.T) {
	r := halfLoaded(t)
	r.place = &sinkmemory.Store{}
	r.expectDisagree(t, "the sink does not have it")
}

func TestForeignWindows(t *testing.T) {
	t.Run("loaded in part", func(t *testing.T) {
		r := halfLoaded(t)
		r.loseLedger(t)
		other := newRig(t) // its ledger has loaded (0,12]
		other.append(12, "A", "x")
		other.run(t, func(j *schedules.Job) { j.WindowEvents = 12 })
		r.ledger = other.ledger
		r.expectDisagree(t, "counts a part of it as loaded")
	})
	t.Run("planned otherwise", func(t *testing.T) {
		r := newRig(t)
		r.append(20, "A", "x")
		r.planOnly(t)
		r.commit(t, window(5, 15))
		r.expectDisagree(t, "plans (0,10]")
	})
}

// planOnly runs a job until it has planned.
func (r *rig) planOnly(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j := r.job(t, func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepPlanned {
				cancel()
			}
		}
	})
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// A window was committed that the ledger has planned and never heard of again.
func TestPendingIsCommitted(t *testing.T) {
	for name, blindly := range map[string]bool{"by the inventory": false, "by begin": true} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.append(20, "A", "x")
			// The ledger fails to hear of the first window.
			_, err := r.job(t, func(j *schedules.Job) { j.Workers = 1; j.Ledger = deaf{j.Ledger} }).Run(t.Context())
			if !errors.Is(err, errDeaf) {
				t.Fatalf("got %v", err)
			}
			r.append(7, "A", "x")
			rep := r.run(t, func(j *schedules.Job) {
				j.WindowEvents = 4
				if blindly {
					j.Sink = blind{j.Sink, j.Sink.(sinks.Evolver)}
				}
			})
			if want := int64(17); !blindly && rep.Events != want {
				t.Errorf("got %d events, want %d", rep.Events, want)
			}
			r.expectOnce(t)
			if s := r.state(t); len(s.Pending) != 0 || !cmp.Equal(s.Loaded, []source.Window{window(0, 27)}) {
				t.Errorf("state: got %+v", s)
			}
		})
	}
}

var errDeaf = errors.New("the ledger is deaf")

// deaf is a ledger that hears of no window that is finished.
type deaf struct{ schedules.Ledger }

func (d deaf) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	l, err := d.Ledger.Lock(ctx, job)
	return deafLease{l}, err
}

type deafLease struct{ schedules.Lease }

func (d deafLease) Save(ctx context.Context, c schedules.Change) error {
	if len(c.Finish) > 0 {
		return errDeaf
	}
	return d.Lease.Save(ctx, c)
}

func TestOtherStore(t *testing.T) {
	event := source.Event{Stream: []byte("other"), StreamVersion: 1, Type: "A", SchemaVersion: 1, Data: []byte(`{"n": 1, "x": "1"}`)}
	tests := map[string]struct {
		change func(r *rig)
		reason string
	}{
		"exchanged": {func(r *rig) {
			r.src = &memory.Source{}
			for range 40 {
				r.src.Append(event)
			}
		}, "another store"},
		"truncated": {func(r *rig) { r.src.Truncate(at(12)) }, "positions went back"},
		"truncated and gone on": {func(r *rig) {
			r.src.Truncate(at(12))
			late := event
			late.Position = at(45)
			r.src.Append(late)
		}, "is gone from the store"},
		"emptied": {func(r *rig) { r.src = &memory.Source{} }, "positions went back"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := halfLoaded(t)
			test.change(r)
			r.expectDisagree(t, test.reason)
		})
	}
	t.Run("planned only", func(t *testing.T) {
		r := newRig(t)
		r.append(20, "A", "x")
		r.planOnly(t)
		r.src.Truncate(at(15))
		r.expectDisagree(t, "planned through 20")
	})
}

// Events may share a position; then the first of them is still known again.
func TestSharedPositions(t *testing.T) {
	r := newRig(t)
	for n := 1; n <= 12; n++ {
		r.src.Append(source.Event{Position: at(int64((n + 2) / 3)), Stream: []byte("s"), StreamVersion: int64(n), Type: "A", SchemaVersion: 1,
			Data: []byte(`{"n": ` + string(rune('0'+n%10)) + `}`)})
	}
	r.run(t, func(j *schedules.Job) { j.WindowEvents = 4 })
	if rep := r.run(t); rep.Events != 0 {
		t.Errorf("second run: got %+v", rep)
	}
	if got := r.state(t).Totals.Events; got != 12 {
		t.Errorf("got %d events", got)
	}
}

func TestRulesChanged(t *testing.T) {
	other := transform.Rules{Options: transform.Options{Types: map[string]map[string]transform.Type{"A": {"x": {Kind: transform.JSON}}}}}
	t.Run("after a load", func(t *testing.T) {
		for name, lose := range map[string]bool{"": false, "and the ledger lost": true} {
			t.Run(name, func(t *testing.T) {
				r := halfLoaded(t)
				r.rules = other
				if lose {
					r.loseLedger(t)
				}
				_, err := r.job(t).Run(t.Context())
				var bad *schedules.RulesError
				if !errors.As(err, &bad) || bad.Hint() == "" || bad.Old == bad.New {
					t.Errorf("got %v", err)
				}
			})
		}
	})
	t.Run("before anything was loaded", func(t *testing.T) {
		r := newRig(t)
		place := r.place.Open(nil)
		testRulesChangedEarly(t, r, other, place)
		r.expectOnce(t)
	})
	t.Run("before anything was loaded into files", func(t *testing.T) {
		place, err := parquet.Open(t.Context(), parquet.Options{Path: scratch(t)})
		if err != nil {
			t.Fatal(err)
		}
		defer place.Close()
		testRulesChangedEarly(t, newRig(t), other, place)
	})
}

// Who mends the rules because the first run has failed gets the tables that
// the mended rules make.
func testRulesChangedEarly(t *testing.T, r *rig, other transform.Rules, place sinks.Sink) {
	t.Helper()
	r.append(20, "A", "x")
	_, err := r.job(t, func(j *schedules.Job) { j.Sink = full{place, place.(sinks.Evolver)} }).Run(t.Context())
	if !errors.Is(err, errFull) || len(r.state(t).Tables) != 1 {
		t.Fatalf("got %v", err)
	}
	r.rules = other
	rep := r.run(t, func(j *schedules.Job) { j.Sink = place })
	table := rep.Tables[0]
	if i := table.Column("x"); i < 0 || table.Columns[i].Type.Kind != transform.JSON || rep.Rows != 20 {
		t.Errorf("table: got %+v, want x as it is declared now", table.Columns)
	}
}

var errFull = errors.New("the disk is full")

// full is a sink that takes tables but no rows.
type full struct {
	sinks.Sink
	sinks.Evolver
}

func (full) Begin(context.Context, sinks.Load) (sinks.Txn, error) { return nil, errFull }

// A crash came between the ledger's tables and the sink's.
func TestTablesBehind(t *testing.T) {
	r := halfLoaded(t)
	r.append(10, "A", "late")
	_, err := r.job(t, func(j *schedules.Job) { j.Sink = stiff{j.Sink, j.Sink.(sinks.Evolver)} }).Run(t.Context())
	if !errors.Is(err, errStiff) {
		t.Fatalf("got %v", err)
	}
	r.run(t)
	r.expectOnce(t)
}

var errStiff = errors.New("the tables cannot change")

// stiff is a sink whose tables do not change.
type stiff struct {
	sinks.Sink
	sinks.Evolver
}

func (stiff) Evolve(context.Context, string, int, []*transform.Table) error { return errStiff }
