package survey

import (
	"encoding/json"

	"backstory/transform"
)

// fill suggests a value for a field that came, where there is one to suggest.
func (d *differences) fill(f *field) {
	if f.rate < 0.99 {
		return // it is optional
	}
	for m := f.parent; m != nil && m.parent != nil; m = m.parent {
		if m.rate() < 0.99 {
			return
		}
	}
	v := &f.values
	best := v.commonest()
	switch {
	case f.only(transform.ValueArray):
		d.ops = append(d.ops, operation("default", map[string]any{f.path: []int{}}, "new; an empty list is a guess"))
	case f.only(transform.ValueTrue) && v.seen > 0:
		d.ops = append(d.ops, operation("default", map[string]any{f.path: false}, "new; false is a guess: nobody was asked before"))
	case d.personal[f.member] != "":
		d.open(f, "new, and personal")
	case v.seen > 0 && !v.varied:
		d.ops = append(d.ops, operation("default", map[string]any{f.path: literal(f, string(v.only))}, "new, and always this value"))
	case f.only(transform.ValueString) && v.few() && 2*best.count >= v.looked:
		d.ops = append(d.ops, operation("default", map[string]any{f.path: best.text},
			"new; a guess: about %d %% of the values, of %d", 100*best.count/max(v.looked, 1), len(v.tops)))
	default:
		d.open(f, "new; nothing tells what it was before")
	}
}

func (d *differences) open(f *field, why string) {
	op := operation("default", map[string]any{f.path: nil}, "%s", why)
	op.Open = true
	d.ops = append(d.ops, op)
}

// literal gives a value as it stands in a rule.
func literal(f *field, text string) any {
	if f.only(transform.ValueInteger) || f.only(transform.ValueFloat) {
		return json.Number(text)
	}
	return text
}
