package bigquery_test

import (
	"errors"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
)

// TestForgottenJobs resumes when BigQuery has forgotten all jobs, as it does
// after six months: what is committed is known by its manifests, and what was
// cut off by the number of rows, so that nothing is loaded twice.
func TestForgottenJobs(t *testing.T) {
	server := start(t, bqtest.Options{})
	if err := commit(t, open(t, options(server)), sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	server.Forget()
	s := open(t, options(server))
	if err := check(t, s); err != nil {
		t.Fatalf("check what was committed: %v", err)
	}
	if _, err := s.Begin(t.Context(), sinktest.Load(sinktest.Window(0, 10))); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatalf("begin what was committed: got %v", err)
	}
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Times: -1, Do: bqtest.Status(403, "accessDenied")})
	if err := commit(t, s, sinktest.Window(10, 20), sinktest.Orders()); err == nil {
		t.Fatal("commit without a manifest: got no error")
	}
	server.Mend()
	server.Forget()
	err := check(t, open(t, options(server)))
	if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "has 20 rows, and 10 were loaded") {
		t.Fatalf("check what was cut off: got %v, want ErrDisagree", err)
	}
	var h interface{ Hint() string }
	if !errors.As(err, &h) || !strings.Contains(h.Hint(), "BigQuery has forgotten its jobs") {
		t.Errorf("got hint %v", h)
	}
}
