package transform

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Members that appear later, inside structs.
func TestStructsGrow(t *testing.T) {
	p := compile(t, Rules{Options: Options{Nested: true}})
	first := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"lines":[{"sku":"A","at":{"x":1}}],"who":{"name":"N"}}`))
	before := first.table("e")
	steps := []struct {
		data, lines, who string
		version          int
		extra            string
	}{
		{`{"lines":[{"sku":"B"},{"qty":2,"sku":"C"}]}`, "list<struct<sku: string, at: struct<x: int64>, qty: int64>>", "struct<name: string>", 2, ""},
		{`{"lines":[{"at":{"x":2,"y":[true]}}],"who":{"Name":"M"}}`, "list<struct<sku: string, at: struct<x: int64, y: list<bool>>, qty: int64>>", "struct<name: string, Name_2: string>", 3, ""},
		{`{"lines":[{"sku":5},{"sku":[]}]}`, "list<struct<sku: string, at: struct<x: int64, y: list<bool>>, qty: int64>>", "struct<name: string, Name_2: string>", 3, `{"lines":[{"sku":5},{"sku":[]}]}`},
		{`{"lines":[{"gone":null,"none":{"of":null}}],"who":7}`, "list<struct<sku: string, at: struct<x: int64, y: list<bool>>, qty: int64>>", "struct<name: string, Name_2: string>", 3, `{"who":7}`},
		// What does not fit stays in _extra, and what is new beside it gets its field all the same.
		{`{"lines":[{"sku":[]},{"late":1}]}`, "list<struct<sku: string, at: struct<x: int64, y: list<bool>>, qty: int64, late: int64>>", "struct<name: string, Name_2: string>", 4, `{"lines":[{"sku":[]},{"late":1}]}`},
	}
	catalog := first.catalog
	for _, s := range steps {
		r := flatten(t, p, catalog, Limits{}, events(s.data))
		catalog = r.catalog
		if got := r.column(t, "lines").Type.String(); got != s.lines {
			t.Errorf("after %s: lines are %s, want %s", s.data, got, s.lines)
		}
		if got := r.column(t, "who").Type.String(); got != s.who {
			t.Errorf("after %s: who is %s, want %s", s.data, got, s.who)
		}
		if got := r.table("e").Version; got != s.version {
			t.Errorf("after %s: version %d, want %d", s.data, got, s.version)
		}
		if got := extra0(r.rows["e"][0]); got != s.extra {
			t.Errorf("after %s: _extra %s, want %s", s.data, got, s.extra)
		}
	}
	if got := before.Columns[before.Column("lines")].Type.String(); got != "list<struct<sku: string, at: struct<x: int64>>>" || before.Version != 1 {
		t.Errorf("the first table was changed: %s, version %d", got, before.Version)
	}
}

// An object whose names are data is kept as text, and one that turns out to
// be so later gets no further columns.
func TestCrowdedObjects(t *testing.T) {
	crowd := manyNames(maxMembers + 1)
	r := flattenAll(t, Rules{}, events(`{"a":`+crowd+`}`))
	if got := r.rows["e"][0]["a"]; got != crowd {
		t.Errorf("got %v", got)
	}
	for _, before := range []string{`{"a":{"k1":1}}`, `{"a":5}`, `{"a":{"b":{"c":[{"d":1}]}}}`} {
		p := compile(t, Rules{})
		run := flatten(t, p, p.NewCatalog(nil), Limits{}, events(before))
		run = flatten(t, p, run.catalog, Limits{}, events(`{"a":`+crowd+`}`, `{"a":{"b":{"new":1,"c":[{"e":1}]}}}`))
		if n := len(run.table("e").Columns); n > 12 {
			t.Errorf("after %s: %d columns", before, n)
		}
		if run.stats.Extra == 0 {
			t.Errorf("after %s: nothing in _extra", before)
		}
	}
}

// A catalog that has a place for every value of a window does not change for
// it: what the rows do not ask for, the tables do not get.
func TestCatalogSettles(t *testing.T) {
	lines := Options{Explode: map[string][][]string{"E": {{"a", "lines"}}}}
	tests := []struct {
		name          string
		options       Options
		before, after string
		columns       string // of each table beside the envelope and _extra
	}{
		{"an empty object where objects were", Options{}, `{"a":{"b":1}}`, `{"a":{}}`, "a_b"},
		{"an empty object where a list is exploded", lines, `{"a":{"lines":[{}]}}`, `{"a":{}}`, "|"},
		{"an empty element", lines, `{"a":{"lines":[{"x":1}]}}`, `{"a":{"lines":[{},null]}}`, "|x"},
		{"objects of nulls", Options{Nested: true}, `{"a":1}`, `{"a":{"b":null},"c":{"d":{"e":null}}}`, "a"},
		{"an object where a number was", Options{Nested: true}, `{"a":1}`, `{"a":{"b":1}}`, "a"},
		{"a declared member keeps its object apart", Options{Nested: true, Types: map[string]map[string]Type{"E": {"a.b": {Kind: String}}}}, `{"a":{"b":1}}`, `{"a":{"b":2}}`, "a_b"},
		{"a list below what is crowded", lines, `{"a":{"x":1,"lines":[{"y":1}]}}`, `{"a":{"lines":[{"z":1}],` + manyNames(300)[1:] + `}`, "a_x a|y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compile(t, Rules{Options: tt.options})
			catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(tt.before)).catalog
			run := flatten(t, p, catalog, Limits{}, events(tt.after))
			shapes := p.NewShapes()
			observer := p.NewObserver(shapes)
			for _, e := range events(tt.before, tt.after) {
				if err := observer.Observe(&e); err != nil {
					t.Fatal(err)
				}
			}
			if next, changed := run.catalog.Evolve(shapes); changed {
				t.Errorf("it changed: %s", describe(run.catalog, next))
			}
			var got []string
			for _, table := range run.catalog.Tables() {
				names := columnNames(table)
				got = append(got, strings.Join(names[len(envelopeColumns(table.Explode != nil)):len(names)-1], " "))
			}
			if diff := cmp.Diff(strings.Split(tt.columns, "|"), got); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
}

// A struct of as many fields as there may be is closed, and what is in it.
func TestFullStructs(t *testing.T) {
	p := compile(t, Rules{Options: Options{Nested: true}})
	full := fmt.Sprintf(`{"a":{"in":{"x":1},%s}`, manyNames(maxMembers - 1)[1:])
	run := flatten(t, p, p.NewCatalog(nil), Limits{}, events(full))
	if n := len(run.column(t, "a").Type.Fields); n != maxMembers {
		t.Fatalf("%d fields", n)
	}
	run = flatten(t, p, run.catalog, Limits{}, events(`{"a":{"in":{"y":1}}}`, `{"a":{"new":1}}`))
	if run.rounds != 0 || run.stats.Extra != 2 {
		t.Errorf("%d rounds, %+v", run.rounds, run.stats)
	}
	if _, grown := run.column(t, "a").Type.grow(&member{members: []*member{{name: "in", members: []*member{{name: "y"}}}}}); grown {
		t.Error("the type grows")
	}
}

// A list without elements inside of a struct, which has no field for it, is
// kept in _extra with the whole value.
func TestEmptyListInStruct(t *testing.T) {
	for _, o := range []Options{{}, {Nested: true}} {
		r := flattenAll(t, Rules{Options: o}, events(`{"r":[{"a":1,"l":[]},{"a":2}]}`, `{"r":[{"a":3}]}`))
		if got, want := r.rows["e"][0][ColExtra], `{"r":[{"a":1,"l":[]},{"a":2}]}`; got != want {
			t.Errorf("nested %t: _extra holds %v, want %s", o.Nested, got, want)
		}
		if list, _ := r.rows["e"][0]["r"].([]any); len(list) != 2 {
			t.Errorf("nested %t: the column holds %v", o.Nested, r.rows["e"][0]["r"])
		}
		if got := r.rows["e"][1][ColExtra]; got != nil {
			t.Errorf("nested %t: _extra of the next row holds %v", o.Nested, got)
		}
	}
}

// Readers show a partition as a column, so no other column has its name.
func TestPartitionName(t *testing.T) {
	r := flattenAll(t, Rules{Options: Options{Partition: ByDay}}, events(`{"event_day":"first","event_month":"x"}`))
	if row := r.rows["e"][0]; row["data_event_day"] != "first" || row["event_month"] != "x" {
		t.Errorf("got %v", row)
	}
}
