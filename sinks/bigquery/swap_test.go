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

	client "cloud.google.com/go/bigquery"
)

// commitIn loads a window into a generation.
func commitIn(t *testing.T, s *bigquery.Sink, generation int, w source.Window, tables ...*transform.Table) {
	t.Helper()
	if err := s.Evolve(t.Context(), sinktest.Job, generation, tables); err != nil {
		t.Fatal(err)
	}
	l := sinktest.Load(w)
	l.Generation = generation
	if err := commitLoad(t, s, l, tables...); err != nil {
		t.Fatal(err)
	}
}

// TestSwapMends checks that a rebuild brings in tables which have been
// deleted, and which are partitioned otherwise by now: both are what a
// rebuild is recommended for.
func TestSwapMends(t *testing.T) {
	w := sinktest.Window(0, 10)
	tests := map[string]struct {
		harm   func(*testing.T, *client.Dataset)
		change func(*bigquery.Options)
	}{
		"a table deleted": {harm: func(t *testing.T, d *client.Dataset) {
			if err := d.Table("orders").Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		"another partition": {change: func(o *bigquery.Options) { o.Partition, o.RequirePartitionFilter = "month", true }},
		"no partition":      {change: func(o *bigquery.Options) { o.Partition = "none" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			o := options(server)
			o.Partition = "day"
			commitIn(t, open(t, o), 1, w, sinktest.Orders(), sinktest.Refunds())
			if test.harm != nil {
				test.harm(t, outsider(t, server).Dataset(dataset))
			}
			if test.change != nil {
				test.change(&o)
			}
			s := open(t, o)
			commitIn(t, s, 2, w, sinktest.Orders(), sinktest.Refunds())
			if err := s.Swap(t.Context(), sinktest.Job, 2); err != nil {
				t.Fatal(err)
			}
			if err := s.Check(t.Context(), sinktest.Job, 2); err != nil {
				t.Fatal(err)
			}
			if got := place(server, nil).Rows(t, "orders"); !slices.Equal(got, lines(sinktest.Orders(), w)) {
				t.Errorf("got %d rows, want 10", len(got))
			}
			commitIn(t, s, 2, sinktest.Window(10, 20), sinktest.Orders(), sinktest.Refunds())
			commitIn(t, s, 3, w, sinktest.Orders(), sinktest.Refunds())
			if err := s.Swap(t.Context(), sinktest.Job, 3); err != nil {
				t.Errorf("the next swap: %v", err)
			}
		})
	}
}

// TestSwapInTheWay checks that a swap leaves alone what is not the job's, and
// decides nothing before that is out of the way.
func TestSwapInTheWay(t *testing.T) {
	w := sinktest.Window(0, 10)
	for name, theirs := range map[string]client.TableMetadata{
		"view":  {ViewQuery: "SELECT 1"},
		"table": {Schema: client.Schema{{Name: "a", Type: "STRING"}}},
	} {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			s := open(t, options(server))
			commitIn(t, s, 1, w, sinktest.Orders())
			commitIn(t, s, 2, w, sinktest.Orders(), sinktest.Refunds())
			there := outsider(t, server).Dataset(dataset).Table("refunds")
			if err := there.Create(t.Context(), &theirs); err != nil {
				t.Fatal(err)
			}
			before := server.Table(dataset, "refunds").Etag
			err := s.Swap(t.Context(), sinktest.Job, 2)
			if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), "use table test-project."+dataset+".refunds") {
				t.Fatalf("got %v, want ErrDisagree", err)
			}
			expectHint(t, err)
			if server.Table(dataset, "refunds").Etag != before {
				t.Fatal("what is not ours was changed")
			}
			if live, err := s.Live(t.Context(), sinktest.Job); live != 1 || err != nil {
				t.Fatalf("got generation %d, %v; want 1", live, err)
			}
			if err := there.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.Swap(t.Context(), sinktest.Job, 2); err != nil {
				t.Fatal(err)
			}
			if got := place(server, nil).Rows(t, "refunds"); len(got) != 10 {
				t.Errorf("got %d rows, want 10", len(got))
			}
		})
	}
}
