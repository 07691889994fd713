package bigquery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"

	client "cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"
)

func expectHint(t *testing.T, err error) {
	t.Helper()
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("error %q has no hint", err)
	}
}

func evolve(t *testing.T, s *bigquery.Sink, tables ...*transform.Table) error {
	t.Helper()
	return s.Evolve(t.Context(), sinktest.Job, sinktest.Generation, tables)
}

// TestTableMade checks all that is said of a table.
func TestTableMade(t *testing.T) {
	server := start(t, bqtest.Options{})
	o := options(server)
	o.Location, o.Partition, o.Expiration, o.RequirePartitionFilter = "EU", "month", 400*24*time.Hour, true
	o.Cluster, o.Labels = []string{"nothing", "sku", "position", "tags"}, map[string]string{"team": "growth"}
	table := sinktest.Orders()
	table.Columns[4].Path = []string{"item", "sku"}
	table.Columns[4].Since.Seq = 17
	if err := evolve(t, open(t, o), table); err != nil {
		t.Fatal(err)
	}
	md, err := outsider(t, server).Dataset(dataset).Table("orders").Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if md.Location != "EU" || md.Description != "Events Order.Placed, one a row. Written by Backstory." || !md.RequirePartitionFilter {
		t.Errorf("got %+v", md)
	}
	want := &client.TimePartitioning{Type: "MONTH", Field: "event_time", Expiration: 400 * 24 * time.Hour}
	if diff := cmp.Diff(want, md.TimePartitioning); diff != "" {
		t.Errorf("partitioning (-want +got):\n%s", diff)
	}
	if got := md.Clustering.Fields; !slices.Equal(got, []string{"sku", "position"}) {
		t.Errorf("clustering: got %v", got)
	}
	labels := map[string]string{"team": "growth", "backstory_job": "shop", "backstory_generation": "1"}
	if diff := cmp.Diff(labels, md.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if f := md.Schema[4]; f.Description != "payload item.sku; string; since position 17" || f.Required {
		t.Errorf("column sku: got %+v", f)
	}
	if f := md.Schema[0]; !f.Required {
		t.Errorf("column position: got %+v, want it required", f)
	}
}

// TestTableFollows checks that a table which is there becomes what is wanted,
// beside somebody else who changes it.
func TestTableFollows(t *testing.T) {
	server := start(t, bqtest.Options{})
	o := options(server)
	o.Partition = "day"
	if err := evolve(t, open(t, o), sinktest.Orders()); err != nil {
		t.Fatal(err)
	}
	o.Expiration, o.RequirePartitionFilter, o.Cluster, o.Labels = 48*time.Hour, true, []string{"sku"}, map[string]string{"a": "b"}
	server.Fail(bqtest.Rule{Method: "tables.patch", Table: "orders", Do: bqtest.Before(func() {
		_, err := outsider(t, server).Dataset(dataset).Table("orders").Update(t.Context(), client.TableMetadataToUpdate{Name: "mine"}, "")
		if err != nil {
			t.Error(err)
		}
	})})
	if err := evolve(t, open(t, o), sinktest.Grown()); err != nil {
		t.Fatal(err)
	}
	md, err := outsider(t, server).Dataset(dataset).Table("orders").Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if md.Name != "mine" || !md.RequirePartitionFilter || md.TimePartitioning.Expiration != 48*time.Hour || !slices.Equal(md.Clustering.Fields, []string{"sku"}) || md.Labels["a"] != "b" {
		t.Errorf("got %+v", md)
	}
	if n := len(md.Schema); n != len(sinktest.Grown().Columns) {
		t.Errorf("got %d columns, want those of the grown table", n)
	}
	before := server.Requests()["tables.patch"]
	if err := evolve(t, open(t, o), sinktest.Grown()); err != nil {
		t.Fatal(err)
	}
	if n := server.Requests()["tables.patch"] - before; n != 0 {
		t.Errorf("evolving to what is there: got %d changes", n)
	}
}

// TestTableRefused checks that what is in the way is left alone.
func TestTableRefused(t *testing.T) {
	tests := map[string]struct {
		table client.TableMetadata
		want  string
	}{
		"view":             {client.TableMetadata{ViewQuery: "SELECT 1"}, "it is no table but a view"},
		"somebody else's":  {client.TableMetadata{Schema: client.Schema{{Name: "a", Type: "STRING"}}}, "it was not made by backstory"},
		"of another job":   {client.TableMetadata{Schema: client.Schema{{Name: "a", Type: "STRING"}}, Labels: map[string]string{"backstory_job": "crm"}}, "it belongs to job crm"},
		"capitals or not":  {client.TableMetadata{Schema: client.Schema{{Name: "a", Type: "STRING"}}}, "it was not made by backstory"},
		"ours by its name": {client.TableMetadata{}, "backstory needs the name for itself"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := start(t, bqtest.Options{})
			d := outsider(t, server).Dataset(dataset)
			if err := d.Create(t.Context(), &client.DatasetMetadata{}); err != nil {
				t.Fatal(err)
			}
			table := sinktest.Orders()
			if name == "ours by its name" {
				table.Name = "orders__g2"
			} else if err := d.Table("orders").Create(t.Context(), &test.table); err != nil {
				t.Fatal(err)
			}
			err := evolve(t, open(t, options(server)), table)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q in it", err, test.want)
			}
			expectHint(t, err)
		})
	}
}

// TestTableBreaks checks changes that rows cannot follow: an error where there
// are rows, a new table where there are none.
func TestTableBreaks(t *testing.T) {
	changes := map[string]struct {
		change func(*transform.Table)
		want   string
	}{
		"another type": {func(t *transform.Table) { t.Columns[4].Type = kind(transform.Int64) }, "column sku: it is STRING and not INTEGER"},
		"a list":       {func(t *transform.Table) { t.Columns[4].Type = listOf(kind(transform.String)) }, "column sku: it is STRING and not REPEATED STRING"},
		"a partition":  {func(t *transform.Table) { t.Partition = transform.ByDay }, "it is not partitioned and not partitioned by the day of event_time"},
		"a required column": {func(t *transform.Table) {
			t.Columns = append(t.Columns, transform.Column{Name: "n", Type: kind(transform.Int64), Required: true})
		}, "new column n is required"},
	}
	for name, c := range changes {
		for _, rows := range []int64{0, 10} {
			t.Run(fmt.Sprintf("%s with %d rows", name, rows), func(t *testing.T) {
				server := start(t, bqtest.Options{})
				s := open(t, options(server))
				if err := evolve(t, s, sinktest.Orders()); err != nil {
					t.Fatal(err)
				}
				if rows > 0 {
					if err := sinktest.Commit(t.Context(), s, sinktest.Window(0, rows), sinktest.Orders()); err != nil {
						t.Fatal(err)
					}
				}
				table := sinktest.Orders()
				c.change(table)
				table = &transform.Table{Name: table.Name, Event: table.Event, Version: 2, Columns: table.Columns, Partition: table.Partition}
				err := evolve(t, open(t, options(server)), table)
				if rows == 0 {
					if err != nil {
						t.Fatal(err)
					}
					err = sinktest.Commit(t.Context(), open(t, options(server)), sinktest.Window(0, 5), table)
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if !errors.Is(err, sinks.ErrDisagree) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v, want ErrDisagree with %q", err, c.want)
				}
				expectHint(t, err)
			})
		}
	}
}
