package upcast

import (
	"bufio"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

const shop = "../../testdata/stores/shop/"

// TestShop upcasts all events of a small shop's store. They must equal what
// the library that wrote them reads back, value for value.
func TestShop(t *testing.T) {
	rules, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := pipeline(t, compileYAML(t, string(rules)), source.Payload{Markers: true, SchemaVersion: source.Path{Names: []string{"class_version"}}})
	expected := expectedShop(t)
	db, err := sql.Open("sqlite", "file:"+shop+"shop.sqlite?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT rowid, topic, state FROM stored_events ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	compare := func(_ *transform.Table, r arrow.Record) error {
		data := r.Column(r.Schema().FieldIndices("data")[0]).(*array.String)
		for i := range data.Len() {
			got := decoded(t, data.Value(i))
			delete(got, "class_version") // lifted into the envelope
			if diff := cmp.Diff(expected(), got); diff != "" {
				return fmt.Errorf("event %d (-want +got):\n%s", n+1, diff)
			}
			n++
		}
		return nil
	}
	var batcher *transform.Batcher
	for rows.Next() {
		e := source.Event{}
		if err := rows.Scan(&e.Position.Seq, &e.Type, &e.Data); err != nil {
			t.Fatal(err)
		}
		_, e.Type, _ = strings.Cut(e.Type, ":")
		if batcher == nil {
			x, err := p.Explain(p.NewCatalog(nil), &e)
			if err != nil {
				t.Fatal(err)
			}
			batcher = p.NewBatcher(x.Catalog, transform.Limits{}, compare)
		}
		if err := batcher.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), batcher.Flush()); err != nil || n != 20000 {
		t.Errorf("got %d events and error %v, want 20000", n, err)
	}
}

// expectedShop reads one payload after the other of what is expected.
func expectedShop(t *testing.T) func() map[string]any {
	t.Helper()
	f, err := os.Open(shop + "shop.expected.ndjson.gz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	return func() map[string]any {
		if !lines.Scan() {
			t.Fatalf("no more events are expected: %v", lines.Err())
		}
		var line struct{ Data json.RawMessage }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return decoded(t, string(line.Data))
	}
}

// decoded reads a payload with the digits of its numbers.
func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
