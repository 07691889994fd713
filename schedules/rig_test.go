package schedules_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"backstory/schedules"
	ledger "backstory/schedules/sqlite"
	"backstory/sinks"
	sinkmemory "backstory/sinks/memory"
	"backstory/source"
	"backstory/source/memory"
	"backstory/transform"
)

// A rig is a store and a place to load into, both in memory, with a ledger
// in a file, that outlive the jobs made from it.
type rig struct {
	src    *memory.Source
	place  *sinkmemory.Store
	ledger string
	rules  transform.Rules
	events int // appended so far
}

func newRig(tb testing.TB) *rig {
	tb.Helper()
	return &rig{src: &memory.Source{}, place: &sinkmemory.Store{}, ledger: filepath.Join(scratch(tb), "ledger.db")}
}

// append adds events of a type with this member, besides n, their number.
func (r *rig) append(count int, kind, member string) {
	for range count {
		r.events++
		r.src.Append(source.Event{
			ID: fmt.Appendf(nil, "id-%d", r.events), Stream: fmt.Appendf(nil, "s-%d", r.events%3), StreamVersion: int64(r.events),
			Type: kind, SchemaVersion: 1, Data: fmt.Appendf(nil, `{"n": %d, %q: "%d"}`, r.events, member, r.events),
		})
	}
}

// job makes a job as a new process would, with windows of 10 events.
func (r *rig) job(tb testing.TB, change ...func(*schedules.Job)) *schedules.Job {
	tb.Helper()
	p, err := transform.Compile(r.rules)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := ledger.Open(tb.Context(), r.ledger)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	j := &schedules.Job{
		Name: jobName, Source: r.src, Pipeline: p, Sink: r.place.Open(nil), Ledger: l,
		WindowEvents: 10, Workers: 2,
	}
	for _, f := range change {
		f(j)
	}
	return j
}

// run runs a new job, which must succeed.
func (r *rig) run(tb testing.TB, change ...func(*schedules.Job)) *schedules.Report {
	tb.Helper()
	rep, err := r.job(tb, change...).Run(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return rep
}

func (r *rig) state(tb testing.TB) *schedules.State {
	tb.Helper()
	s, err := r.job(tb).Ledger.State(tb.Context(), jobName)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// A tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// numbers counts how often each event is in the place.
func (r *rig) numbers(tb tester) map[int]int {
	tb.Helper()
	generation, err := r.place.Open(nil).Live(tb.Context(), jobName)
	if err != nil {
		tb.Fatal(err)
	}
	_, tables, err := r.place.Open(nil).Manifests(tb.Context(), jobName, generation)
	if err != nil {
		tb.Fatal(err)
	}
	seen := make(map[int]int)
	for _, t := range tables {
		if t.Name == transform.Quarantine {
			continue
		}
		for _, line := range r.place.Rows(jobName, generation, t.Name) {
			var row struct {
				N     int     `json:"n"`
				Extra *string `json:"_extra"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				tb.Fatalf("row %s: %v", line, err)
			}
			if row.N == 0 || row.Extra != nil {
				tb.Errorf("row %s: a value has no column", line)
			}
			seen[row.N]++
		}
	}
	return seen
}

// expectOnce looks for every event, once.
func (r *rig) expectOnce(tb tester) {
	tb.Helper()
	seen := r.numbers(tb)
	for n := 1; n <= r.events; n++ {
		if seen[n] != 1 {
			tb.Errorf("event %d is there %d times", n, seen[n])
		}
	}
	if len(seen) != r.events {
		tb.Errorf("got %d events, want %d", len(seen), r.events)
	}
}

func at(seq int64) source.Position { return source.Position{Seq: seq} }

func window(after, through int64) source.Window {
	return source.Window{After: at(after), Through: at(through)}
}

// commit loads a window into the place without a ledger hearing of it.
func (r *rig) commit(tb testing.TB, w source.Window) {
	tb.Helper()
	txn, err := r.place.Open(nil).Begin(tb.Context(), sinks.Load{Job: jobName, Generation: 1, Window: w})
	if err != nil {
		tb.Fatal(err)
	}
	if err := txn.Commit(tb.Context(), sinks.Summary{Events: 1}); err != nil {
		tb.Fatal(err)
	}
}
