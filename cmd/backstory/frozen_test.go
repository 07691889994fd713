package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestFrozenRoundTrip writes tables as schema freeze does and reads them back:
// they must be the same, and their text too.
func TestFrozenRoundTrip(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tables.yaml")
	rapid.Check(t, func(t *rapid.T) {
		o := &transform.Options{Explode: make(map[string][][]string)}
		var tables []*transform.Table
		for i := range rapid.IntRange(1, 4).Draw(t, "tables") {
			tables = append(tables, drawTable(t, i, o))
		}
		text := frozenText("shop", tables)
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		d := &document{name: "backstory.yaml"}
		got := d.frozenTables(file, o)
		if err := d.err(); err != nil {
			t.Fatalf("%v\nin:\n%s", err, text)
		}
		if diff := cmp.Diff(tables, got, cmpopts.IgnoreUnexported(transform.Table{})); diff != "" {
			t.Fatalf("tables (-want +got):\n%s\nin:\n%s", diff, text)
		}
		if again := frozenText("shop", got); again != text {
			t.Fatalf("the text changed:\n%s", cmp.Diff(text, again))
		}
	})
}

var (
	drawWord = rapid.StringMatching(`[a-z]{1,8}`)
	// Names in payloads may be anything that is UTF-8.
	drawName = rapid.OneOf(drawWord, rapid.String(), rapid.SampledFrom([]string{"true", "null", "12", "a.b", `"q"`, " x ", "a: b", "é", "x\ny", "-", "#c", "~", "1e5", "0x1F"}))
)

func drawTable(t *rapid.T, i int, o *transform.Options) *transform.Table {
	event := fmt.Sprintf("%s.%d", drawName.Draw(t, "event"), i)
	var explode []string
	if rapid.Bool().Draw(t, "exploded") {
		explode = rapid.SliceOfN(drawName, 1, 3).Draw(t, "explode")
		o.Explode[event] = append(o.Explode[event], explode)
	}
	var columns []transform.Column
	for n := range rapid.IntRange(0, 4).Draw(t, "columns") {
		c := transform.Column{
			Name: fmt.Sprintf("%s_%d", drawWord.Draw(t, "column"), n), Path: append(rapid.SliceOfN(drawName, 0, 2).Draw(t, "path"), fmt.Sprintf("%s%d", drawName.Draw(t, "member"), n)),
			Meta: rapid.Bool().Draw(t, "meta"), Type: drawType(t, 3), Marker: drawName.Draw(t, "marker"),
			Encoding: rapid.SampledFrom([]transform.Encoding{"", transform.Dictionary, transform.Plain, transform.Delta}).Draw(t, "encoding"),
			Declared: rapid.Bool().Draw(t, "declared"), Closed: rapid.Bool().Draw(t, "closed"), Masked: rapid.Bool().Draw(t, "masked"),
		}
		c.Since.Seq = rapid.Int64Range(0, 1<<62).Draw(t, "since")
		if rapid.Bool().Draw(t, "two parts") && c.Since.Seq > 0 {
			c.Since.Tx = 77
		}
		columns = append(columns, c)
	}
	return transform.NewTable(fmt.Sprintf("%s_%d", drawWord.Draw(t, "table"), i), event, explode, transform.ByNone, columns)
}

func drawType(t *rapid.T, depth int) transform.Type {
	kinds := []string{"bool", "int64", "float64", "decimal(18,2)", "string", "uuid", "timestamp", "datetime", "json"}
	if depth > 0 {
		kinds = append(kinds, "list", "struct")
	}
	switch k := rapid.SampledFrom(kinds).Draw(t, "kind"); k {
	case "list":
		elem := drawType(t, depth-1)
		return transform.Type{Kind: transform.List, Elem: &elem}
	case "struct":
		var fields []transform.Field
		for n := range rapid.IntRange(1, 3).Draw(t, "fields") {
			name := fmt.Sprintf("%s_%d", drawWord.Draw(t, "field"), n)
			member := name
			if rapid.Bool().Draw(t, "renamed") {
				member = fmt.Sprintf("%s %d", drawName.Draw(t, "member"), n)
			}
			fields = append(fields, transform.Field{Name: name, Member: member, Type: drawType(t, depth-1)})
		}
		return transform.Type{Kind: transform.Struct, Fields: fields}
	default:
		typ, err := transform.ParseType(k)
		if err != nil {
			t.Fatal(err)
		}
		return typ
	}
}

func TestSplitPath(t *testing.T) {
	for text, want := range map[string][]string{
		"a":               {"a"},
		"a.b.c":           {"a", "b", "c"},
		`"a.b".c`:         {"a.b", "c"},
		`a."b\"c"`:        {"a", `b"c`},
		`"".x`:            {"", "x"},
		"":                nil,
		"a.":              nil,
		".a":              nil,
		"a..b":            nil,
		`"a`:              nil,
		`"a"b`:            nil,
		"über.straße":     {"über", "straße"},
		"with space.and-": {"with space", "and-"},
	} {
		got, ok := splitPath(text)
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("split %q: got %q, %t, want %q", text, got, ok, want)
		}
	}
}

// FuzzFrozen reads any text as a file of frozen tables: what is taken is
// written and read again as the same.
func FuzzFrozen(f *testing.F) {
	for _, name := range []string{"good", "bad", "syntax"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "config", "frozen", name+".yaml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{"tables:", "tables: []", "tables: [~]", "tables: [{columns: [~]}]", "[]", "a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := &transform.Options{Explode: map[string][][]string{"Order.Placed": {{"order", "lines"}}}}
		d := &document{}
		tables := d.frozenTablesOf("fuzz.yaml", []byte(text), o)
		if d.err() != nil {
			return
		}
		again := &document{}
		got := again.frozenTablesOf("again.yaml", []byte(frozenText("shop", tables)), o)
		if err := again.err(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tables, got, cmpopts.IgnoreUnexported(transform.Table{})); diff != "" {
			t.Errorf("tables (-want +got):\n%s", diff)
		}
	})
}

// Positions in two parts are no numbers, and must not become one.
func TestFrozenSince(t *testing.T) {
	c := transform.Column{Name: "a", Path: []string{"a"}, Type: transform.Type{Kind: transform.Bool}, Since: source.Position{Tx: 77, Seq: 120}}
	text := frozenText("shop", []*transform.Table{transform.NewTable("t", "T", nil, transform.ByNone, []transform.Column{c})})
	file := filepath.Join(t.TempDir(), "tables.yaml")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	got := (&document{}).frozenTables(file, &transform.Options{})
	if len(got) != 1 || got[0].Payload()[0].Since != c.Since {
		t.Errorf("got %+v of:\n%s", got, text)
	}
}
