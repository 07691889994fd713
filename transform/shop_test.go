package transform

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

// shopRules read what Python's eventsourcing wrote.
func shopRules() Rules {
	return Rules{Payload: source.Payload{
		Markers: true, Time: source.Path{Names: []string{"timestamp"}}, SchemaVersion: source.Path{Names: []string{"class_version"}},
		Repeats: []string{"originator_topic"},
	}}
}

// shopEvents reads the store of a small shop (see testdata/stores).
func shopEvents(t testing.TB) []source.Event {
	t.Helper()
	path := filepath.Join("..", "testdata", "stores", "shop", "shop.sqlite")
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT rowid, originator_id, originator_version, topic, state FROM stored_events ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names := source.Names{Topics: true}
	var all []source.Event
	for rows.Next() {
		var e source.Event
		var id, topic string
		if err := rows.Scan(&e.Position.Seq, &id, &e.StreamVersion, &topic, &e.Data); err != nil {
			t.Fatal(err)
		}
		e.Stream, e.Type = []byte(dashed(id)), names.Name(topic)
		all = append(all, e)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// The tables of the shop's 20,000 events, before any upcasting.
func TestShopSchema(t *testing.T) {
	events := shopEvents(t)
	p := compile(t, shopRules())
	shapes := p.NewShapes()
	observer := p.NewObserver(shapes)
	for i := range events {
		if err := observer.Observe(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	catalog, _ := p.NewCatalog(nil).Evolve(shapes)
	var out strings.Builder
	for _, table := range catalog.Tables() {
		fmt.Fprintf(&out, "%s: %s, version %d\n", table.Name, table.Event, table.Version)
		for _, c := range table.Columns {
			fmt.Fprintf(&out, "  %s %s", c.Name, c.Type)
			if c.Required {
				out.WriteString(" required")
			}
			if c.Path != nil {
				fmt.Fprintf(&out, " of %s since %s", pathText(c.Path), c.Since)
			}
			if c.Encoding != "" {
				fmt.Fprintf(&out, " (%s)", c.Encoding)
			}
			out.WriteString("\n")
		}
	}
	golden(t, "shop.schema.txt", out.String())

	run := flatten(t, p, catalog, Limits{Rows: 1000}, events)
	if run.rounds != 0 || run.stats.Events != 20000 || run.stats.Rows != 20000 {
		t.Errorf("%d rounds, %+v", run.rounds, run.stats)
	}
	checkShop(t, run, events)

	// Without discovery the tables come to be as the events come; then what
	// fits no column any more is in _extra.
	checkShop(t, flatten(t, p, p.NewCatalog(nil), Limits{Bytes: 100000}, events), events)
}

// checkShop compares every row with the payload as encoding/json reads it.
func checkShop(t *testing.T, run *run, events []source.Event) {
	t.Helper()
	byPosition := make(map[int64]tableRow)
	tables := make(map[string]*Table)
	for _, table := range run.catalog.Tables() {
		tables[table.Event] = table
		for _, row := range run.rows[table.Name] {
			byPosition[row[ColPosition].(int64)] = row
		}
	}
	if len(byPosition) != len(events) {
		t.Fatalf("got %d rows, want %d", len(byPosition), len(events))
	}
	for i := range events {
		e := &events[i]
		row := byPosition[e.Position.Seq]
		var payload map[string]any
		dec := json.NewDecoder(bytes.NewReader(e.Data))
		dec.UseNumber()
		if err := dec.Decode(&payload); err != nil {
			t.Fatal(err)
		}
		at, _, _ := goTime(payload["timestamp"].(map[string]any)["_data_"].(string))
		schema := int64(1)
		if v, ok := payload["class_version"]; ok {
			schema, _ = v.(json.Number).Int64()
		}
		for name, want := range map[string]any{
			ColStreamID: string(e.Stream), ColStreamVersion: e.StreamVersion, ColEventType: e.Type, ColSchemaVersion: schema, ColEventTime: at.UTC(), ColSubIndex: int64(0),
		} {
			if !cmp.Equal(row[name], want) {
				t.Fatalf("event %v: %s is %v, want %v", e.Position, name, row[name], want)
			}
		}
		for _, name := range []string{"timestamp", "class_version", "originator_topic"} {
			delete(payload, name)
		}
		want := make(map[string]string)
		leaves(want, "", payload)
		got := make(map[string]string)
		for _, c := range tables[e.Type].Columns {
			if v, ok := row[c.Name]; ok && c.Path != nil {
				got[pathText(c.Path)] = shopText(v, c.Type)
			}
		}
		if text, ok := row[ColExtra].(string); ok {
			var kept map[string]any
			dec := json.NewDecoder(strings.NewReader(text))
			dec.UseNumber()
			if err := dec.Decode(&kept); err != nil {
				t.Fatal(err)
			}
			leaves(got, "", kept)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("event %v (-encoding/json +row):\n%s", e.Position, diff)
		}
	}
}

// leaves writes the values of a payload as text, by dotted path.
func leaves(out map[string]string, path string, v any) {
	object, ok := v.(map[string]any)
	if data, marked := object["_data_"]; marked {
		v, ok = data, false
		if object["_type_"] == "uuid_hex" {
			v = dashed(data.(string))
		}
	}
	if !ok {
		if v != nil {
			out[path] = plainText(fmt.Sprint(v))
		}
		return
	}
	for name, c := range object {
		if path != "" {
			name = path + "." + name
		}
		leaves(out, name, c)
	}
}

// shopText is a cell as leaves writes it.
func shopText(v any, typ Type) string {
	switch typ.Kind {
	case Decimal:
		return plainText(v.(interface{ FloatString(int) string }).FloatString(int(typ.Scale)))
	case JSON:
		var x any
		if json.Unmarshal([]byte(v.(string)), &x) == nil {
			return plainText(fmt.Sprint(x))
		}
	}
	return plainText(fmt.Sprint(v))
}

// plainText takes the zeros off the end of a decimal number.
func plainText(text string) string {
	if decimalForm.MatchString(text) && strings.Contains(text, ".") {
		return strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// golden compares text with a file under testdata, which -update rewrites.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
