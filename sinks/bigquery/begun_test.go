package bigquery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"
)

// cutOff loads a window of a job but for its manifest.
func cutOff(t *testing.T, server *bqtest.Server, job string, w source.Window) {
	t.Helper()
	server.Fail(bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Do: bqtest.Status(403, "accessDenied")})
	if err := commitOf(t, open(t, options(server)), job, w); err == nil {
		t.Fatal("commit without a manifest: got no error")
	}
}

// commitOf loads a window of a job.
func commitOf(t *testing.T, s *bigquery.Sink, job string, w source.Window) error {
	t.Helper()
	l := sinktest.Load(w)
	l.Job = job
	return commitLoad(t, s, l, sinktest.Orders())
}

// commitLoad does a load.
func commitLoad(t *testing.T, s *bigquery.Sink, l sinks.Load, tables ...*transform.Table) error {
	t.Helper()
	txn, err := s.Begin(t.Context(), l)
	if err != nil {
		return err
	}
	return complete(t, txn, l.Window, l.Window, tables...)
}

// complete writes the rows of a window, as those of another, and commits.
func complete(t *testing.T, txn sinks.Txn, w, rows source.Window, tables ...*transform.Table) error {
	t.Helper()
	for _, table := range tables {
		r := sinktest.Record(table, rows)
		err := txn.Write(t.Context(), table, r)
		r.Release()
		if err != nil {
			return errors.Join(err, txn.Abort())
		}
	}
	if err := txn.Commit(t.Context(), sinktest.Summary(w)); err != nil {
		return errors.Join(err, txn.Abort())
	}
	return nil
}

// TestBegun checks that windows which were cut off are told by their jobs,
// whatever the job is called, until they are committed; and that no other
// window which overlaps one is loaded, since its rows would be doubled.
func TestBegun(t *testing.T) {
	for _, job := range []string{"shop", "shop_prod", "shop_a1_p2"} {
		t.Run(job, func(t *testing.T) {
			server := start(t, bqtest.Options{JobDelay: 1})
			first, second, third := sinktest.Window(0, 10), sinktest.Window(10, 20), sinktest.Window(20, 30)
			if err := commitOf(t, open(t, options(server)), job, first); err != nil {
				t.Fatal(err)
			}
			cutOff(t, server, job, third)
			cutOff(t, server, job, second)

			s := open(t, options(server))
			if err := s.Check(t.Context(), job, 1); err != nil {
				t.Fatal(err)
			}
			begun, err := s.Begun(t.Context(), job, 1)
			if err != nil {
				t.Fatal(err)
			}
			if want := []source.Window{second, third}; !slices.Equal(begun, want) {
				t.Fatalf("got %v, want %v", begun, want)
			}
			err = commitOf(t, s, job, sinktest.Window(10, 15))
			if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "an earlier run has loaded a part of window (10,20]") {
				t.Fatalf("load another window: got %v, want ErrDisagree", err)
			}
			expectHint(t, err)
			for _, w := range begun {
				if err := commitOf(t, s, job, w); err != nil {
					t.Fatal(err)
				}
			}
			if got := place(server, nil).Rows(t, "orders"); len(got) != 30 {
				t.Errorf("got %d rows, want 30", len(got))
			}
			if begun, err := s.Begun(t.Context(), job, 1); len(begun) > 0 || err != nil {
				t.Errorf("got %v, %v; want none", begun, err)
			}
		})
	}
}

// TestCheckDoubled checks that rows of a load that was cut off are no longer
// explained where another window has brought them too.
func TestCheckDoubled(t *testing.T) {
	server := start(t, bqtest.Options{})
	cutOff(t, server, sinktest.Job, sinktest.Window(0, 10))
	if err := commitOf(t, open(t, options(server)), sinktest.Job, sinktest.Window(0, 20)); err != nil {
		t.Fatal(err) // who does not check before does not know
	}
	if err := check(t, open(t, options(server))); !errors.Is(err, sinks.ErrDisagree) {
		t.Fatalf("got %v, want ErrDisagree", err)
	}
}
