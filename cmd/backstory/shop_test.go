package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"backstory/sinks/sinktest/readback"
	"backstory/source/postgres/pgtest"

	"github.com/google/go-cmp/cmp"
)

// TestShopRepaired loads the shop's history, as each kind of store has it, by
// the upcasters of the demo, which are YAML and nothing else. All events must
// come out as the library that wrote the store reads them back: the payloads
// in the table of all events, and the columns of the table of each type.
func TestShopRepaired(t *testing.T) {
	stores, err := filepath.Abs("../../testdata/stores")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(stores, "shop-aes", "cipher.key"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_CIPHER_KEY", strings.TrimSpace(string(key)))
	for _, c := range []struct{ name, expected, source string }{
		{"sqlite", "shop", "{driver: sqlite, path: " + filepath.Join(stores, "shop", "shop.sqlite") + "}"},
		{"zlib", "shop-zlib", "{driver: sqlite, path: " + filepath.Join(stores, "shop-zlib", "shop.sqlite") + ", state: {compress: zlib}}"},
		{"aes", "shop-aes", "{driver: sqlite, path: " + filepath.Join(stores, "shop-aes", "shop.sqlite") + `, state: {cipher: aes-gcm, key: "${env:TEST_CIPHER_KEY}", compress: zlib}}`},
		{"postgres", "shop", `{driver: postgres, url: "${env:TEST_SHOP_URL}", table: shop_events}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "postgres" {
				url := pgtest.Database(t)
				pgtest.Restore(t, url, filepath.Join(stores, "shop", "shop.postgres.sql.gz"))
				t.Setenv("TEST_SHOP_URL", url)
			}
			dir := t.TempDir()
			config := filepath.Join(dir, "backstory.yaml")
			text := fmt.Sprintf("source: %s\nsink: {driver: parquet, path: out}\ntables: {layout: both}\n%s", c.source, repairs(t))
			if err := os.WriteFile(config, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			if code := run([]string{"-c", config, "--quiet", "run", "--json"}); code != 0 {
				t.Fatalf("run ended with exit code %d", code)
			}
			compareShop(t, filepath.Join(stores, c.expected, "shop.expected.ndjson.gz"), filepath.Join(dir, "out"))
		})
	}
}

// repairs gives the demo's upcasters, and what follows them.
func repairs(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../testdata/demo/repaired.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "\nupcasters:\n")
	if !ok {
		t.Fatal("the demo has no upcasters")
	}
	return "upcasters:\n" + after
}

// shopEvent is an event as the library reads it back.
type shopEvent struct {
	Position json.Number    `json:"position"`
	Stream   string         `json:"stream"`
	Version  json.Number    `json:"version"`
	Topic    string         `json:"topic"`
	Data     map[string]any `json:"data"`
}

// compareShop compares every expected event with its row in the table of all
// events and with that in the table of its type.
func compareShop(t *testing.T, expected, out string) {
	t.Helper()
	f, err := os.Open(expected)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	whole, typed := shopRows(t, out)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var want shopEvent
		decodeShop(t, lines.Text(), &want)
		at := want.Position
		compareShopEnvelope(t, want, whole[at])
		compareShopEnvelope(t, want, typed[at])
		delete(want.Data, "timestamp") // it is in the envelope
		var data map[string]any
		decodeShop(t, whole[at]["data"].(string), &data)
		if diff := cmp.Diff(want.Data, data); diff != "" {
			t.Fatalf("position %s (-want +got):\n%s", at, diff)
		}
		compareShopColumns(t, want, typed[at])
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n < 2000 || n != len(whole) || n != len(typed) {
		t.Errorf("got %d and %d rows of %d events", len(whole), len(typed), n)
	}
}

func compareShopEnvelope(t *testing.T, event shopEvent, row map[string]any) {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, event.Data["timestamp"].(string))
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(event.Topic, ":")
	want := map[string]any{
		"position": event.Position, "sub_index": json.Number("0"), "stream_id": event.Stream, "stream_version": event.Version,
		"event_id": nil, "event_type": name, "event_time": at.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
	got := make(map[string]any)
	for column := range want {
		got[column] = row[column]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("position %s (-want +got):\n%s", event.Position, diff)
	}
}

// compareShopColumns compares the columns of an event's own table: a leaf of the
// payload each, by the names that lead to it.
func compareShopColumns(t *testing.T, event shopEvent, row map[string]any) {
	t.Helper()
	want, got := make(map[string]any), make(map[string]any)
	shopLeaves(want, "", event.Data)
	for column, v := range row {
		switch column {
		case "position", "sub_index", "stream_id", "stream_version", "event_id", "event_type", "schema_version", "event_time":
		default:
			shopLeaves(got, column, v)
		}
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameShopText)); diff != "" {
		t.Fatalf("position %s, columns (-want +got):\n%s", event.Position, diff)
	}
}

// shopLeaves gives what is not null in a payload by the names of its columns.
func shopLeaves(leaves map[string]any, name string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for key, member := range v {
			shopLeaves(leaves, strings.TrimPrefix(name+"_"+key, "_"), member)
		}
	default:
		leaves[name] = v
	}
}

// sameShopText tells whether two texts are one, but for the zeros that a
// column of decimals writes behind a number to have all of its places.
func sameShopText(a, b string) bool {
	x, isX := new(big.Rat).SetString(a)
	y, isY := new(big.Rat).SetString(b)
	return a == b || isX && isY && strings.Contains(a+b, ".") && x.Cmp(y) == 0
}

// shopRows gives the rows of the table of all events, and those of all other
// tables together, by position. The library that reads them is another one
// than that which wrote them.
func shopRows(t *testing.T, out string) (whole, typed map[json.Number]map[string]any) {
	t.Helper()
	files, err := readback.Files(out)
	if err != nil {
		t.Fatal(err)
	}
	whole, typed = make(map[json.Number]map[string]any), make(map[json.Number]map[string]any)
	for _, file := range files {
		lines, err := readback.Rows(file)
		if err != nil {
			t.Fatal(err)
		}
		rows := typed
		if filepath.Base(filepath.Dir(file)) == "events" {
			rows = whole
		}
		for _, line := range lines {
			var row map[string]any
			decodeShop(t, line, &row)
			at := row["position"].(json.Number)
			if rows[at] != nil {
				t.Fatalf("position %s stands in %s and elsewhere", at, file)
			}
			rows[at] = row
		}
	}
	return whole, typed
}

// decodeShop decodes JSON with the digits of its numbers.
func decodeShop(t *testing.T, text string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
