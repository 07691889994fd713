package bigquery_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/bigquery"
	"backstory/sinks/sinktest"
	"backstory/transform"

	client "cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
)

// Where the live lane makes its datasets: a project, how their names begin,
// and where they are. Application Default Credentials are used;
// BIGQUERY_EMULATOR_HOST leads to a server that stands in.
const (
	liveProject  = "BACKSTORY_BIGQUERY_PROJECT"
	liveDataset  = "BACKSTORY_BIGQUERY_DATASET"
	liveLocation = "BACKSTORY_BIGQUERY_LOCATION"
)

// TestLive runs the suite and a whole run against BigQuery itself, each test
// in a dataset of its own, which is deleted afterwards. It is the one test that
// may be skipped: what it wants is money and a name.
func TestLive(t *testing.T) {
	if os.Getenv(liveProject) == "" || os.Getenv(liveDataset) == "" {
		t.Skipf("not run against BigQuery: set %s to a project, and %s to how the names of its datasets may begin", liveProject, liveDataset)
	}
	l := newLive(t)
	t.Run("suite", func(t *testing.T) { sinktest.Run(t, l.place) })
	t.Run("shop", l.shop)
}

// live is a project of BigQuery.
type live struct{ client *client.Client }

func newLive(t *testing.T) live {
	c, err := bigquery.NewClient(t.Context(), bigquery.Options{Project: os.Getenv(liveProject), Endpoint: os.Getenv("BIGQUERY_EMULATOR_HOST")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return live{c}
}

// dataset gives the name of a dataset that is not there yet, and that is
// deleted when the test is over.
func (l live) dataset(t *testing.T) string {
	name := fmt.Sprintf("%s_%s", os.Getenv(liveDataset), strings.ToLower(rand.Text()[:12]))
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		err := l.client.Dataset(name).DeleteWithContents(ctx)
		var api *googleapi.Error
		if err != nil && !(errors.As(err, &api) && api.Code == 404) {
			t.Errorf("delete dataset %s by hand: %v", name, err)
		}
	})
	return name
}

// place is a dataset for one test of the suite.
func (l live) place(t *testing.T) sinktest.Place {
	name := l.dataset(t)
	d := l.client.Dataset(name)
	open := func(t *testing.T, step func(string)) sinks.Sink {
		s, err := bigquery.Open(t.Context(), bigquery.Options{
			Project: os.Getenv(liveProject), Dataset: name, Location: os.Getenv(liveLocation), Partition: "day", Version: "v0.0.0-test", Step: step,
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return sinktest.Place{
		Open: open,
		Rows: func(t *testing.T, table string) []string {
			lines, err := l.rows(t, d.Table(table))
			if err != nil {
				t.Fatal(err)
			}
			return lines
		},
		Poll: func(table string) ([]string, error) {
			lines, err := l.rows(t, d.Table(table))
			if err != nil { // the client asks for columns and rows one after the other, which may be of two states
				err = errors.Join(fs.ErrNotExist, err)
			}
			return lines, err
		},
		Leftovers: func(t *testing.T) []string { return l.leftovers(t, d, open(t, nil)) },
		Lose: func(t *testing.T, table string) {
			if err := d.Table(table).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		Intrude: func(t *testing.T, table string) {
			c := d.Table(table).CopierFrom(d.Table(table))
			c.WriteDisposition = client.WriteAppend
			job, err := c.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if status, err := job.Wait(t.Context()); err != nil || status.Err() != nil {
				t.Fatal(errors.Join(err, status.Err()))
			}
		},
		MayMix: true, MayWait: true,
	}
}

// leftovers lists staging tables, and shadow tables of the generation that
// readers see.
func (l live) leftovers(t *testing.T, d *client.Dataset, s sinks.Sink) (found []string) {
	defer s.Close()
	shown, err := s.(sinks.Generations).Live(t.Context(), sinktest.Job)
	if err != nil {
		t.Fatal(err)
	}
	it := d.Tables(t.Context())
	for {
		table, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(table.TableID, "__r_") || strings.HasSuffix(table.TableID, fmt.Sprintf("__g%d", shown)) {
			found = append(found, table.TableID)
		}
	}
}

// rows lists a table's rows as memory.Line writes them. A table that is not
// there has none.
func (l live) rows(t *testing.T, from *client.Table) ([]string, error) {
	it := from.Read(t.Context())
	var lines []string
	for {
		var row []client.Value
		err := it.Next(&row)
		var api *googleapi.Error
		switch {
		case errors.Is(err, iterator.Done), errors.As(err, &api) && api.Code == 404:
			return lines, nil
		case err != nil:
			return nil, err
		}
		table, err := suiteTable(from.TableID, len(row))
		if err != nil {
			return nil, err
		}
		parts := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			k := slices.IndexFunc(it.Schema, func(f *client.FieldSchema) bool { return f.Name == c.Name })
			parts[i] = fmt.Sprintf("%q: %s", c.Name, valueText(c.Type, row[k]))
		}
		lines = append(lines, "{"+strings.Join(parts, ", ")+"}")
	}
}

// valueText gives a value as memory.Text does, an empty list as null.
func valueText(typ transform.Type, v client.Value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", v)
	case time.Time:
		return v.UTC().Format(`"2006-01-02T15:04:05.000000Z"`)
	case civil.DateTime:
		return v.In(time.UTC).Format(`"2006-01-02T15:04:05.000000"`)
	case *big.Rat:
		return `"` + v.FloatString(int(typ.Scale)) + `"`
	case []client.Value:
		return valuesText(typ, v)
	}
	return fmt.Sprint(v)
}

func valuesText(typ transform.Type, values []client.Value) string {
	parts := make([]string, len(values))
	switch {
	case typ.Kind == transform.Struct:
		for i, v := range values {
			parts[i] = fmt.Sprintf("%q: %s", typ.Fields[i].Name, valueText(typ.Fields[i].Type, v))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case len(values) == 0:
		return "null"
	}
	for i, v := range values {
		parts[i] = valueText(*typ.Elem, v)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// shop loads the shipped store with the binary, checks, and loads it again.
func (l live) shop(t *testing.T) {
	dir, name := t.TempDir(), l.dataset(t)
	binary, config := filepath.Join(dir, "backstory"), filepath.Join(dir, "backstory.yaml")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "backstory/cmd/backstory").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	store, err := filepath.Abs("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("source: {driver: sqlite, path: '%s', layout: eventsourcing}\nsink: {driver: bigquery, project: %s, dataset: %s, location: '%s', partition: month}\njobs: [{name: shop}]\n",
		store, os.Getenv(liveProject), name, os.Getenv(liveLocation))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{{"run"}, {"run"}, {"check"}, {"rebuild", "shop"}, {"run"}} {
		if out, err := exec.CommandContext(t.Context(), binary, append(step, "--config", config)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", step, err, out)
		}
		var total uint64
		for _, table := range []string{"cart_created", "cart_item_added", "cart_item_removed", "cart_checked_out", "customer_registered", "customer_address_changed", "customer_erased"} {
			md, err := l.client.Dataset(name).Table(table).Metadata(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			total += md.NumRows
		}
		if total != 20_000 {
			t.Fatalf("after %s: got %d rows, want 20,000", step, total)
		}
	}
}
