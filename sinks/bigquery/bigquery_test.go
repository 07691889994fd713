package bigquery_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"
	"backstory/transform"

	client "cloud.google.com/go/bigquery"
	"google.golang.org/api/option"
)

const dataset = "shop"

// TestSink runs the suite where jobs take their time.
func TestSink(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place { return place(start(t, bqtest.Options{JobDelay: 1}), nil) })
}

// TestSinkPartitioned runs the suite on tables in partitions, of which the
// sink loads two with one job.
func TestSinkPartitioned(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		p := place(start(t, bqtest.Options{}), func(o *bigquery.Options) { o.Partition = "day" })
		inner := p.Open
		p.Open = func(t *testing.T, step func(string)) sinks.Sink {
			s := inner(t, step)
			bigquery.CutAt(s.(*bigquery.Sink), 2)
			return s
		}
		return p
	})
}

// start starts a server; one test changes tables faster than BigQuery allows.
func start(t testing.TB, o bqtest.Options) *bqtest.Server {
	if o.Limits == (bqtest.Limits{}) {
		o.Limits.Updates = -1
	}
	return bqtest.Start(t, o)
}

// options are those of a sink on the server.
func options(server *bqtest.Server) bigquery.Options {
	return bigquery.Options{Project: server.Project(), Dataset: dataset, Version: "v0.0.0-test", Endpoint: server.URL()}
}

func open(t testing.TB, o bigquery.Options) *bigquery.Sink {
	t.Helper()
	s, err := bigquery.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	bigquery.Hasten(s)
	return s
}

// place is a dataset whose sinks have options that change makes.
func place(server *bqtest.Server, change func(*bigquery.Options)) sinktest.Place {
	return sinktest.Place{
		Open: func(t *testing.T, step func(string)) sinks.Sink {
			o := options(server)
			o.Step = step
			if change != nil {
				change(&o)
			}
			return open(t, o)
		},
		Rows: func(t *testing.T, table string) []string {
			lines, err := readTable(server, table)
			if err != nil {
				t.Fatal(err)
			}
			return lines
		},
		Poll:      func(table string) ([]string, error) { return readTable(server, table) },
		Leftovers: func(t *testing.T) []string { return leftovers(t, server) },
		Intrude:   func(t *testing.T, table string) { intrude(t, server, table) },
		Lose: func(t *testing.T, table string) {
			if err := outsider(t, server).Dataset(dataset).Table(table).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		MayMix: true, MayWait: true,
	}
}

// outsider is a client that is not the sink's.
func outsider(t *testing.T, server *bqtest.Server) *client.Client {
	t.Helper()
	c, err := client.NewClient(t.Context(), server.Project(), option.WithEndpoint(server.URL()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// intrude copies the rows of a table behind themselves.
func intrude(t *testing.T, server *bqtest.Server, table string) {
	t.Helper()
	d := outsider(t, server).Dataset(dataset)
	c := d.Table(table).CopierFrom(d.Table(table))
	c.WriteDisposition = client.WriteAppend
	job, err := c.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	status, err := job.Wait(t.Context())
	if err == nil {
		err = status.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// leftovers lists staging tables, and shadow tables of the generation that
// readers see.
func leftovers(t *testing.T, server *bqtest.Server) []string {
	s := open(t, options(server))
	defer s.Close()
	live, err := s.Live(t.Context(), sinktest.Job)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(server.Tables(dataset), func(name string) bool {
		return !strings.HasSuffix(name, fmt.Sprintf("__g%d", live)) && !strings.Contains(name, "__r_")
	})
}

// readTable gives a table's rows as memory.Line does: with the columns in the
// order of the suite's table, decimals with all their digits, and without a
// list where that is null.
func readTable(server *bqtest.Server, name string) ([]string, error) {
	rows, err := server.Rows(dataset, name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	table, err := suiteTable(name, len(rows[0]))
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(rows))
	for i, row := range rows {
		parts := make([]string, len(table.Columns))
		for k, c := range table.Columns {
			parts[k] = fmt.Sprintf("%q: %s", c.Name, cellText(c.Type, row.Get(c.Name)))
		}
		lines[i] = "{" + strings.Join(parts, ", ") + "}"
	}
	return lines, nil
}

func cellText(typ transform.Type, text string) string {
	switch {
	case typ.Kind == transform.List && text == "[]":
		return "null"
	case typ.Kind == transform.Decimal && text != "null":
		whole, part, _ := strings.Cut(strings.Trim(text, `"`), ".")
		return `"` + whole + "." + part + strings.Repeat("0", int(typ.Scale)-len(part)) + `"`
	}
	return text
}

// suiteTable finds the table of the suite that has so many columns.
func suiteTable(name string, columns int) (*transform.Table, error) {
	for _, t := range []*transform.Table{sinktest.Orders(), sinktest.Grown(), sinktest.Refunds(), noted(), sinktest.Returns()} {
		if t.Name == name && len(t.Columns) == columns {
			return t, nil
		}
	}
	return nil, fmt.Errorf("table %s with %d columns: %w", name, columns, fs.ErrInvalid)
}

// noted is Refunds as the suite evolves it.
func noted() *transform.Table {
	t := sinktest.Refunds()
	t.Columns = slices.Insert(t.Columns, len(t.Columns)-1, transform.Column{Name: "note", Type: transform.Type{Kind: transform.String}})
	return t
}
