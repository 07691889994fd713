package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// verify verifies the rig's job in full.
func (r *rig) verify(tb testing.TB, change ...func(*schedules.Job)) *schedules.Proof {
	tb.Helper()
	p, err := r.job(tb, append(change, recompiles)...).Verify(tb.Context(), schedules.VerifyOptions{Full: true})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// recompiles has a job make pipelines of rules as the binary does.
func recompiles(j *schedules.Job) {
	j.Recompile = func(rules transform.Rules) (*transform.Pipeline, error) { return transform.Compile(rules) }
}

func (r *rig) expectProof(tb testing.TB) {
	tb.Helper()
	if p := r.verify(tb); !p.Holds() || p.Events != int64(r.events) {
		tb.Fatalf("verify: got %d events, %+v, want %d and no finding", p.Events, p.Findings, r.events)
	}
	p, err := r.job(tb).Verify(tb.Context(), schedules.VerifyOptions{})
	if err != nil || !p.Holds() || p.Events != int64(r.events) {
		tb.Fatalf("verify, counting: got %+v, %v", p, err)
	}
}

// TestVerify looks at jobs that hold what they should, whatever their tables
// went through.
func TestVerify(t *testing.T) {
	r := newRig(t)
	r.expectProof(t) // there is nothing yet
	r.append(45, "A", "x")
	r.append(12, "B", "y")
	r.run(t)
	r.expectProof(t)
	r.append(25, "A", "z") // a column more
	r.run(t)
	r.expectProof(t)
}

// TestVerifyLateColumns looks at rows whose values had no column when they
// were loaded: lists that were empty, in objects too, and what a contract kept
// in _extra. They would come out otherwise now, and are right all the same.
func TestVerifyLateColumns(t *testing.T) {
	r := newRig(t)
	put := func(n int, body string) {
		for range n {
			r.events++
			r.src.Append(source.Event{Stream: []byte("s"), StreamVersion: int64(r.events), Type: "A", SchemaVersion: 1,
				ID: fmt.Appendf(nil, "id-%d", r.events), Data: fmt.Appendf(nil, body, r.events)})
		}
	}
	put(15, `{"n": %d, "tags": [], "lines": [{"sku": "a", "gifts": []}]}`)
	put(5, `{"n": %d, "lines": [{"sku": "a", "gifts": []}, {"sku": "b"}]}`)
	r.run(t)
	put(15, `{"n": %d, "tags": ["t"], "lines": [{"sku": "b", "gifts": ["g"]}]}`)
	r.run(t)
	r.expectProof(t)

	r.rules.Options.Contract = transform.ContractFreeze
	put(15, `{"n": %d, "coupon": "C%[1]d"}`)
	r.run(t, recompiles)
	r.rules.Options.Contract = transform.ContractEvolve
	put(15, `{"n": %d, "coupon": "C%[1]d"}`)
	r.run(t, recompiles)
	if !slices.ContainsFunc(r.state(t).Tables, func(t *transform.Table) bool { return t.Column("coupon") >= 0 }) {
		t.Fatal("the table has no column for what was frozen before; there is nothing to see")
	}
	r.expectProof(t)
}

// TestVerifyQuarantine looks at events that failed.
func TestVerifyQuarantine(t *testing.T) {
	r := newRig(t)
	r.append(12, "A", "x")
	r.src.Append(source.Event{Stream: []byte("s"), Type: "A", SchemaVersion: 1, Data: []byte(`{"n": broken`)})
	r.events++
	r.append(12, "A", "x")
	r.run(t)
	r.expectProof(t)
}

// late puts an event into the source below what is loaded.
func (r *rig) late(position int64, body string) {
	r.events++
	r.src.Append(source.Event{Position: at(position), Stream: []byte("late"), StreamVersion: 1, Type: "A", SchemaVersion: 1, ID: []byte("late"), Data: []byte(body)})
}

// TestVerifyLate finds an event that came late, in both modes, and mends it.
func TestVerifyLate(t *testing.T) {
	for name, body := range map[string]string{
		"of known members":  `{"n": 36, "x": "late"}`,
		"of unknown member": `{"n": 36, "new": 1}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.append(35, "A", "x")
			r.run(t)
			r.late(14, body)
			for _, full := range []bool{false, true} {
				p, err := r.job(t).Verify(t.Context(), schedules.VerifyOptions{Full: full})
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(p.Findings, func(f schedules.Finding) bool { return f.Kind == schedules.KindEvents })
				if i < 0 || p.Findings[i].Want != 11 || p.Findings[i].Got != 10 {
					t.Fatalf("full %v: got %+v, want an event too many", full, p.Findings)
				}
				for _, f := range p.Findings {
					if diff := cmp.Diff([]source.Window{window(10, 20)}, f.Windows); diff != "" {
						t.Fatalf("full %v: windows (-want +got):\n%s", full, diff)
					}
				}
			}
			r.expectRepair(t, window(10, 20))
			r.expectProof(t)
			r.expectOnce(t)
		})
	}
}

// TestVerifyGone finds an event that is gone from the source.
func TestVerifyGone(t *testing.T) {
	r := newRig(t)
	r.append(35, "A", "x")
	r.run(t)
	kept := r.src
	other := newRig(t)
	other.append(35, "A", "x")
	r.src = other.src.Without(at(17))
	p := r.verify(t)
	if len(p.Findings) != 2 {
		t.Fatalf("got %+v, want the events and the rows of a window", p.Findings)
	}
	want := schedules.Finding{
		Kind: schedules.KindRows, Windows: []source.Window{window(10, 20)}, Table: "a", Want: 9, Got: 10, Extra: 1,
		Reason: "rows do not agree: 1 too many", Rows: []schedules.RowFinding{{Position: 17, What: "extra"}},
	}
	if diff := cmp.Diff(want, p.Findings[1], cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "only" || p.String() == "counted" }, cmp.Ignore())); diff != "" {
		t.Fatalf("finding (-want +got):\n%s", diff)
	}
	r.src = kept
	r.expectProof(t)
}

// expectRepair repairs, which reloads these windows.
func (r *rig) expectRepair(tb testing.TB, want ...source.Window) {
	tb.Helper()
	dry, err := r.job(tb, recompiles).Repair(tb.Context(), schedules.RepairOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	rep, err := r.job(tb, recompiles).Repair(tb.Context(), schedules.RepairOptions{Apply: true})
	if err != nil {
		tb.Fatal(err)
	}
	for _, got := range []*schedules.Repair{dry, rep} {
		if diff := cmp.Diff(want, got.Reload); diff != "" {
			tb.Fatalf("windows loaded again, applied %v (-want +got):\n%s", got.Applied, diff)
		}
	}
	if rep.Report.Windows != int64(len(want)) || !rep.After.Holds() {
		tb.Fatalf("repair: got %+v, %+v", rep.Report, rep.After)
	}
}

// TestAudit has a run find an event that came late to a window of an earlier one.
func TestAudit(t *testing.T) {
	r := newRig(t)
	r.append(35, "A", "x")
	r.run(t)
	r.late(14, `{"n": 36, "x": "late"}`)
	if rep := r.run(t, func(j *schedules.Job) { j.Audit = -1 }); rep.Late != nil || rep.Windows != 0 {
		t.Fatalf("without an audit: got %+v", rep)
	}
	rep := r.run(t)
	if diff := cmp.Diff(&schedules.Late{Windows: []source.Window{window(10, 20)}, Events: 1}, rep.Late); diff != "" {
		t.Fatalf("late (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
	r.expectProof(t)
	if rep := r.run(t); rep.Late != nil || rep.Windows != 0 {
		t.Fatalf("the next run: got %+v", rep)
	}
	// What has gone is told, and stays.
	r.src = r.src.Without(at(17))
	rep = r.run(t)
	if diff := cmp.Diff(&schedules.Late{Fewer: []source.Window{window(10, 20)}, Gone: 1}, rep.Late); diff != "" {
		t.Fatalf("fewer (-want +got):\n%s", diff)
	}
	r.expectOnce(t)
}

// TestAgain loads loaded windows again, and the rest of the range.
func TestAgain(t *testing.T) {
	r := newRig(t)
	r.append(35, "A", "x")
	r.run(t)
	r.append(10, "A", "x")
	rep, err := r.job(t).Again(t.Context(), schedules.Range{After: at(14), Through: at(45)})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Windows != 4 { // (10,20] (20,30] (30,35] (35,45]
		t.Fatalf("got %d windows", rep.Windows)
	}
	r.expectOnce(t)
	r.expectProof(t)
	r.rules.Options.Nested = true
	r.append(1, "A", "x")
	var rules *schedules.RulesError
	if _, err := r.job(t, recompiles).Again(t.Context(), schedules.Range{}); !errors.As(err, &rules) {
		t.Fatalf("under other rules: got %v, want a RulesError", err)
	}
}

// TestVerifyAfterLedgerLost verifies what a ledger that was lost knows again
// but for its tables: a rebuild under other rules was begun with it.
func TestVerifyAfterLedgerLost(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.run(t, under("old"))
	if err := os.Remove(r.ledger); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := r.job(t, under("new"), func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepBegin {
				cancel()
			}
		}
	}).Rebuild(ctx, schedules.RebuildOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("rebuild: got %v", err)
	}
	if s := r.state(t); len(s.Loaded) == 0 || len(s.Tables) > 0 {
		t.Fatalf("the ledger knows %v and %d tables, want no tables", s.Loaded, len(s.Tables))
	}
	p, err := r.job(t, under("old")).Verify(t.Context(), schedules.VerifyOptions{Full: true})
	if err != nil || !p.Holds() || p.Rows != 25 {
		t.Errorf("verify: got %+v, %v", p, err)
	}
}
