package transform

import (
	"strings"
	"testing"
	"time"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// What an event becomes: the cells behind the envelope.
func TestFlatten(t *testing.T) {
	const zoned = `{"_type_":"datetime_iso","_data_":"2025-01-01T02:00:00+02:00"}`
	declared := func(path, typ string) Options {
		parsed, err := ParseType(typ)
		if err != nil {
			t.Fatal(err)
		}
		return Options{Types: map[string]map[string]Type{"E": {path: parsed}}}
	}
	tests := []struct {
		name    string
		options Options
		data    string
		want    tableRow
	}{
		{"objects become columns", Options{}, `{"a":{"b":{"c":1}},"d":null}`, tableRow{"a_b_c": int64(1)}},
		{"an object of nothing is kept", Options{}, `{"a":{},"b":{"c":null}}`, tableRow{"a": "{}"}},
		{"objects stay structs", Options{Nested: true}, `{"a":{"b":{"c":1}}}`, tableRow{"a": map[string]any{"b": map[string]any{"c": int64(1)}}}},
		{"a list of lists", Options{}, `{"a":[[1],[],null,[2,null]]}`, tableRow{"a": []any{[]any{int64(1)}, []any{}, nil, []any{int64(2), nil}}}},
		{"a list of structs", Options{}, `{"a":[{"x":1},null,{"y":"t","x":null}]}`, tableRow{"a": []any{map[string]any{"x": int64(1)}, nil, map[string]any{"y": "t"}}}},
		{"a time becomes UTC", Options{}, `{"a":` + zoned + `}`, tableRow{"a": time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{"a payload that is no object", Options{}, `[1,2]`, tableRow{"_": []any{int64(1), int64(2)}}},
		{"a payload that is null", Options{}, `null`, tableRow{}},
		{"more than 64 bits", declared("a", "int64"), `{"a":9223372036854775808}`, tableRow{"_extra": `{"a":9223372036854775808}`}},
		{"a double that would lose digits", declared("a", "float64"), `{"a":9007199254740993}`, tableRow{"_extra": `{"a":9007199254740993}`}},
		{"a decimal that would lose digits", declared("a", "decimal(5,2)"), `{"a":1.234}`, tableRow{"_extra": `{"a":1.234}`}},
		{"a decimal too large", declared("a", "decimal(5,2)"), `{"a":1234.5}`, tableRow{"_extra": `{"a":1234.5}`}},
		{"no number in a decimal", declared("a", "decimal(5,2)"), `{"a":NaN}`, tableRow{"_extra": `{"a":"NaN"}`}},
		{"a zone where none should be", declared("a", "datetime"), `{"a":` + zoned + `}`, tableRow{"_extra": `{"a":"2025-01-01T02:00:00+02:00"}`}},
		{"text as a time", declared("a", "datetime"), `{"a":"2025-01-01 02:00"}`, tableRow{"a": time.Date(2025, 1, 1, 2, 0, 0, 0, time.UTC)}},
		{"an object where a number should be", declared("a", "int64"), `{"a":{"b":1}}`, tableRow{"_extra": `{"a":{"b":1}}`}},
		{"an object of nothing where a number should be", declared("a", "int64"), `{"a":{}}`, tableRow{"_extra": `{"a":{}}`}},
		{"an element that does not fit", declared("a.b", "list<int64>"), `{"a":{"b":[1,"x"]}}`, tableRow{"_extra": `{"a.b":[1,"x"]}`}},
		{"half a surrogate pair", declared("a", "string"), `{"a":"\ud800"}`, tableRow{"_extra": `{"a":"\ud800"}`}},
		{"a table that is full", Options{MaxColumns: 10}, `{"a":1,"c.d":2,"meta":3,"":4}`, tableRow{"a": int64(1), "_extra": `{"\"c.d\"":2,"\"meta\"":3,"\"\"":4}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := markerRules()
			r.Options = tt.options
			run := flattenAll(t, r, events(tt.data))
			got := run.rows["e"][0]
			for _, c := range run.table("e").Columns[:8] {
				delete(got, c.Name)
			}
			if diff := cmp.Diff(tt.want, got, cmp.Comparer(equalRats)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := int64(strings.Count(extra0(got), ":")); tt.options.MaxColumns == 0 && (run.stats.Extra > 0) != (want > 0) {
				t.Errorf("%d values counted as extra", run.stats.Extra)
			}
		})
	}
}

func extra0(row tableRow) string { s, _ := row[ColExtra].(string); return s }

func TestEnvelopeColumns(t *testing.T) {
	e := event(7, `{}`)
	e.ID, e.SchemaVersion = []byte("id-7"), 3
	bare := event(8, `{}`)
	bare.Time, bare.SchemaVersion = time.Time{}, 0
	r := flattenAll(t, Rules{}, []source.Event{e, bare})
	want := []tableRow{{
		ColPosition: int64(7), ColSubIndex: int64(0), ColStreamID: "s-1", ColStreamVersion: int64(7), ColEventID: "id-7",
		ColEventType: "E", ColSchemaVersion: int64(3), ColEventTime: time.UnixMicro(1e15 + 7).UTC(),
	}, {
		ColPosition: int64(8), ColSubIndex: int64(0), ColStreamID: "s-1", ColStreamVersion: int64(8),
		ColEventType: "E", ColSchemaVersion: int64(1),
	}}
	if diff := cmp.Diff(want, r.rows["e"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestExplode(t *testing.T) {
	var r Rules
	r.Options.Explode = map[string][][]string{"E": {{"order", "lines"}}}
	run := flattenAll(t, r, events(`{"order":{"lines":[{"sku":"A","at":{"shelf":1}},7,null]},"n":1}`, `{"order":{"lines":[]}}`, `{"order":{"lines":"none"}}`, `{"n":2}`))
	var got []tableRow
	for _, row := range run.rows["e_order_lines"] {
		for _, name := range []string{ColSubIndex, ColStreamID, ColStreamVersion, ColEventType, ColSchemaVersion, ColEventTime} {
			delete(row, name)
		}
		got = append(got, row)
	}
	want := []tableRow{
		{ColPosition: int64(1), ColListIndex: int64(0), "sku": "A", "at_shelf": int64(1)},
		{ColPosition: int64(1), ColListIndex: int64(1), "value": int64(7)},
		{ColPosition: int64(1), ColListIndex: int64(2)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := run.rows["e"][2][ColExtra]; got != `{"order.lines":"none"}` {
		t.Errorf("what is no list: got _extra %v", got)
	}
	if run.stats.Rows != 7 || run.stats.Events != 4 || run.stats.Extra != 1 {
		t.Errorf("got %+v", run.stats)
	}
}

func TestAllEvents(t *testing.T) {
	for _, layout := range []Layout{One, Both} {
		var r Rules
		r.Payload.Repeats = []string{"again"}
		r.Options.Layout = layout
		run := flattenAll(t, r, events(`{ "a" : 1.50, "again": 2, "b":["\u0041"] }`, `7`))
		if got := run.rows[AllEvents][0][ColData]; got != `{"a":1.50,"b":["A"]}` {
			t.Errorf("%s: got %v", layout, got)
		}
		if got := run.rows[AllEvents][1][ColData]; got != `7` {
			t.Errorf("%s: got %v", layout, got)
		}
		if n := len(run.catalog.Tables()); n != map[Layout]int{One: 1, Both: 2}[layout] {
			t.Errorf("%s: %d tables", layout, n)
		}
	}
}

// An object of nothing is no number: it is kept beside the column.
func TestEmptyObjectBesideNumbers(t *testing.T) {
	r := flattenAll(t, Rules{}, events(`{"a":1}`, `{"a":{}}`))
	if got := extra0(r.rows["e"][1]); got != `{"a":{}}` {
		t.Errorf("got _extra %s", got)
	}
}
