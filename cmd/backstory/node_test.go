package main

import (
	"strings"
	"testing"

	"backstory/transform/upcast"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ruleNodeOf reads YAML as the section upcasters is read.
func ruleNodeOf(t *testing.T, text string) (upcast.Node, error) {
	t.Helper()
	d, err := parseDocument("rules.yaml", []byte("upcasters: "+text))
	if err != nil {
		t.Fatal(err)
	}
	n := d.ruleNode(d.section("upcasters"))
	return n, d.err()
}

// TestRuleNode wants the values as they were written, in their order.
func TestRuleNode(t *testing.T) {
	number := func(text string) upcast.Node { return upcast.Node{Kind: upcast.Number, Text: text} }
	text := func(text string) upcast.Node { return upcast.Node{Kind: upcast.Text, Text: text} }
	for yaml, want := range map[string]upcast.Node{
		"12":                         number("12"),
		"-0":                         number("-0"),
		"9.50":                       number("9.50"),
		"1_000":                      number("1000"),
		"1.5e3":                      number("1.5e3"),
		"1e5":                        number("1e5"),
		"99999999999999999999999":    number("99999999999999999999999"),
		"99999999999999999999999.50": number("99999999999999999999999.50"),
		`"12"`:                       text("12"),
		"'007'":                      text("007"),
		"2024-01-31":                 text("2024-01-31"),
		"1.2.3":                      text("1.2.3"),
		"yes":                        text("yes"),
		"a b":                        text("a b"),
		`""`:                         text(""),
		`"a\nb"`:                     text("a\nb"),
		"'it''s'":                    text("it's"),
		"|\n  a\n  b\n":              text("a\nb\n"),
		">-\n  a\n  b\n":             text("a b"),
		"true":                       {Kind: upcast.Bool, Text: "true"},
		"False":                      {Kind: upcast.Bool, Text: "false"},
		"~":                          {},
		"":                           {},
		"[]":                         {Kind: upcast.List},
		"{}":                         {Kind: upcast.Map},
		"[1, [a]]":                   {Kind: upcast.List, Values: []upcast.Node{number("1"), {Kind: upcast.List, Values: []upcast.Node{text("a")}}}},
		"{z: 1, a: 2, 3: b, true: c}": {
			Kind: upcast.Map, Keys: []upcast.Node{text("z"), text("a"), text("3"), text("true")},
			Values: []upcast.Node{number("1"), number("2"), text("b"), text("c")},
		},
	} {
		got, err := ruleNodeOf(t, yaml)
		if err != nil {
			t.Errorf("%q: %v", yaml, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(upcast.Node{}, "Line", "Column"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", yaml, diff)
		}
	}
}

// TestRuleNodePlace wants each text to begin where its first character stands,
// so that a place in an expression is found.
func TestRuleNodePlace(t *testing.T) {
	d, err := parseDocument("rules.yaml", []byte(`upcasters:
  - plain: data.a > 1
    quoted: "data.a > 1"
    single: 'data.a > 1'
    flow: {a: "x", b: [1, y]}
    block: |
      data.a > 1
    folded: >-
        data.a > 1
`))
	if err != nil {
		t.Fatal(err)
	}
	list := d.ruleNode(d.section("upcasters"))
	rule := &list.Values[0]
	lines := strings.Split(d.text, "\n")
	check := func(n *upcast.Node) {
		t.Helper()
		if rest := lines[n.Line-1][n.Column-1:]; !strings.HasPrefix(rest, strings.TrimSpace(n.Text)) {
			t.Errorf("%q is said to stand at %d:%d, where there is %q", n.Text, n.Line, n.Column, rest)
		}
	}
	for i := range rule.Keys {
		check(&rule.Keys[i])
		if rule.Values[i].Kind == upcast.Text {
			check(&rule.Values[i])
		}
	}
	flow := rule.Member("flow")
	check(flow.Member("a"))
	check(&flow.Member("b").Values[0])
	check(&flow.Member("b").Values[1])
}

// What may be a number or a text, and what YAML alone knows, is refused.
func TestRuleNodeRefuses(t *testing.T) {
	for _, yaml := range []string{"007", "08", "+5", "0x1F", "0o17", "0b1", ".5", "5.", "-.5", ".inf", "-.inf", ".nan", "${env:HOME}", `"a ${env:HOME}"`, `{"${env:HOME}": 1}`} {
		if n, err := ruleNodeOf(t, yaml); err == nil {
			t.Errorf("%s is taken for %+v", yaml, n)
		}
	}
}

// FuzzConfig reads any text as a configuration: it must be refused or taken,
// and nothing of it may be taken for another place than it stands at.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{"a: 1", "upcasters: [{event: A, from: 1, do: [{drop: [a]}]}]", "tables: {contracts: {A: {b: freeze}}}\nmask: {key: 1}", "upcasters: |\n  a", "? [a]\n: b", "upcasters: {? {a: b} : c}", "upcasters: [- - -]", "upcasters: !x a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDocument("fuzz.yaml", []byte(text))
		if err != nil {
			return
		}
		d.checkSections()
		d.rules(t.TempDir())
		d.jobs()
		if err := d.err(); err != nil && err.Error() == "" {
			t.Error("a problem without a word")
		}
	})
}
