package transform

import "testing"

// Every pair of kinds at one path, and the type of the column it makes.
func TestInferPairs(t *testing.T) {
	const (
		uuid  = `{"_type_":"uuid_hex","_data_":"6b0d549b6f03475a9600a35a099950d8"}`
		dec   = `{"_type_":"decimal_str","_data_":"12.30"}`
		zoned = `{"_type_":"datetime_iso","_data_":"2025-01-01T00:00:00+00:00"}`
		naive = `{"_type_":"datetime_iso","_data_":"2025-01-01T00:00:00"}`
		big   = `123456789012345678901234567890`
	)
	tests := []struct{ a, b, want string }{
		{`true`, `false`, "bool"}, {`true`, `1`, "json"}, {`true`, `1.5`, "json"}, {`true`, `"x"`, "json"}, {`true`, dec, "json"}, {`true`, uuid, "json"}, {`true`, `[]`, "bool"},
		{`1`, `2`, "int64"}, {`1`, big, "decimal(38,0)"}, {`1`, `1.5`, "float64"}, {`1`, dec, "decimal(18,2)"}, {`1`, `"x"`, "string"}, {`1`, uuid, "string"}, {`1`, zoned, "string"}, {`1`, `[1]`, "json"},
		{`1.5`, `2.25`, "float64"}, {`1.5`, dec, "decimal(18,2)"}, {`1.5`, big, "decimal(38,1)"}, {`1.5`, `"x"`, "json"}, {`1.5`, uuid, "json"}, {`1.5`, `[1]`, "json"},
		{`1.5`, `NaN`, "float64"}, {`1`, `Infinity`, "float64"}, {dec, `NaN`, "json"}, {`0.12345678901234567890`, `1.5`, "decimal(38,20)"}, {`9007199254740993`, `1.5`, "decimal(38,1)"},
		{dec, dec, "decimal(18,2)"}, {dec, big, "decimal(38,2)"}, {dec, `"x"`, "string"}, {dec, uuid, "string"}, {dec, zoned, "string"}, {dec, `[1]`, "json"},
		{dec, `{"_type_":"decimal_str","_data_":"NaN"}`, "string"}, {dec, `{"_type_":"decimal_str","_data_":"1E+3"}`, "decimal(18,2)"},
		{dec, `{"_type_":"decimal_str","_data_":"123456789012345678901234567890123456789"}`, "string"},
		{`"x"`, `"y"`, "string"}, {`"x"`, uuid, "string"}, {`"x"`, zoned, "string"}, {`"x"`, `[1]`, "json"},
		{uuid, uuid, "uuid"}, {uuid, zoned, "string"}, {uuid, `[1]`, "json"},
		{zoned, zoned, "timestamp"}, {naive, naive, "datetime"}, {zoned, naive, "string"}, {zoned, `{"_type_":"datetime_iso","_data_":"today"}`, "string"}, {zoned, `[1]`, "json"},
		{`[1]`, `[2]`, "list<int64>"}, {`[1]`, `[2.5]`, "list<float64>"}, {`[1]`, `["x"]`, "list<string>"}, {`[]`, `[null]`, ""}, {`[]`, `[1]`, "list<int64>"}, {`[[]]`, `[]`, ""}, {`[[1]]`, `[[2],[]]`, "list<list<int64>>"},
		{`[1]`, `[[1]]`, "list<json>"}, {`[1]`, `[{"a":1}]`, "list<json>"}, {`[1]`, `[{}]`, "list<json>"}, {`[{}]`, `[{}]`, "list<json>"},
		{`[{"a":1}]`, `[{"b":"x"},{}]`, "list<struct<a: int64, b: string>>"}, {`[{"a":{"b":1}}]`, `[{"a":null}]`, "list<struct<a: struct<b: int64>>>"},
		{`{}`, `{}`, "json"}, {`{}`, `1`, "int64"}, {`null`, `1`, "int64"}, {`{"_type_":"odd","_data_":1}`, `2`, "int64"},
	}
	for _, tt := range tests {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			p := compile(t, markerRules())
			shapes := p.NewShapes()
			observer := p.NewObserver(shapes)
			for _, e := range events(`{"v":`+pair[0]+`}`, `{"v":`+pair[1]+`}`) {
				if err := observer.Observe(&e); err != nil {
					t.Fatal(err)
				}
			}
			catalog, _ := p.NewCatalog(nil).Evolve(shapes)
			table := catalog.Tables()[0]
			i := table.Column("v")
			if i < 0 {
				if tt.want != "" {
					t.Errorf("%s beside %s: no column", pair[0], pair[1])
				}
			} else if got := table.Columns[i].Type.String(); got != tt.want && got != swapped(tt.want) {
				t.Errorf("%s beside %s: got %s, want %s", pair[0], pair[1], got, tt.want)
			}
		}
	}
}

// swapped is a type with its two fields the other way round, which is how
// they come when the events do.
func swapped(typ string) string {
	if typ == "list<struct<a: int64, b: string>>" {
		return "list<struct<b: string, a: int64>>"
	}
	return typ
}

func TestDecimalPrecision(t *testing.T) {
	tests := []struct{ text, want string }{
		{"1.5", "decimal(18,1)"},
		{"123456789012345", "decimal(18,0)"},
		{"1234567890123456", "decimal(38,0)"},
		{"1234567890123.45", "decimal(18,2)"},
		{"12345678901234.45", "decimal(38,2)"},
		{"0.000", "decimal(18,3)"},
		{"0.00000000000000000000000000000000000001", "decimal(38,38)"},
		{"1E+3", "decimal(18,0)"},
		{"1E+40", "string"},
		{"1.00000000000000000000000000000000000000", "string"},
	}
	for _, tt := range tests {
		r := flattenAll(t, markerRules(), events(`{"v":{"_type_":"decimal_str","_data_":"`+tt.text+`"}}`))
		if got := r.column(t, "v").Type.String(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}

func markerRules() Rules {
	var r Rules
	r.Payload.Markers = true
	return r
}

// Merging gives the same tables in whatever order, and the same as seeing
// all events at once.
func TestMerge(t *testing.T) {
	data := []string{`{"a":1,"b":[{"x":1}]}`, `{"a":1.5,"b":[{"y":null,"z":"t"}]}`, `{"a":"t"}`, `{"a":null,"b":[]}`}
	p := compile(t, Rules{})
	observe := func(from, to int) *Shapes {
		s := p.NewShapes()
		o := p.NewObserver(s)
		for i, e := range events(data...) {
			if i >= from && i < to {
				if err := o.Observe(&e); err != nil {
					t.Fatal(err)
				}
			}
		}
		return s
	}
	types := func(s *Shapes) map[string]string {
		c, _ := p.NewCatalog(nil).Evolve(s)
		out := make(map[string]string)
		for _, c := range c.Tables()[0].Columns {
			out[c.Name] = c.Type.String()
		}
		return out
	}
	want := types(observe(0, len(data)))
	for cut := range len(data) {
		for _, back := range []bool{false, true} {
			a, b := observe(0, cut), observe(cut, len(data))
			if back {
				a, b = b, a
			}
			a.Merge(b)
			if sh := a.All()[0]; sh.Events != int64(len(data)) || sh.First.Seq != 1 || sh.Last.Seq != int64(len(data)) {
				t.Errorf("cut %d: %d events from %v to %v", cut, sh.Events, sh.First, sh.Last)
			}
			got := types(a)
			for name, typ := range want {
				if got[name] != typ && name != "b" || len(got) != len(want) {
					t.Errorf("cut %d, backwards %v: %s is %s, want %s", cut, back, name, got[name], typ)
				}
			}
		}
	}
}
