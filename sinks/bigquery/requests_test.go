package bigquery_test

import (
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// TestRequests counts what a window asks of BigQuery: a job for each table and
// one for the manifest, each sent once and looked at until it is done, however
// many windows there are already. There is no query among them.
func TestRequests(t *testing.T) {
	for _, delay := range []int{0, 1, 3} {
		server := start(t, bqtest.Options{JobDelay: delay, Limits: bqtest.Unlimited})
		s := open(t, options(server))
		defer s.Close()
		tables := []*transform.Table{sinktest.Orders(), sinktest.Refunds()}
		const windows = 40
		for i := range int64(windows) {
			before := server.Requests()
			loadWindow(t, s, i, tables)
			got := server.Requests()
			for method, n := range before {
				if got[method] -= n; got[method] == 0 {
					delete(got, method)
				}
			}
			if i == 0 {
				continue // the dataset and the tables are made
			}
			want := map[string]int{"jobs.insert": 3, "jobs.get": 3 * (delay + 1)}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("window %d of jobs that take %d looks: requests (-want +got):\n%s", i+1, delay, d)
			}
		}
		for _, job := range server.Jobs() {
			if job.Configuration.Query != nil {
				t.Errorf("job %s is a query: %s", job.JobReference.JobId, job.Configuration.Query.Query)
			}
		}
		if n := server.Requests()["jobs.query"]; n > 0 {
			t.Errorf("%d queries were run", n)
		}
	}
}

// loadWindow loads the i-th window.
func loadWindow(t *testing.T, s sinks.Sink, i int64, tables []*transform.Table) {
	t.Helper()
	w := sinktest.Window(10*i, 10*i+10)
	txn, err := s.Begin(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		r := sinktest.Record(table, w)
		err := txn.Write(t.Context(), table, r)
		r.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := txn.Commit(t.Context(), sinktest.Summary(w)); err != nil {
		t.Fatal(err)
	}
}
