package survey

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"backstory/transform"
	"backstory/transform/upcast"
)

// examples gives a payload of the group, of its commonest shape of which one
// was kept, where of is not nil of one that has that member.
func (a *analysis) examples(g *group, of *member) []Example {
	for _, sh := range g.data.common() {
		fits := slices.ContainsFunc(sh.parts, func(p part) bool { return p.member == of && p.class != noClass })
		if sh.example != nil && (of == nil || fits || of.scope != g.data) && (of != nil || !a.misnamed(sh)) {
			return []Example{{Given: a.hide(g, sh.example)}}
		}
	}
	return nil
}

// misnamed tells whether a shape has a field under a wrong name, which
// repairs mend before a step.
func (a *analysis) misnamed(sh *shape) bool {
	return slices.ContainsFunc(sh.parts, func(p part) bool { return a.renamed[p.member] != nil && p.class != noClass })
}

// hide masks what looks personal in a payload.
func (a *analysis) hide(g *group, text []byte) json.RawMessage {
	var d transform.Document
	if err := d.Parse(text, false); err != nil {
		return nil
	}
	return a.appendHidden(nil, &d, d.Root(), g.data.root, false)
}

func (a *analysis) appendHidden(dst []byte, d *transform.Document, v transform.Value, m *member, hidden bool) []byte {
	hidden = hidden || m != nil && a.personal[m] != ""
	switch d.Kind(v) {
	case transform.ValueObject:
		dst = append(dst, '{')
		hint := 0
		for c := d.First(v); c != transform.None; c = d.Next(c) {
			if c != d.First(v) {
				dst = append(dst, ',')
			}
			dst = appendName(dst, d.Name(c))
			dst = append(dst, ':')
			var below *member
			if m != nil {
				below = m.find(d.Name(c), &hint)
			}
			dst = a.appendHidden(dst, d, c, below, hidden)
		}
		return append(dst, '}')
	case transform.ValueArray:
		var below *member
		if m != nil && m.elem != nil {
			below = m.elem.root
		}
		dst = append(dst, '[')
		for c := d.First(v); c != transform.None; c = d.Next(c) {
			if c != d.First(v) {
				dst = append(dst, ',')
			}
			dst = a.appendHidden(dst, d, c, below, hidden)
		}
		return append(dst, ']')
	case transform.ValueString:
		text := d.Text(v)
		if hidden || signOf(text) != noSign {
			return appendName(dst, []byte(masked(string(text))))
		}
	case transform.ValueInteger, transform.ValueFloat:
		if hidden {
			return append(dst, maskedNumber(string(d.Text(v)))...)
		}
	}
	return d.AppendJSON(dst, v)
}

// maskedNumber hides a number and leaves how long it is.
func maskedNumber(text string) string {
	hidden := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '9'
		}
		return r
	}, text)
	if _, err := strconv.ParseFloat(hidden, 64); err != nil {
		return "9" // an exponent that is too large
	}
	return hidden
}

// variable begins the names of environment variables in configurations, where
// upcasters may have none.
const variable = "${env:"

// prove has package upcast compile the rule and run it on its examples, and
// keeps what comes out.
func (a *analysis) prove(u *Upcaster) {
	broken := func(why string) {
		u.Broken = true
		u.Why = append(u.Why, "It cannot be used as it is: "+why+".")
	}
	if slices.ContainsFunc(u.live(), func(rule json.RawMessage) bool { return bytes.Contains(rule, []byte(variable)) }) {
		broken("configurations take " + variable + " for an environment variable")
		u.Examples = nil
		return
	}
	if _, problems := compile(u, nil); len(problems) > 0 {
		broken(problems[0].Message)
		u.Examples = nil
		return
	}
	proven := u.Examples[:0]
	for _, e := range u.Examples {
		if bytes.Contains(e.Given, []byte(variable)) {
			continue
		}
		set, _ := compile(u, &e)
		if results := set.Test(); len(results) == 1 {
			if results[0].Err != nil {
				broken(results[0].Got)
				continue
			}
			if e.Then = json.RawMessage(results[0].Got); json.Valid(e.Then) {
				proven = append(proven, e)
			}
		}
	}
	u.Examples = proven
}

// compile makes upcasters of the suggestion, with an example whose result is
// not known yet.
func compile(u *Upcaster, e *Example) (*upcast.Set, []upcast.Problem) {
	rule := map[string]any{"event": u.Event, "do": u.live()}
	if u.From > 0 {
		rule["from"] = u.From
	} else {
		rule["at"], rule["when"] = u.At, u.When
	}
	if e != nil {
		rule["examples"] = []any{map[string]any{"given": e.Given, "then": map[string]any{}}}
	}
	text, err := json.Marshal([]any{rule})
	if err != nil {
		return nil, []upcast.Problem{{Message: err.Error()}}
	}
	n, err := upcast.Parse(text)
	if err != nil {
		return nil, []upcast.Problem{{Message: err.Error()}}
	}
	return upcast.Compile(n, upcast.Options{})
}

// live are the operations that have a part in the rule.
func (u *Upcaster) live() []json.RawMessage {
	all := []json.RawMessage{}
	for _, op := range u.Do {
		if !op.Open {
			all = append(all, op.Rule)
		}
	}
	return all
}
