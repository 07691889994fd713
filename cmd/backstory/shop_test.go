package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
	Position int64          `json:"position"`
	Stream   string         `json:"stream"`
	Version  int64          `json:"version"`
	Topic    string         `json:"topic"`
	Data     map[string]any `json:"data"`
}

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
	whole := rowsByPosition(t, filepath.Join(out, "events"))
	typed := make(map[string]map[int64]map[string]any)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var want shopEvent
		dec := json.NewDecoder(strings.NewReader(lines.Text()))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		delete(want.Data, "timestamp") // it is in the envelope
		_, event, _ := strings.Cut(want.Topic, ":")
		row := whole[want.Position]
		if row == nil || row["stream_id"] != want.Stream || row["stream_version"] != want.Version || row["event_type"] != event || row["sub_index"] != int64(0) {
			t.Fatalf("position %d: got %v, want %+v", want.Position, row, want)
		}
		var data map[string]any
		dec = json.NewDecoder(strings.NewReader(row["data"].(string)))
		dec.UseNumber()
		if err := dec.Decode(&data); err != nil {
			t.Fatalf("position %d: %v", want.Position, err)
		}
		if diff := cmp.Diff(want.Data, data); diff != "" {
			t.Fatalf("position %d (-want +got):\n%s", want.Position, diff)
		}
		table := strings.ToLower(strings.NewReplacer("Cart.", "cart_", "Customer.", "customer_", "ItemAdded", "item_added", "ItemRemoved", "item_removed",
			"CheckedOut", "checked_out", "AddressChanged", "address_changed").Replace(event))
		if typed[table] == nil {
			typed[table] = rowsByPosition(t, filepath.Join(out, table))
		}
		compareTyped(t, want, typed[table][want.Position])
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if n != len(whole) || n < 2000 {
		t.Errorf("got %d rows of %d events", len(whole), n)
	}
}

// compareTyped compares the columns of an event's own table: a leaf of the
// payload each, by the names that lead to it.
func compareTyped(t *testing.T, event shopEvent, row map[string]any) {
	t.Helper()
	want := make(map[string]string)
	shopLeaves(want, "", event.Data)
	got := make(map[string]string)
	for name, v := range row {
		switch name {
		case "position", "sub_index", "stream_id", "stream_version", "event_id", "event_type", "schema_version", "event_time":
			continue
		}
		switch v := v.(type) {
		case nil:
		case float64: // how the reader gives decimals of two places
			got[name] = strconv.FormatFloat(v, 'f', 2, 64)
		default:
			got[name] = fmt.Sprint(v)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("position %d, typed (-want +got):\n%s", event.Position, diff)
	}
}

// shopLeaves gives what is not null in a payload as text, by column name.
func shopLeaves(leaves map[string]string, name string, v any) {
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for key, member := range v {
			shopLeaves(leaves, strings.TrimPrefix(name+"_"+key, "_"), member)
		}
	default:
		leaves[name] = fmt.Sprint(v)
		if amount, ok := new(big.Rat).SetString(leaves[name]); ok && (name == "line_price" || name == "total") {
			leaves[name] = amount.FloatString(2) // the column has two places, whatever was written
		}
	}
}

// rowsByPosition reads a table.
func rowsByPosition(t *testing.T, dir string) map[int64]map[string]any {
	t.Helper()
	rows := make(map[int64]map[string]any)
	err := eachRow(dir, func(row map[string]any) error {
		for name, v := range row {
			if b, ok := v.([]byte); ok {
				row[name] = string(b)
			}
		}
		at := row["position"].(int64)
		if rows[at] != nil {
			return fmt.Errorf("position %d stands in %s twice", at, dir)
		}
		rows[at] = row
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
