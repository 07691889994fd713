package transform

import (
	"fmt"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// What becomes of something new or unfit under each contract: the columns
// behind the envelope, and either the row or why the event is in quarantine.
func TestContracts(t *testing.T) {
	const before = `{"a":1,"o":{"x":1},"l":[{"s":"A"}]}`
	columns := func(more string) string { return strings.TrimSpace("a o_x l " + more) }
	byPath := func(pairs ...string) map[string]map[string]Contract {
		m := make(map[string]Contract)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = Contract(pairs[i+1])
		}
		return map[string]map[string]Contract{"E": m}
	}
	tests := []struct {
		name    string
		options Options
		data    string
		columns string
		row     tableRow
		fails   string
	}{
		{"evolve", Options{Contract: ContractEvolve}, `{"b":1,"a":"x"}`, columns("b"), tableRow{"b": int64(1), "_extra": `{"a":"x"}`}, ""},
		{"freeze", Options{Contract: ContractFreeze}, `{"b":1,"a":"x","o":{"x":2,"y":3}}`, columns(""), tableRow{"o_x": int64(2), "_extra": `{"b":1,"a":"x","o.y":3}`}, ""},
		{"freeze, in structs", Options{Contract: ContractFreeze}, `{"l":[{"s":"B","t":1}]}`, columns(""), tableRow{"_extra": `{"l":[{"s":"B","t":1}]}`}, ""},
		{"extra", Options{NewFields: NewInExtra}, `{"b":1,"l":[{"t":1}]}`, columns(""), tableRow{"_extra": `{"b":1,"l":[{"t":1}]}`}, ""},
		{"quarantine, new", Options{Contract: ContractQuarantine}, `{"o":{"y":{"z":1}}}`, columns(""), nil,
			"fit o.y: the table has no column for it, the value is of kind object, and the contract is quarantine"},
		{"quarantine, unfit", Options{Contract: ContractQuarantine}, `{"a":"personal"}`, columns(""), nil,
			"fit a: the column is of type int64, the value is of kind string, and the contract is quarantine"},
		{"quarantine, an object for a number", Options{Contract: ContractQuarantine}, `{"a":{}}`, columns(""), nil,
			"fit a: the column is of type int64, the value is of kind object, and the contract is quarantine"},
		{"quarantine, a number for an object", Options{Contract: ContractQuarantine}, `{"o":5}`, columns(""), nil,
			"fit o: the table has no column for it, the value is of kind integer, and the contract is quarantine"},
		{"quarantine, in structs", Options{Contract: ContractQuarantine}, `{"l":[{"t":1}]}`, columns(""), nil,
			"fit l: it holds members that the column, of type list<struct<s: string>>, has no fields for, the value is of kind list, and the contract is quarantine"},
		{"quarantine, fits", Options{Contract: ContractQuarantine}, `{"a":null,"b":null,"o":{"x":7}}`, columns(""), tableRow{"o_x": int64(7)}, ""},
		{"quarantine, nothing of nobody knows what", Options{Contract: ContractQuarantine}, `{"b":[],"c":{"d":[null]}}`, columns(""), tableRow{"_extra": `{"b":[],"c":{"d":[null]}}`}, ""},
		{"the table's beats the job's", Options{Contract: ContractQuarantine, Contracts: map[string]Contract{"E": ContractFreeze}}, `{"b":1}`, columns(""), tableRow{"_extra": `{"b":1}`}, ""},
		{"the column's beats the table's", Options{Contract: ContractFreeze, ColumnContracts: byPath("b", "evolve", "b.c", "quarantine")}, `{"b":{"d":1},"e":1}`, columns("b_d"), tableRow{"b_d": int64(1), "_extra": `{"e":1}`}, ""},
		{"a column's, and all below", Options{ColumnContracts: byPath("o", "quarantine")}, `{"o":{"y":{"z":1}}}`, columns(""), nil,
			"fit o.y: the table has no column for it, the value is of kind object, and the contract is quarantine"},
		{"below a contract", Options{ColumnContracts: byPath("b.c", "quarantine", "b.d", "freeze")}, `{"b":{"d":1,"e":2}}`, columns("b_e"), tableRow{"b_e": int64(2), "_extra": `{"b.d":1}`}, ""},
		{"a struct is under the strictest", Options{ColumnContracts: byPath("l.t", "freeze")}, `{"l":[{"u":1}]}`, columns(""), tableRow{"_extra": `{"l":[{"u":1}]}`}, ""},
		{"metadata", Options{Contract: ContractFreeze, ColumnContracts: byPath("meta.user", "evolve")}, `{"user":1}`, columns("meta_user"), tableRow{"meta_user": "U", "_extra": `{"user":1,"meta.ip":"I"}`}, ""},
		{"masked", Options{NewFields: NewMasked}, `{"b":{"c":1},"o":{"y":true},"a":"x","l":[{"s":"B","t":[null,1]}]}`, columns("b o_y"),
			tableRow{"b": `masked:{"c":1}`, "o_y": "masked:true", "_extra": `{"a":"masked:x","l":[{"masked:s":"masked:B","masked:t":[null,"masked:1"]}]}`}, ""},
		{"masked and frozen", Options{NewFields: NewMasked, Contract: ContractFreeze}, `{"b":7}`, columns(""), tableRow{"_extra": `{"b":"masked:7"}`}, ""},
		{"masked, and null", Options{NewFields: NewMasked}, `{"b":null}`, columns(""), tableRow{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := compile(t, Rules{Options: tt.options}, WithMask(testMask))
			catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(before)).catalog
			e := event(2, tt.data)
			if strings.Contains(tt.name, "metadata") {
				e.Meta = []byte(`{"user":"U","ip":"I"}`)
			}
			r := flatten(t, p, catalog, Limits{}, []source.Event{e})
			names := columnNames(r.table("e"))
			if got := strings.Join(names[8:len(names)-1], " "); got != tt.columns {
				t.Errorf("columns %s, want %s", got, tt.columns)
			}
			fails := ""
			for _, row := range r.rows[Quarantine] {
				fails = fmt.Sprint(row[ColStep], " ", row[ColPath], ": ", row[ColReason])
			}
			if fails != tt.fails {
				t.Errorf("fails with %q, want %q", fails, tt.fails)
			}
			var got tableRow
			for _, row := range r.rows["e"] {
				got = row
				for _, c := range r.table("e").Columns[:8] {
					delete(got, c.Name)
				}
			}
			if diff := cmp.Diff(tt.row, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

// An event type that comes later.
func TestContractsOfNewTypes(t *testing.T) {
	tests := []struct {
		options Options
		tables  string
		failed  int64
	}{
		{Options{}, "e: a, f: a b", 0},
		{Options{Contract: ContractFreeze}, "e: a, f:", 0},
		{Options{NewFields: NewInExtra}, "e: a, f:", 0},
		{Options{NewFields: NewMasked}, "e: a, f: a b", 0},
		{Options{Contract: ContractQuarantine}, "e: a, _quarantine", 1},
		{Options{Contract: ContractQuarantine, Contracts: map[string]Contract{"F": ContractEvolve}}, "e: a, f: a b", 0},
		{Options{Contract: ContractQuarantine, ColumnContracts: map[string]map[string]Contract{"F": {"a": ContractEvolve}}}, "e: a, _quarantine", 1},
		{Options{Contract: ContractFreeze, ColumnContracts: map[string]map[string]Contract{"F": {"b": ContractEvolve}}}, "e: a, f: b", 0},
	}
	for _, tt := range tests {
		p := compile(t, Rules{Options: tt.options})
		catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
		late := event(2, `{"a":1,"b":"x"}`)
		late.Type = "F"
		r := flatten(t, p, catalog, Limits{}, []source.Event{late})
		var tables []string
		for _, table := range r.catalog.Tables() {
			if table.IsQuarantine() {
				tables = append(tables, table.Name)
				continue
			}
			names := columnNames(table)
			tables = append(tables, strings.TrimSpace(table.Name+": "+strings.Join(names[8:len(names)-1], " ")))
		}
		if got := strings.Join(tables, ", "); got != tt.tables || r.stats.Quarantined != tt.failed {
			t.Errorf("%+v: got tables %s, %+v", tt.options, got, r.stats)
		}
	}
}

// Members that a contract names are seen behind any number of others.
func TestContractBehindACrowd(t *testing.T) {
	for _, path := range []string{"late", "o.late"} {
		o := Options{Contract: ContractFreeze, ColumnContracts: map[string]map[string]Contract{"E": {path: ContractEvolve}}}
		p := compile(t, Rules{Options: o})
		catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
		crowd := strings.TrimSuffix(manyNames(maxRootMembers+1), "}") + `,"late":1}`
		if path == "o.late" {
			crowd = `{"o":` + crowd + `}`
		}
		r := flatten(t, p, catalog, Limits{}, events(crowd))
		if got := r.rows["e"][0][strings.ReplaceAll(path, ".", "_")]; got != int64(1) {
			t.Errorf("%s holds %v", path, got)
		}
		if c := r.table("e").Columns[9]; c.Since.Seq != 1 {
			t.Errorf("%s is since %v", path, c.Since)
		}
	}
}

// Without a mask of its own a pipeline masks by stars.
func TestStars(t *testing.T) {
	p := compile(t, Rules{Options: Options{NewFields: NewMasked}})
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
	r := flatten(t, p, catalog, Limits{}, events(`{"b":"secret","a":"secret"}`))
	if row := r.rows["e"][0]; row["b"] != "***" || row[ColExtra] != `{"a":"***"}` {
		t.Errorf("got %v", row)
	}
	if c := r.column(t, "b"); !c.Masked || !c.Closed || c.Type.Kind != String {
		t.Errorf("the column is %+v", c)
	}
	r = flatten(t, p, catalog, Limits{}, events(`{"a":[{"ana@example.org":1,"bo@example.org":{"x":null}}]}`))
	if got := r.rows["e"][0][ColExtra]; got != `{"a":[{"***":"***","***_2":{"***":null}}]}` {
		t.Errorf("got %s", got)
	}
}

// What is masked has masked names too: they may be data as well as values.
func TestMaskedNames(t *testing.T) {
	p := compile(t, Rules{Options: Options{NewFields: NewMasked}}, WithMask(testMask))
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
	r := flatten(t, p, catalog, Limits{}, events(`{"a":[{"ana@example.org":1}]}`))
	want := `{"a":[{"` + string(testMask(nil, []byte("ana@example.org"))) + `":"` + string(testMask(nil, []byte("1"))) + `"}]}`
	if got := r.rows["e"][0][ColExtra]; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOptionErrors(t *testing.T) {
	for want, o := range map[string]Options{
		`compile options: contract "frozen": want evolve, freeze or quarantine`:                                                                                                     {ColumnContracts: map[string]map[string]Contract{"E": {"a": "frozen"}}},
		`compile options: new fields "masked": want column, extra or mask`:                                                                                                          {NewFields: "masked"},
		`compile options: new fields "mask": the table of all events holds whole payloads, in which nothing is masked`:                                                              {NewFields: NewMasked, Layout: Both},
		`compile options: quarantine payload "masked": want raw or none`:                                                                                                            {QuarantinePayload: "masked"},
		`compile options: frozen table e: want the columns of the envelope first: position, sub_index, stream_id, stream_version, event_id, event_type, schema_version, event_time`: {Frozen: []*Table{{Name: "e", Event: "E", Version: 1}}},
	} {
		if _, err := Compile(Rules{Options: o}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
