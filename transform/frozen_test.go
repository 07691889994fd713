package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Frozen tables, read back from JSON, are what a job begins with; tables that
// were kept win.
func TestFrozen(t *testing.T) {
	lists := Options{Explode: map[string][][]string{"E": {{"rows"}}}, Nested: true, Layout: Both, Partition: ByDay}
	made := flattenAll(t, Rules{Options: lists}, events(`{"a":1,"o":{"x":[{"y":1.5}]},"rows":[{"r":1}]}`, `{`)).catalog
	text, err := json.Marshal(made.Tables())
	if err != nil {
		t.Fatal(err)
	}
	o := lists
	o.Contract = ContractFreeze
	if err := json.Unmarshal(text, &o.Frozen); err != nil {
		t.Fatal(err)
	}
	p := compile(t, Rules{Options: o})
	r := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":2,"b":3,"rows":[{"s":1}]}`))
	if diff := cmp.Diff(made.Tables(), r.catalog.Tables(), cmpopts.IgnoreUnexported(Table{})); diff != "" {
		t.Errorf("(-frozen +begun with):\n%s", diff)
	}
	if r.rounds != 0 || r.rows["e"][0]["a"] != int64(2) || r.rows["e"][0][ColExtra] != `{"b":3}` || r.rows["e_rows"][0][ColExtra] != `{"s":1}` {
		t.Errorf("%d rounds, rows %v", r.rounds, r.rows)
	}
	if o.Frozen[0].schema != nil {
		t.Error("the frozen tables themselves are used")
	}
	kept := flattenAll(t, Rules{}, events(`{"kept":1}`)).catalog.Tables()
	if got := p.NewCatalog(kept).Tables(); len(got) != 1 || got[0].Column("kept") < 0 {
		t.Errorf("got %v, want the kept tables", got)
	}

	// Without a contract, what is frozen is only where the tables begin.
	o.Contract = ""
	p = compile(t, Rules{Options: o})
	r = flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"b":3}`))
	if r.table("e").Version != 2 || r.table("e").Column("b") < 0 {
		t.Errorf("got %v", columnNames(r.table("e")))
	}
}

// A type that first turns up after others were loaded gets the tables that are
// frozen for it, under each contract, and keeps their columns.
func TestFrozenLater(t *testing.T) {
	for _, contract := range []Contract{ContractEvolve, ContractFreeze, ContractQuarantine} {
		lists := Options{Explode: map[string][][]string{"F": {{"rows"}}}}
		f := event(1, `{"a":1,"never":[1],"rows":[{"r":1}]}`)
		f.Type = "F"
		made := flattenAll(t, Rules{Options: lists}, []source.Event{f}).catalog.Tables()
		made[0].Name = "frozen_f"
		kept := flattenAll(t, Rules{}, events(`{"a":1}`)).catalog.Tables()
		o := lists
		o.Contract, o.Frozen = contract, made
		p := compile(t, Rules{Options: o})
		late := event(2, `{"a":2,"rows":[{"r":2}]}`)
		late.Type = "F"
		r := flatten(t, p, p.NewCatalog(kept), Limits{}, []source.Event{late})
		if diff := cmp.Diff(append(kept, made...), r.catalog.Tables(), cmpopts.IgnoreUnexported(Table{})); diff != "" {
			t.Errorf("%s: (-kept and frozen +got):\n%s", contract, diff)
		}
		if r.rows["frozen_f"][0]["a"] != int64(2) || len(r.rows["f_rows"]) != 1 || r.stats.Quarantined > 0 || r.stats.Extra > 0 {
			t.Errorf("%s: rows %v, %+v", contract, r.rows, r.stats)
		}
		if changes := p.Unlike(r.catalog.Tables()); len(changes) > 0 {
			t.Errorf("%s: unlike the frozen ones: %v", contract, changes)
		}
		if made[0] == r.catalog.Tables()[1] {
			t.Errorf("%s: the frozen tables themselves are used", contract)
		}
	}
}

// The name of a frozen table that another type's table has is given once.
func TestFrozenNameTaken(t *testing.T) {
	kept := flattenAll(t, Rules{Options: Options{Tables: map[string]string{"E": "f"}}}, events(`{"a":1}`)).catalog.Tables()
	p := compile(t, Rules{Options: Options{Frozen: []*Table{frozenTable("F")}}})
	late := event(2, `{}`)
	late.Type = "F"
	r := flatten(t, p, p.NewCatalog(kept), Limits{}, []source.Event{late})
	if r.table("f").Event != "E" || r.table("f_2") == nil || r.table("f_2").Event != "F" {
		t.Errorf("tables %v and %v", r.table("f"), r.table("f_2"))
	}
	if changes := p.Unlike(r.catalog.Tables()); len(changes) != 1 {
		t.Errorf("got %v, want the other name told", changes)
	}
}

func TestFrozenErrors(t *testing.T) {
	table := func() *Table {
		return &Table{Name: "e", Event: "E", Version: 1, Columns: append(envelopeColumns(false),
			Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: Int64}}, extraColumn())}
	}
	own := func(c Column) func(*Table) { return func(t *Table) { t.Columns[8] = c } }
	tests := []struct {
		change func(*Table)
		want   string
	}{
		{func(*Table) {}, ""},
		{func(t *Table) { t.Name = "" }, "want a name"},
		{func(t *Table) { t.Version = 0 }, "a version from 1 on"},
		{func(t *Table) { t.Partition = "week" }, `partition "week"`},
		{func(t *Table) { t.Columns = nil }, "want the columns of the envelope first"},
		{func(t *Table) { t.Columns = t.Columns[:8] }, "want the columns of the envelope first"},
		{func(t *Table) { t.Columns = t.Columns[:9] }, "want _extra as the last column"},
		{func(t *Table) { t.Columns[0].Type.Kind = String }, "want the columns of the envelope first"},
		{func(t *Table) { t.Columns[9].Name = "x" }, "want _extra as the last column"},
		{func(t *Table) { t.Explode = []string{"l"} }, "want the columns of the envelope first"},
		{func(t *Table) { t.Event = "" }, "want the columns of the envelope first"},
		{func(t *Table) { t.Name, t.Event = Quarantine, "" }, "it is not as Backstory makes it"},
		{own(Column{Name: "Position", Path: []string{"a"}, Type: Type{Kind: Int64}}), `column "Position": want a name that no other has`},
		{own(Column{Name: "a", Type: Type{Kind: Int64}}), "column a: want a path"},
		{own(Column{Name: "a", Path: []string{"a"}, Required: true, Type: Type{Kind: Int64}}), "may be required"},
		{own(Column{Name: "a", Path: []string{"a"}, Masked: true, Type: Type{Kind: Int64}}), "a masked column is of type string"},
		{own(Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: "text"}}), `column a: parse type "text"`},
		{own(Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: Decimal, Precision: 39}}), `parse type "decimal(39,0)"`},
		{own(Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: List}}), "want the type of the list's elements"},
		{own(Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: Struct}}), "want the struct's fields"},
		{own(Column{Name: "a", Path: []string{"a"}, Type: Type{Kind: Struct, Fields: []Field{{Name: "x", Member: "x", Type: Type{Kind: Int64}}, {Name: "X", Member: "y", Type: Type{Kind: Int64}}}}}), `field "X": want a name`},
	}
	for _, tt := range tests {
		table := table()
		tt.change(table)
		_, err := Compile(Rules{Options: Options{Frozen: []*Table{table}}})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	for want, tables := range map[string][]*Table{"another has the name": {table(), table()}, "one is null": {nil}} {
		if _, err := Compile(Rules{Options: Options{Frozen: tables}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	other := table()
	other.Name = "f"
	if _, err := Compile(Rules{Options: Options{Frozen: []*Table{table(), other}}}); err == nil || !strings.Contains(err.Error(), "e is for the same events") {
		t.Errorf("got %v", err)
	}
}
