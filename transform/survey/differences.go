package survey

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"backstory/transform"
)

// differences are how the fields of one scope differ from those of the same
// scope one version later.
type differences struct {
	*analysis
	old, now *scope
	notes    []string

	gone, came []*field
	stayed     [][2]*field
	ops        []Operation
}

// operations gives what takes the old fields to the new ones.
func (d *differences) operations() []Operation {
	d.compare()
	d.splits()
	d.pairs()
	for _, p := range d.stayed {
		d.convert(p[0], p[1])
	}
	for _, f := range d.came {
		d.fill(f)
	}
	var dropped []string
	for _, f := range d.gone {
		dropped = append(dropped, f.path)
	}
	if dropped != nil {
		d.ops = append(d.ops, operation("drop", dropped, "not there any more, and nothing like it came"))
	}
	return d.ops
}

// compare sorts the fields into those that are gone, came and stayed.
func (d *differences) compare() {
	old, now := d.present(d.old), d.present(d.now)
	for _, f := range old {
		if g := at(now, f.path); g != nil {
			d.stayed = append(d.stayed, [2]*field{f, g})
		} else {
			d.gone = append(d.gone, f)
		}
	}
	for _, f := range now {
		if at(old, f.path) == nil {
			d.came = append(d.came, f)
		}
	}
}

// present are the fields of a scope that ever held more than null, but for
// those that are others under a wrong name.
func (d *differences) present(sc *scope) []*field {
	return slices.DeleteFunc(sc.fields(), func(f *field) bool {
		if f.total() == 0 {
			return true
		}
		for m := f.member; m != nil; m = m.parent {
			if d.renamed[m] != nil {
				return true
			}
		}
		return false
	})
}

func at(all []*field, path string) *field {
	if i := slices.IndexFunc(all, func(f *field) bool { return f.path == path }); i >= 0 {
		return all[i]
	}
	return nil
}

func without(all []*field, f *field) []*field {
	return slices.DeleteFunc(all, func(g *field) bool { return g == f })
}

// pairs looks for fields that went elsewhere: under another name, or into
// another object.
func (d *differences) pairs() {
	type pair struct {
		gone, came *field
		score      float64
		same       float64
	}
	var all []pair
	for _, g := range d.gone {
		for _, c := range d.came {
			if !castable(g, c) {
				continue
			}
			p := pair{gone: g, came: c}
			p.score, p.same = alike(g, c)
			if g.class() != c.class() {
				p.score -= 0.5
			}
			// The only one of its kind that went, the only one that came.
			if d.only(d.gone, g) && d.only(d.came, c) && slices.Equal(g.names[:len(g.names)-1], c.names[:len(c.names)-1]) {
				p.score++
			}
			if p.score >= likely {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, func(x, y pair) int { return cmp.Compare(y.score, x.score) })
	var renames, moves orderedMap
	var whyRenames, whyMoves []string
	for _, p := range all {
		if !slices.Contains(d.gone, p.gone) || !slices.Contains(d.came, p.came) {
			continue
		}
		d.gone, d.came = without(d.gone, p.gone), without(d.came, p.came)
		d.stayed = append(d.stayed, [2]*field{p.gone, p.came})
		why := p.came.path + " came when " + p.gone.path + " went"
		switch {
		case p.gone.name == p.came.name:
			why = "the same name in another object"
		case p.same > 0:
			why += fmt.Sprintf(", with about %.0f %% of its values", 100*p.same)
		case sameName(p.gone.name, p.came.name) > 0:
			why += ", with a name like it"
		}
		if slices.Equal(p.gone.names[:len(p.gone.names)-1], p.came.names[:len(p.came.names)-1]) {
			renames.add(p.gone.path, p.came.name)
			whyRenames = appendNew(whyRenames, why)
		} else {
			moves.add(p.gone.path, p.came.path)
			whyMoves = appendNew(whyMoves, why)
		}
	}
	for _, o := range []struct {
		name string
		what orderedMap
		why  []string
	}{{"rename", renames, whyRenames}, {"move", moves, whyMoves}} {
		if len(o.what.keys) > 0 {
			d.ops = append(d.ops, operation(o.name, &o.what, "%s", strings.Join(o.why, "; ")))
		}
	}
}

func appendNew(all []string, s string) []string {
	if slices.Contains(all, s) {
		return all
	}
	return append(all, s)
}

// only tells whether no other of the fields is of the class of f and in its
// object.
func (d *differences) only(all []*field, f *field) bool {
	return !slices.ContainsFunc(all, func(g *field) bool { return g != f && g.class() == f.class() && g.parent == f.parent })
}

// castable tells whether values of one field can be those of another.
func castable(from, to *field) bool {
	a, b := from.class(), to.class()
	switch {
	case a == noClass || b == noClass || from.asData != to.asData:
		return false
	case a == b:
		return true
	case a == textClass && b == numberClass:
		return from.values.looked > 0 && from.values.numeric == from.values.looked
	}
	return a == numberClass && b == textClass
}

// convert suggests a cast where a field has another kind of value now, and
// goes on within lists.
func (d *differences) convert(old, now *field) {
	if old.elem != nil && now.elem != nil && old.class() == listClass && now.class() == listClass {
		d.within(old, now)
		return
	}
	if len(now.kinds) != 1 || !castable(old, now) || old.only(now.kinds[0].kind) {
		return
	}
	path := now.path
	was := kindNames(old.member)
	switch kind := now.kinds[0].kind; kind {
	case transform.ValueDecimal:
		scale := max(old.values.scale, now.values.scale)
		precision := 18
		if max(old.values.digits, now.values.digits)+scale+3 > 18 {
			precision = 38
		}
		to := map[string][]int{"decimal": {precision, scale}}
		d.ops = append(d.ops, operation("cast", map[string]any{path: to}, "%s, now decimal; at most %d digits behind the point were written", was, scale))
	case transform.ValueInteger:
		d.cast(path, "int", was, kind)
	case transform.ValueFloat:
		d.cast(path, "float", was, kind)
	case transform.ValueString:
		if old.class() == numberClass {
			d.cast(path, "string", was, kind)
		}
	case transform.ValueUUID:
		d.cast(path, "uuid", was, kind)
	case transform.ValueTimestamp:
		d.cast(path, "timestamp", was, kind)
	}
}

func (d *differences) cast(path, to, was string, now transform.ValueKind) {
	d.ops = append(d.ops, operation("cast", map[string]string{path: to}, "%s, now %s", was, now))
}

// only tells whether all values are of one kind.
func (m *member) only(k transform.ValueKind) bool { return len(m.kinds) == 1 && m.kinds[0].kind == k }

func kindNames(m *member) string {
	var all []string
	for i := range m.kinds {
		all = append(all, m.kinds[i].kind.String())
	}
	return strings.Join(all, " and ")
}

// within goes on with the elements of a list.
func (d *differences) within(old, now *field) {
	inner := &differences{analysis: d.analysis, old: old.elem, now: now.elem}
	var rules []json.RawMessage
	var why []string
	for _, op := range inner.operations() {
		if op.Open {
			d.notes = append(d.notes, fmt.Sprintf("In %s[], to be decided: %s (%s).", now.path, op.Rule, op.Why))
			continue
		}
		rules = append(rules, op.Rule)
		why = append(why, op.Why)
	}
	d.notes = append(d.notes, inner.notes...)
	if rules != nil {
		d.ops = append(d.ops, operation("each", map[string][]json.RawMessage{now.path: rules}, "%s", strings.Join(why, "; ")))
	}
}
