package bigquery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"
)

func check(t *testing.T, s *bigquery.Sink) error {
	t.Helper()
	return s.Check(t.Context(), sinktest.Job, sinktest.Generation)
}

// TestCheckInDoubt checks that rows of a load that was cut off are explained,
// and rows of others are not.
func TestCheckInDoubt(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	if err := commit(t, s, sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Times: -1, Do: bqtest.Status(403, "accessDenied")})
	for i := range int64(3) {
		if err := commit(t, s, sinktest.Window(10+i*10, 20+i*10), sinktest.Orders()); err == nil {
			t.Fatal("commit without a manifest: got no error")
		}
	}
	server.Mend()
	if n := len(place(server, nil).Rows(t, "orders")); n != 40 {
		t.Fatalf("got %d rows, want 40", n)
	}
	if err := check(t, s); err != nil {
		t.Fatalf("check rows of loads that were cut off: %v", err)
	}
	intrude(t, server, "orders")
	if err := check(t, s); !errors.Is(err, sinks.ErrDisagree) {
		t.Fatalf("check rows of others: got %v, want ErrDisagree", err)
	}
}

// TestSignature checks that whatever changes the tables changes it.
func TestSignature(t *testing.T) {
	server := start(t, bqtest.Options{})
	s := open(t, options(server))
	sign := func() string {
		t.Helper()
		sum, err := open(t, options(server)).Signature(t.Context(), sinktest.Job, sinktest.Generation)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	if sum := sign(); sum != "" {
		t.Fatalf("of nothing: got %q", sum)
	}
	seen := []string{}
	for i, change := range []func() error{
		func() error { return commit(t, s, sinktest.Window(0, 10), sinktest.Orders()) },
		func() error { return commit(t, s, sinktest.Window(10, 20), sinktest.Orders()) },
		func() error { return evolve(t, s, sinktest.Grown()) },
		func() error { intrude(t, server, "orders"); return nil },
		func() error { return outsider(t, server).Dataset(dataset).Table("orders").Delete(t.Context()) },
		func() error {
			return outsider(t, server).Dataset(dataset).Table("_backstory_loads").Delete(t.Context())
		},
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		sum := sign()
		if sum == "" || slices.Contains(seen, sum) || sum != sign() {
			t.Fatalf("after change %d: got %q, before %q", i+1, sum, seen)
		}
		seen = append(seen, sum)
	}
}

// TestPartitionsPerJob loads a window over more partitions than a job may
// touch: several jobs, each row once, also after a crash between them.
func TestPartitionsPerJob(t *testing.T) {
	server := start(t, bqtest.Options{Limits: bqtest.Limits{PartitionsPerJob: 3, Updates: -1}})
	o := options(server)
	o.Partition = "day"
	s := open(t, o)
	bigquery.CutAt(s, 3)
	w := sinktest.Window(0, 200) // two hours apart: 17 days
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "orders", Nth: 4, Do: bqtest.JobFails("invalid")})
	if err := commit(t, s, w, sinktest.Orders()); err == nil {
		t.Fatal("a job failed: got no error")
	}
	if err := commit(t, s, w, sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if n := len(place(server, nil).Rows(t, "orders")); n != 200 {
		t.Fatalf("got %d rows, want 200", n)
	}
	if err := check(t, s); err != nil {
		t.Fatal(err)
	}
	if n := len(jobIDs(server, "orders")); n < 6 {
		t.Fatalf("got %d jobs, want more", n)
	}
}

// TestManyWindows loads more windows in a day than a table in one piece could
// take of manifests.
func TestManyWindows(t *testing.T) {
	server := start(t, bqtest.Options{Limits: bqtest.Limits{TableModifications: 10, Updates: -1}})
	s := open(t, options(server))
	for i := range int64(30) {
		table := &transform.Table{Name: fmt.Sprint("t", i/10), Version: 1, Columns: sinktest.Orders().Columns}
		if err := commit(t, s, sinktest.Window(i*10, i*10+10), table); err != nil {
			t.Fatalf("window %d: %v", i, err)
		}
	}
	err := commit(t, s, sinktest.Window(300, 310), &transform.Table{Name: "t0", Version: 1, Columns: sinktest.Orders().Columns})
	if err == nil {
		t.Fatal("the eleventh load of a table of ten: got no error")
	}
	expectHint(t, err)
}

// TestCheckLostManifests checks that the table of the manifests is named where
// it is gone, and not the rows that nothing accounts for then.
func TestCheckLostManifests(t *testing.T) {
	server := start(t, bqtest.Options{})
	if err := commit(t, open(t, options(server)), sinktest.Window(0, 10), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	if err := outsider(t, server).Dataset(dataset).Table("_backstory_loads").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := check(t, open(t, options(server)))
	if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "._backstory_loads is missing") {
		t.Fatalf("got %v, want that the table is missing", err)
	}
	server.Forget()
	if err := check(t, open(t, options(server))); err == nil || !strings.Contains(err.Error(), "._backstory_loads is missing") {
		t.Fatalf("where BigQuery has forgotten the jobs: got %v, want that the table is missing", err)
	}
}
