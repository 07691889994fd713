package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseType(t *testing.T) {
	for _, s := range []string{
		"bool", "int64", "float64", "decimal(18,2)", "decimal(38,38)", "string", "uuid", "timestamp", "datetime", "json", "list<string>", "list<list<decimal(5,0)>>",
	} {
		typ, err := ParseType(s)
		if err != nil || typ.String() != s {
			t.Errorf("%s: got %v, %v", s, typ, err)
		}
	}
	for _, s := range []string{"", "int", "decimal", "decimal(39,2)", "decimal(0,0)", "decimal(5,6)", "decimal(5)", "decimal(5,-1)", "list", "list<>", "list<int64", "struct<a: int64>", "BOOL"} {
		if typ, err := ParseType(s); err == nil {
			t.Errorf("%q: got %v, want an error", s, typ)
		}
	}
}

func TestNames(t *testing.T) {
	tables := []struct{ event, want string }{
		{"Cart.ItemAdded", "cart_item_added"}, {"HTTPCall", "http_call"}, {"a-b c", "a_b_c"}, {"Größe", "gr_e"}, {"***", "event"}, {"Order2Placed", "order2_placed"}, {"__x__", "x"},
	}
	for _, tt := range tables {
		if got := TableName(tt.event); got != tt.want {
			t.Errorf("table %s: got %s, want %s", tt.event, got, tt.want)
		}
	}
	columns := []struct{ name, want string }{
		{"a", "a"}, {"", "_"}, {"1st", "_1st"}, {"a b.c", "a_b_c"}, {"né", "n_"}, {"_TABLE_x", "data_TABLE_x"}, {"_partitiontime", "data_partitiontime"}, {strings.Repeat("x", 400), strings.Repeat("x", maxColumnName)},
	}
	for _, tt := range columns {
		if got := columnName(tt.name); got != tt.want {
			t.Errorf("column %s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if got := TableName(strings.Repeat("x", 400)); len(got) > 255 {
		t.Errorf("a table's name of %d bytes is no name of a folder", len(got))
	}
}

func TestColumnNames(t *testing.T) {
	e := event(1, `{"a_b":1,"a":{"b":2},"A":3,"position":4,"_extra":5,"data_position":6,"x.y":7,"x y":8,"":9}`)
	e.Meta = []byte(`{"a":1,"user":{"id":2}}`)
	r := flattenAll(t, Rules{}, []source.Event{e})
	want := []string{
		"a_b", "data_a_b", "A", "data_position", "data__extra", "data_data_position", "x_y", "data_x_y", "_", "meta_a", "meta_user_id", "_extra",
	}
	if diff := cmp.Diff(want, columnNames(r.table("e"))[8:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTableNames(t *testing.T) {
	var evs []source.Event
	for i, typ := range []string{"Events", "Order.Placed", "order_placed", "B", "C"} {
		e := event(int64(i+1), `{"list":[1]}`)
		e.Type = typ
		evs = append(evs, e)
	}
	var r Rules
	r.Options = Options{Layout: Both, Tables: map[string]string{"B": "c"}, Explode: map[string][][]string{"B": {{"list"}}}}
	got := make(map[string]string)
	for _, table := range flattenAll(t, r, evs).catalog.Tables() {
		got[table.Name] = table.Event + "/" + strings.Join(table.Explode, ".")
	}
	want := map[string]string{
		"events": "/", "events_2": "Events/", "order_placed": "Order.Placed/", "order_placed_2": "order_placed/", "c": "B/", "c_list": "B/list", "c_event": "C/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Tables that were kept as JSON are the same tables when they are taken up.
func TestTablesAreKept(t *testing.T) {
	r := markerRules()
	r.Options = Options{Layout: Both, Nested: true, Explode: map[string][][]string{"E": {{"items"}}}, Types: map[string]map[string]Type{"E": {"d": {Kind: Decimal, Precision: 9, Scale: 2}}}}
	evs := events(`{"a":{"b":[1.5]},"items":[{"x":1}],"d":1,"m":{"_type_":"money","_data_":"1"}}`, `{"a":{"b":[2],"c":{}},"items":[2]}`)
	p := compile(t, r)
	first := flatten(t, p, p.NewCatalog(nil), Limits{}, evs)
	text, err := json.Marshal(first.catalog.Tables())
	if err != nil {
		t.Fatal(err)
	}
	var kept []*Table
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first.catalog.Tables(), kept, cmpopts.IgnoreUnexported(Table{})); diff != "" {
		t.Errorf("(-made +kept):\n%s", diff)
	}
	second := flatten(t, p, p.NewCatalog(kept), Limits{}, evs)
	if second.rounds != 0 {
		t.Errorf("the kept catalog evolved %d times", second.rounds)
	}
	if diff := cmp.Diff(first.rows, second.rows, cmp.Comparer(equalRats)); diff != "" {
		t.Errorf("rows (-made +kept):\n%s", diff)
	}
	for i, table := range first.catalog.Tables() {
		if !table.Schema().Equal(second.catalog.Tables()[i].Schema()) {
			t.Errorf("the schema of %s differs", table.Name)
		}
	}
}
