package bigquery_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"backstory/schedules"
	ledger "backstory/schedules/sqlite"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/source"
	"backstory/source/memory"
	"backstory/transform"
)

// TestRunsWithinQuota runs a job again and again into a table that a day
// allows twelve loads of: a history in many small windows is loaded as few
// wide ones, what comes later by and by, and when the day is used up the rest
// waits. Nothing is ever refused by the server, which counts for itself.
func TestRunsWithinQuota(t *testing.T) {
	const aDay = 12
	server := start(t, bqtest.Options{Limits: bqtest.Limits{TableModifications: aDay, Updates: -1}})
	var src memory.Source
	events := 0
	grow := func(n int) {
		for range n {
			events++
			src.Append(source.Event{
				Position: source.Position{Seq: int64(events)}, Stream: []byte("s"), StreamVersion: int64(events),
				Type: "A", SchemaVersion: 1, Data: fmt.Appendf(nil, `{"n": %d}`, events),
			})
		}
	}
	rules, err := transform.Compile(transform.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	run := func() *schedules.Report {
		t.Helper()
		l, err := ledger.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		s := open(t, options(server))
		defer s.Close()
		bigquery.Allow(s, aDay, 1000, 1000)
		j := &schedules.Job{Name: "shop", Source: &src, Pipeline: rules, Sink: s, Ledger: l, WindowEvents: 10}
		rep, err := j.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	grow(150)
	rep := run()
	if rep.Deferred != nil || rep.Events != 150 || rep.Windows > aDay/2 {
		t.Fatalf("the history: got %d events in %d windows, %+v left", rep.Events, rep.Windows, rep.Deferred)
	}
	for range aDay - rep.Windows {
		grow(1)
		if rep := run(); rep.Deferred != nil || rep.Windows != 1 {
			t.Fatalf("an increment: got %d windows, %+v left", rep.Windows, rep.Deferred)
		}
	}
	loaded := events
	for range 3 {
		grow(15)
		if rep = run(); rep.Deferred == nil || rep.Windows != 0 || rep.Deferred.Events != int64(events-loaded) || rep.Deferred.Until.IsZero() {
			t.Fatalf("when the day is used up: got %d windows, %+v left", rep.Windows, rep.Deferred)
		}
	}
	rows, err := server.Rows(dataset, "a")
	if err != nil || len(rows) != loaded {
		t.Errorf("got %d rows, %v, want %d", len(rows), err, loaded)
	}
	for _, r := range server.History() {
		if r.Status == 403 {
			t.Errorf("%s of %s was refused", r.Method, r.Table)
		}
	}
}
