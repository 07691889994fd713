package transform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"backstory/source"

	"pgregory.net/rapid"
)

// memberNames collide with each other once they are column names, by case,
// with the envelope, and with what the rules below name.
var memberNames = []string{"a", "A", "b", "c", "a_b", "a b", "position", "_extra", "value", "", "é", "1", "lifted", "id", "meta", "b.a", "_type_", "_TABLE_"}

var scalarTexts = []string{
	"null", "true", "false", "0", "-0", "1", "-7", "123456789012345678", "9223372036854775807", "9223372036854775808",
	"-123456789012345678901234567890", "12345678901234567890123456789012345678901", "0.1", "1.0", "9007199254740993", "0.12345678901234567890", "1e3",
	"1e400", "5e-324", "-2.5E-3", "NaN", "Infinity", "-Infinity", `""`, `"x"`, `"5"`, `"\ud800"`, `"\u00e9\n"`, `"2025-01-01T08:28:09.736868+00:00"`,
	`"2025-01-01 08:28"`, `"6b0d549b-6f03-475a-9600-a35a099950d8"`,
	`{"_type_":"uuid_hex","_data_":"6B0d549b6f03475a9600a35a099950d8"}`, `{"_type_":"uuid_hex","_data_":"x"}`,
	`{"_type_":"decimal_str","_data_":"12.30"}`, `{"_type_":"decimal_str","_data_":"1E+3"}`, `{"_type_":"decimal_str","_data_":"NaN"}`,
	`{"_type_":"datetime_iso","_data_":"2025-01-01T08:28:09+02:00"}`, `{"_data_":"2025-01-01T08:28:09","_type_":"datetime_iso"}`,
	`{"_type_":"datetime_iso","_data_":"today"}`, `{"_type_":"date_iso","_data_":"2025-01-01"}`, `{"_type_":"odd","_data_":{"a":1}}`,
	`{"_type_":"odd","_data_":{"_type_":"odder","_data_":[1]}}`, `{"_type_":1,"_data_":2}`,
}

// drawValue draws the text of a value.
func drawValue(t *rapid.T, depth int, crowds bool) string {
	switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
	case kind < 5 || depth == 0:
		return rapid.SampledFrom(scalarTexts).Draw(t, "scalar")
	case kind < 8:
		return drawObject(t, depth, crowds)
	}
	var elems []string
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		elems = append(elems, drawValue(t, depth-1, crowds))
	}
	return "[" + strings.Join(elems, ",") + "]"
}

func drawObject(t *rapid.T, depth int, crowds bool) string {
	var members []string
	add := func(name, value string) { members = append(members, strconv.Quote(name)+":"+value) }
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(memberNames), 0, 5, rapid.ID).Draw(t, "names") {
		add(name, drawValue(t, depth-1, crowds))
	}
	if crowds && rapid.IntRange(0, 7).Draw(t, "crowd") == 0 {
		first := rapid.SampledFrom([]int{0, 100, 300}).Draw(t, "first")
		for i := range rapid.SampledFrom([]int{100, 251, 400}).Draw(t, "crowd size") {
			add("k"+strconv.Itoa(first+i), "1")
		}
		if rapid.Bool().Draw(t, "behind the crowd") {
			add("late", drawValue(t, depth-1, false))
		}
	}
	if rapid.IntRange(0, 40).Draw(t, "deep") == 0 {
		add("deep", strings.Repeat(`{"d":[`, 12)+rapid.SampledFrom(scalarTexts).Draw(t, "bottom")+strings.Repeat(`]}`, 12))
	}
	return "{" + strings.Join(members, ",") + "}"
}

var contracts = []Contract{"", "", ContractEvolve, ContractFreeze, ContractQuarantine}

func drawRules(t *rapid.T) Rules {
	var r Rules
	r.Payload.Markers = rapid.Bool().Draw(t, "markers")
	if rapid.Bool().Draw(t, "lifts") {
		r.Payload.ID = source.Path{Names: []string{"id"}}
		r.Payload.Stream = source.Path{Meta: true, Names: []string{"b", "id"}}
		r.Payload.Repeats = []string{"lifted"}
	}
	o := &r.Options
	o.Layout = rapid.SampledFrom([]Layout{PerType, Both}).Draw(t, "layout")
	o.Nested = rapid.Bool().Draw(t, "nested")
	o.MaxColumns = rapid.SampledFrom([]int{0, 5, 11, 14, 20}).Draw(t, "max columns")
	o.Explode = map[string][][]string{"E": rapid.SampledFrom([][][]string{nil, {{"a"}}, {{"b", "c"}, {"c"}}}).Draw(t, "explode")}
	o.Contract = rapid.SampledFrom(contracts).Draw(t, "contract")
	o.Contracts = map[string]Contract{"E": rapid.SampledFrom(contracts).Draw(t, "contract of E")}
	byPath := make(map[string]Contract)
	for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "a.b", "b.c", "b.c.a", "c.a", "c.a.c", "meta.a", "meta.b.c", "data.meta", "data.meta.a", "k7", "value", "$"}), 0, 3, rapid.ID).Draw(t, "contracts of columns") {
		byPath[path] = rapid.SampledFrom(contracts).Draw(t, "contract of "+path)
	}
	o.ColumnContracts = map[string]map[string]Contract{"E": byPath}
	o.NewFields = rapid.SampledFrom([]NewFields{"", "", NewAsColumn, NewInExtra, NewMasked}).Draw(t, "new fields")
	if o.NewFields == NewMasked {
		o.Layout = PerType
	}
	o.Types = map[string]map[string]Type{"E": rapid.SampledFrom([]map[string]Type{
		nil, {"a": {Kind: Decimal, Precision: 5, Scale: 2}, "c": {Kind: JSON}}, {"b.a": {Kind: String}, "b.b": {Kind: List, Elem: &Type{Kind: Float64}}},
	}).Draw(t, "types")}
	return r
}

// checkEvent checks that every value of an event is found again where it
// belongs, in a column or in _extra.
func checkEvent(t rapid.TB, r *run, o Options, p source.Payload, e *source.Event) {
	t.Helper()
	var d Document
	row := findRow(r.rows["e"], e.Position.Seq, -1)
	if row == nil {
		t.Fatalf("no row for event %v", e.Position)
	}
	table := r.table("e")
	var lifted []string
	for _, path := range newLifted(p).paths {
		lifted = append(lifted, placeText(path))
	}
	var check func(table *Table, row tableRow, kept map[string]string, v Value, path []string, meta bool)
	check = func(table *Table, row tableRow, kept map[string]string, v Value, path []string, meta bool) {
		place := extraKey(path, meta)
		if d.Kind(v) == ValueNull || table.Explode == nil && slices.Contains(lifted, placeText(source.Path{Meta: meta, Names: path})) {
			return
		}
		if text, ok := kept[place]; ok && len(path) > 0 {
			want := string(d.AppendJSON(nil, v))
			if o.NewFields == NewMasked {
				want = maskedJSON(&d, v)
			}
			if text != want {
				t.Fatalf("%s in _extra: got %s, want %s", place, text, want)
			}
			return
		}
		if table.Explode == nil && !meta && d.Kind(v) == ValueArray && slices.ContainsFunc(o.Explode["E"], func(p []string) bool { return slices.Equal(p, path) }) {
			i := slices.IndexFunc(r.catalog.tables, func(t *Table) bool { return slices.Equal(t.Explode, path) })
			if i < 0 {
				t.Fatalf("no table for the exploded list %s", place)
			}
			child, index := r.catalog.tables[i], 0
			for e := d.First(v); e != None; e = d.Next(e) {
				row := findRow(r.rows[child.Name], row[ColPosition].(int64), index)
				if row == nil {
					t.Fatalf("no row for element %d of %s", index, place)
				}
				kept := extra(t, row)
				if d.Kind(e) != ValueObject {
					check(child, row, kept, e, []string{elementMember}, false)
				} else {
					for m := d.First(e); m != None; m = d.Next(m) {
						check(child, row, kept, m, []string{string(d.Name(m))}, false)
					}
				}
				index++
			}
			return
		}
		if i := slices.IndexFunc(table.Columns, func(c Column) bool { return c.Path != nil && c.Meta == meta && slices.Equal(c.Path, path) }); i >= 0 {
			c := table.Columns[i]
			if got, ok := row[c.Name]; ok && (d.Kind(v) != ValueObject || c.Masked && c.Closed || c.Type.Kind == JSON || c.Type.Kind == Struct) {
				if c.Masked {
					if want := maskedText(&d, v); got != want {
						t.Fatalf("%s of event %v: masked column %s holds %v, want %s", place, e.Position, c.Name, got, want)
					}
					return
				}
				if !holds(&d, v, c.Type, got) {
					t.Fatalf("%s of event %v: column %s %v holds %v for %s", place, e.Position, c.Name, c.Type, got, d.AppendJSON(nil, v))
				}
				return
			}
		}
		if d.Kind(v) != ValueObject {
			t.Fatalf("%s of event %v is lost: %s; row %v", place, e.Position, d.AppendJSON(nil, v), row)
		}
		for m := d.First(v); m != None; m = d.Next(m) {
			check(table, row, kept, m, append(path[:len(path):len(path)], string(d.Name(m))), meta)
		}
	}
	for meta, text := range map[bool][]byte{false: e.Data, true: e.Meta} {
		if len(text) == 0 {
			continue
		}
		if err := d.Parse(text, p.Markers); err != nil {
			t.Fatal(err)
		}
		if d.Kind(d.Root()) == ValueObject {
			check(table, row, extra(t, row), d.Root(), nil, meta)
		} else {
			check(table, row, extra(t, row), d.Root(), []string{rootMember}, meta)
		}
	}
}

// extraKey is the name under which a value stands in _extra.
func extraKey(path []string, meta bool) string {
	var steps []string
	for i, name := range path {
		if name == "" || strings.ContainsAny(name, `."`) || i == 0 && name == "meta" && !meta {
			name = strconv.Quote(name)
		}
		steps = append(steps, name)
	}
	if meta {
		steps = append([]string{"meta"}, steps...)
	}
	return strings.Join(steps, ".")
}

func findRow(rows []tableRow, position int64, index int) tableRow {
	for _, r := range rows {
		if r[ColPosition] == position && (index < 0 || r[ColListIndex] == int64(index)) {
			return r
		}
	}
	return nil
}

// flattenProperty draws rules and windows of events and checks that nothing
// is lost, that the catalog settles, and that it then is as the events ask.
func flattenProperty(t *rapid.T) {
	rules := drawRules(t)
	crowds := rapid.IntRange(0, 3).Draw(t, "crowds") == 0
	p, err := Compile(rules, WithMask(testMask))
	if err != nil {
		t.Fatal(err)
	}
	catalog := p.NewCatalog(nil)
	position := int64(0)
	for range rapid.IntRange(1, 4).Draw(t, "windows") {
		var window []source.Event
		for range rapid.IntRange(1, 3).Draw(t, "events") {
			position++
			data := drawObject(t, 3, crowds)
			if rapid.IntRange(0, 20).Draw(t, "no object") == 0 {
				data = drawValue(t, 2, crowds)
			}
			e := event(position, data)
			if rapid.IntRange(0, 3).Draw(t, "has meta") == 0 {
				e.Meta = []byte(drawObject(t, 2, crowds))
			}
			window = append(window, e)
		}
		r := flatten(t, p, catalog, Limits{Rows: rapid.SampledFrom([]int{0, 1}).Draw(t, "rows")}, window)
		shapes := p.NewShapes()
		observer := p.NewObserver(shapes)
		for i := range window {
			if isQuarantined(t, r, &window[i]) {
				continue
			}
			checkEvent(t, r, rules.Options, rules.Payload, &window[i])
			if err := observer.Observe(&window[i]); err != nil {
				t.Fatal(err)
			}
		}
		checkContracts(t, rules.Options, catalog, r.catalog)
		if next, changed := r.catalog.Evolve(shapes); changed && !crowds {
			t.Fatalf("the catalog has a place for every value and evolves all the same: %s", describe(r.catalog, next))
		}
		catalog = r.catalog
		for _, table := range catalog.Tables() {
			checkTable(t, table)
		}
	}
}

// testMask is a mask by which a text can be known.
func testMask(dst, text []byte) []byte { return append(append(dst, "masked:"...), text...) }

// maskedText is what a masked column is to hold.
func maskedText(d *Document, v Value) string {
	if text, err := strconv.Unquote(string(d.AppendJSON(nil, v))); err == nil && d.Kind(v) == ValueUUID {
		return "masked:" + text
	}
	switch d.Kind(v) {
	case ValueTrue, ValueFalse, ValueArray, ValueObject:
		return "masked:" + string(d.AppendJSON(nil, v))
	}
	return "masked:" + string(d.Text(v))
}

// maskedJSON is a value as it is to stand in _extra.
func maskedJSON(d *Document, v Value) string {
	var parts []string
	switch d.Kind(v) {
	case ValueNull:
		return "null"
	case ValueArray:
		for e := d.First(v); e != None; e = d.Next(e) {
			parts = append(parts, maskedJSON(d, e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case ValueObject:
		for m := d.First(v); m != None; m = d.Next(m) {
			parts = append(parts, string(appendQuoted(nil, testMask(nil, d.Name(m))))+":"+maskedJSON(d, m))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return string(appendQuoted(nil, []byte(maskedText(d, v))))
}

// isQuarantined tells whether an event is in quarantine, and checks that it
// is nowhere else then.
func isQuarantined(t rapid.TB, r *run, e *source.Event) bool {
	t.Helper()
	row := findRow(r.rows[Quarantine], e.Position.Seq, -1)
	if row == nil {
		return false
	}
	if row[ColStep] != "fit" || row[ColReason] == nil || row[ColHint] == nil || row[ColData] != string(e.Data) {
		t.Fatalf("event %v is in quarantine: %v", e.Position, row)
	}
	for name, rows := range r.rows {
		if name != Quarantine && findRow(rows, e.Position.Seq, -1) != nil {
			t.Fatalf("event %v is in quarantine and in %s", e.Position, name)
		}
	}
	return true
}

// checkContracts checks that tables which may not grow did not.
func checkContracts(t rapid.TB, o Options, before, after *Catalog) {
	t.Helper()
	if !before.made {
		return
	}
	for _, old := range before.Tables() {
		now := after.Tables()[slices.IndexFunc(after.Tables(), func(t *Table) bool { return t.Name == old.Name })]
		for _, c := range now.Columns {
			i := old.Column(c.Name)
			if i >= 0 && c.Type.Equal(old.Columns[i].Type) {
				continue
			}
			path := c.Path
			if !c.Meta {
				path = append(slices.Clone(old.Explode), path...)
			}
			want := closestContract(o, c.Meta, path)
			switch {
			case want == ContractFreeze || want == ContractQuarantine || o.NewFields == NewInExtra:
				t.Fatalf("%s got column %s %s, and its contract is %q, new fields go to %q", old.Name, c.Name, c.Type, want, o.NewFields)
			case o.NewFields == NewMasked && !c.Masked:
				t.Fatalf("%s got column %s %s, which is not masked", old.Name, c.Name, c.Type)
			}
		}
	}
}

// closestContract is the contract of a path, found by its dotted text.
func closestContract(o Options, meta bool, path []string) Contract {
	for n := len(path); n > 0; n-- {
		text := strings.Join(path[:n], ".")
		if meta {
			text = "meta." + text
		} else if path[0] == "meta" {
			text = "data." + text
		}
		if c := o.ColumnContracts["E"][text]; c != "" {
			return c
		}
	}
	if c := o.Contracts["E"]; c != "" {
		return c
	}
	return o.Contract
}

func describe(a, b *Catalog) string {
	var out strings.Builder
	for _, c := range []*Catalog{a, b} {
		for _, t := range c.Tables() {
			fmt.Fprintf(&out, "\n%s version %d:", t.Name, t.Version)
			for _, c := range t.Columns {
				fmt.Fprintf(&out, " %s %s", c.Name, c.Type)
				if c.Closed {
					out.WriteString(" closed")
				}
			}
		}
	}
	return out.String()
}

// checkTable checks what every reader counts on: names that differ, capitals
// or not, and no column without a type.
func checkTable(t rapid.TB, table *Table) {
	t.Helper()
	seen := make(map[string]bool)
	for _, c := range table.Columns {
		name := strings.ToLower(c.Name)
		if seen[name] {
			t.Fatalf("two columns %s in %v", name, columnNames(table))
		}
		seen[name] = true
	}
	if last := table.Columns[len(table.Columns)-1].Name; last != ColExtra && !table.IsQuarantine() {
		t.Fatalf("the last column is %s", last)
	}
}

func TestFlattenProperty(t *testing.T) { rapid.Check(t, flattenProperty) }

func FuzzFlatten(f *testing.F) {
	random := rand.NewChaCha8([32]byte{})
	for range 50 {
		seed := make([]byte, 1<<13)
		random.Read(seed)
		f.Add(seed)
	}
	f.Fuzz(rapid.MakeFuzz(flattenProperty))
}
