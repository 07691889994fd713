package transform

import (
	"encoding/json"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

func TestFingerprint(t *testing.T) {
	seen := make(map[string]string)
	for name, p := range map[string]*Pipeline{
		"none":     compile(t, Rules{}),
		"markers":  compile(t, markerRules()),
		"nested":   compile(t, Rules{Options: Options{Nested: true}}),
		"upcaster": compile(t, Rules{}, WithUpcaster("E", 1, set("a", "b"))),
		"event":    compile(t, Rules{}, WithUpcaster("F", 1, set("a", "b"))),
		"repair":   compile(t, Rules{}, WithRepair("E", 1, set("a", "b"))),
		"contract": compile(t, Rules{Options: Options{Contract: ContractFreeze}}),
		"of event": compile(t, Rules{Options: Options{Contracts: map[string]Contract{"E": ContractFreeze}}}),
		"stars":    compile(t, Rules{Options: Options{NewFields: NewMasked}}),
		"mask":     compile(t, Rules{Options: Options{NewFields: NewMasked}}, WithMask(testMask)),
		"frozen":   compile(t, Rules{Options: Options{Frozen: []*Table{frozenTable("E")}}}),
		"suffix":   compile(t, Rules{Payload: source.Payload{VersionSuffix: true}}),
	} {
		if other, ok := seen[p.Fingerprint()]; ok {
			t.Errorf("%s and %s have the same fingerprint", name, other)
		}
		seen[p.Fingerprint()] = name
	}
	if a, b := compile(t, markerRules()), compile(t, markerRules()); a.Fingerprint() != b.Fingerprint() {
		t.Error("the same rules have two fingerprints")
	}
}

// Tables keep columns of masks after new fields are no longer masked, so that
// a mask counts even where the rules have no use for it.
func TestFingerprintOfMasks(t *testing.T) {
	other := func(dst, text []byte) []byte { return append(append(dst, '#'), text...) }
	none, masked, otherwise := compile(t, Rules{}), compile(t, Rules{}, WithMask(testMask)), compile(t, Rules{}, WithMask(other))
	if none.Fingerprint() == masked.Fingerprint() || masked.Fingerprint() == otherwise.Fingerprint() {
		t.Error("another mask has the same fingerprint")
	}
	rules, _ := masked.Rules()
	if again := compile(t, rules); rules.Mask == "" || again.Fingerprint() != none.Fingerprint() {
		t.Errorf("rules that name the mask %q, without it, are not those without one", rules.Mask)
	}

	first := compile(t, Rules{Options: Options{NewFields: NewMasked}}, WithMask(testMask))
	catalog := flatten(t, first, first.NewCatalog(nil), Limits{}, events(`{"a":1}`)).catalog
	catalog = flatten(t, first, catalog, Limits{}, events(`{"b":1}`)).catalog
	plain := event(1, `{"a":1}`)
	plain.Type = "Plain"
	catalog = flatten(t, none, none.NewCatalog(catalog.Tables()), Limits{}, []source.Event{plain}).catalog
	for name, tt := range map[string]struct {
		old, now *Pipeline
		want     []Change
	}{
		"the same":        {first, masked, nil},
		"another":         {first, otherwise, []Change{{"E", "the mask of its masked columns changed"}}},
		"none any more":   {first, none, []Change{{"E", "the mask of its masked columns changed"}}},
		"the first":       {none, masked, []Change{{"E", "the mask of its masked columns changed"}}},
		"new ones, too":   {first, compile(t, Rules{Options: Options{NewFields: NewMasked}}, WithMask(other)), []Change{{"", "the mask of new fields changed"}}},
		"nothing changed": {masked, masked, nil},
	} {
		if diff := cmp.Diff(tt.want, tt.now.ChangesOf(tt.old, catalog.Tables())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func frozenTable(event string) *Table {
	return &Table{Name: TableName(event), Event: event, Version: 1, Columns: append(envelopeColumns(false), extraColumn())}
}

// A ruled upcaster does nothing, and says what it is told to say.
type ruled struct {
	rule    string
	targets []string
}

func (r ruled) Upcast(e *Envelope, emit Emit) error { return emit(e) }
func (r ruled) Rule() string                        { return r.rule }
func (r ruled) Targets() []string                   { return r.targets }

func TestChanges(t *testing.T) {
	base := []Option{WithUpcaster("A", 1, ruled{"a", []string{"B", "C"}}), WithUpcaster("B", 1, ruled{"b", []string{"D"}}), WithRepair("D", 1, ruled{"d", []string{"A"}})}
	old := compile(t, Rules{}, base...)
	becomes := func(event string) string { return "the upcasters of " + event + ", which becomes it, changed" }
	const changed, said = "its upcasters changed", "what is said of its table changed"
	tests := []struct {
		name string
		now  *Pipeline
		want []Change
	}{
		{"nothing", compile(t, Rules{}, base...), nil},
		{"a rule that leads nowhere", compile(t, Rules{}, append(base, WithUpcaster("E", 1, ruled{"e", nil}))...), []Change{{"E", changed}}},
		{"what a rule leads to, before and after", compile(t, Rules{}, WithUpcaster("A", 1, ruled{"a2", []string{"F"}}), base[1], base[2]),
			[]Change{{"A", changed}, {"B", becomes("A")}, {"C", becomes("A")}, {"D", becomes("A")}, {"F", becomes("A")}}},
		{"a repair", compile(t, Rules{}, base[0], base[1], WithRepair("D", 1, ruled{"d2", nil})),
			[]Change{{"A", becomes("D")}, {"B", becomes("D")}, {"C", becomes("D")}, {"D", changed}}},
		{"the order of repairs", compile(t, Rules{}, append(base, WithRepair("D", 1, ruled{"d", nil}))...),
			[]Change{{"A", becomes("D")}, {"B", becomes("D")}, {"C", becomes("D")}, {"D", changed}}},
		{"a table's options", compile(t, Rules{Options: Options{Tables: map[string]string{"X": "y"}}}, base...), []Change{{"X", said}}},
		{"the job's options", compile(t, Rules{Options: Options{Nested: true}}, base...), []Change{{"", "options of all tables changed"}}},
		{"contracts, for what comes later", compile(t, Rules{Options: Options{
			Contract: ContractFreeze, Contracts: map[string]Contract{"X": ContractFreeze}, ColumnContracts: map[string]map[string]Contract{"X": {"a": ContractFreeze}},
			NewFields: NewInExtra, QuarantinePayload: NoPayload, Frozen: []*Table{frozenTable("X")},
		}}, base...), nil},
		{"the payloads", compile(t, Rules{Payload: source.Payload{VersionSuffix: true}}, base...), []Change{{"", "how the source's payloads are read changed"}}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.now.Changes(old)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	masked := Rules{Options: Options{NewFields: NewMasked}}
	if got := compile(t, masked).Changes(compile(t, masked, WithMask(testMask))); len(got) != 1 || got[0].Event != "" {
		t.Errorf("another mask: got %v", got)
	}
}

// Rules come back out of their text as they went in.
func TestRulesText(t *testing.T) {
	o := Options{
		Contract: ContractFreeze, Contracts: map[string]Contract{"E": ContractEvolve}, ColumnContracts: map[string]map[string]Contract{"E": {"a.b": ContractQuarantine}},
		NewFields: NewMasked, QuarantinePayload: NoPayload, Frozen: []*Table{frozenTable("E"), frozenTable("F")},
	}
	p := compile(t, Rules{Payload: source.Payload{VersionSuffix: true}, Options: o, Upcasters: json.RawMessage(`[{"event":"E"}]`)}, WithUpcaster("E", 1, ruled{"e", nil}))
	p.NewCatalog(nil) // makes schemas, but not of what is said
	rules, all := p.Rules()
	if !all {
		t.Error("rules that are all text are not said to be")
	}
	text, err := json.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	var back Rules
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again := compile(t, back, WithUpcaster("E", 1, ruled{"e", nil}))
	if again.Fingerprint() != p.Fingerprint() || len(again.Changes(p)) != 0 {
		t.Errorf("the rules changed: %v\n%s", again.Changes(p), text)
	}
	if second, err := json.Marshal(back); err != nil || string(second) != string(text) {
		t.Errorf("got %s, %v, want %s", second, err, text)
	}
	if text, _ := json.Marshal(Rules{}); string(text) != "{}" {
		t.Errorf("rules that say nothing are %s", text)
	}
	if _, all := compile(t, Rules{}, WithUpcaster("E", 1, ruled{"e", nil}), WithRepair("E", 1, set("a", "b"))).Rules(); all {
		t.Error("a repair in Go is said to be text")
	}
}
