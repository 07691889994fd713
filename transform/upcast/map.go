package upcast

import (
	"backstory/source"
)

// mapping exchanges values by a table:
//
//	map: {status: {A: active, I: inactive, "3": null, else: unknown}}
//	map: {status: {values: {else: otherwise}, else: $}}
//
// The values in front are compared as texts: 1 is the number 1 and the string
// "1", true is the bool and the string. Those behind may be anything. A value
// that is not in the table becomes what stands behind else, or stays as it is
// where that is $; without else its event cannot be upcast. Null stays null.
// The long form, with the keys values and else only, is for tables in which
// else itself is a value.
type mapping struct{ fields []table }

type table struct {
	path   path
	values map[string]literal
	other  literal // its doc is nil where there is no else
	keep   bool    // what is not in the table stays
}

const mapHint = "write {path: {old: new, ...}}, with else: for all other values"

func compileMap(c *compiler, arg *Node) Operation {
	var m mapping
	ok := c.each(arg, mapHint, func(key, value *Node) bool {
		p, ok := c.path(key)
		t, made := c.table(value)
		t.path = p
		m.fields = append(m.fields, t)
		return ok && made
	})
	if !ok {
		return nil
	}
	return &m
}

func (c *compiler) table(n *Node) (table, bool) {
	t := table{values: make(map[string]literal)}
	entries, other := n, n.Member("else")
	if values := n.Member("values"); values != nil && values.Kind == Map && (len(n.Keys) == 1 || len(n.Keys) == 2 && other != nil) {
		entries = values
	}
	ok := c.each(entries, mapHint, func(key, value *Node) bool {
		if entries == n && value == other {
			return true
		}
		l, ok := c.literal(value)
		t.values[key.Text] = l
		return ok
	})
	switch {
	case !ok:
		return t, false
	case len(t.values) == 0:
		c.fail(n, mapHint, "want values to map, got none")
		return t, false
	case other == nil:
	case other.Kind == Text && other.Text == "$":
		t.keep = true
	default:
		t.other, ok = c.literal(other)
	}
	return t, ok
}

func (o *mapping) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.apply(s); err != nil {
			return &pathError{"map", f.path.text, err}
		}
	}
	return nil
}

func (t *table) apply(s *Scope) error {
	pl, err := t.path.find(s)
	if err != nil || pl.isNull() {
		return err
	}
	var buf [64]byte
	text, ok := appendScalar(buf[:0], pl.doc, pl.at)
	if !ok {
		return wantKind("a single value", pl.doc.Kind(pl.at))
	}
	l, ok := t.values[string(text)]
	switch {
	case ok:
	case t.keep:
		return nil
	case t.other.doc == nil:
		return hinted(source.Telling("%s is not in the table", show(pl.doc, pl.at)), "add the value to the table, or else: for all that are not in it")
	default:
		l = t.other
	}
	t.path.put(pl, l.in(pl.doc))
	return nil
}

func (o *mapping) reads() []string {
	return texts(o.fields, func(f table) string { return f.path.text })
}
