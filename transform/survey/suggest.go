package survey

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"backstory/transform"
)

// Upcaster is a suggestion: a rule for package upcast, with what speaks for it.
type Upcaster struct {
	Event string `json:"event"`
	// From is the version that the step takes, or At that of a repair; the
	// other is 0.
	From int `json:"from,omitzero"`
	At   int `json:"at,omitzero"`
	// When is the repair's condition.
	When string `json:"when,omitzero"`
	// Why are sentences for a comment.
	Why      []string    `json:"why,omitempty"`
	Do       []Operation `json:"do"`
	Examples []Example   `json:"examples,omitempty"`
	// Broken says that the rule cannot be used as it is; Why says the reason.
	Broken bool `json:"broken,omitzero"`
}

// Example is an event of the history, personal values masked, and what the
// rule makes of it.
type Example struct {
	Given json.RawMessage `json:"given"`
	Then  json.RawMessage `json:"then"`
}

// suggestRepair suggests to give a field that was renamed within a version
// its right name.
func (a *analysis) suggestRepair(g *group, in placed, right, wrong *field, m match) {
	if in.ofMeta || slices.Contains(a.options.Repaired[g.event], g.version) {
		return
	}
	name := "move"
	if right.parent == wrong.parent {
		name = "rename"
	}
	var op Operation
	why := fmt.Sprintf("%s and %s exclude each other, and one begins where the other ends", in.show(right.path), in.show(wrong.path))
	if m.same > 0 {
		why += "; " + m.shared()
	}
	if name == "rename" {
		op = operation(name, map[string]string{wrong.path: right.name}, "%s", why)
	} else {
		op = operation(name, map[string]string{wrong.path: right.path}, "%s", why)
	}
	when := "data" + expressionPath(wrong.names) + " != nil"
	if len(in.lists) > 0 {
		for _, list := range slices.Backward(in.lists) {
			op = operation("each", map[string][]json.RawMessage{list: {op.Rule}}, "%s", why)
		}
		when = "true"
	}
	a.upcasters = append(a.upcasters, Upcaster{
		Event: g.event, At: g.version, When: when, Do: []Operation{op},
		Why:      []string{a.findings[len(a.findings)-1].Text + "."},
		Examples: a.examples(g, wrong.member),
	})
}

// expressionPath writes a path as expressions do, behind data.
func expressionPath(names []string) string {
	var b strings.Builder
	for i, name := range names {
		plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) && (name[0] < '0' || name[0] > '9')
		switch {
		case plain && i == 0:
			b.WriteString("." + name)
		case plain:
			b.WriteString("?." + name)
		default:
			text, _ := json.Marshal(name) // strings can always be marshalled
			fmt.Fprintf(&b, "[%s]", text)
		}
	}
	return b.String()
}

// suggest suggests the steps from each version to the next, but for types
// with more versions than a chain may have steps: there they are data.
func (a *analysis) suggest() {
	for _, t := range a.types {
		if len(t.groups) > transform.MaxSteps {
			continue
		}
		for i := 1; i < len(t.groups); i++ {
			old, now := t.groups[i-1], t.groups[i]
			if now.version != old.version+1 || a.options.Ends[t.event] > old.version {
				continue
			}
			d := &differences{analysis: a, old: old.data, now: now.data}
			a.upcasters = append(a.upcasters, Upcaster{
				Event: t.event, From: old.version, Do: d.operations(), Why: d.notes, Examples: a.examples(old, nil),
			})
		}
	}
	slices.SortStableFunc(a.upcasters, func(x, y Upcaster) int {
		if c := strings.Compare(x.Event, y.Event); c != 0 {
			return c
		}
		return 2*(x.From+x.At-y.From-y.At) + min(y.At, 1) - min(x.At, 1)
	})
	for i := range a.upcasters {
		a.prove(&a.upcasters[i])
	}
}
