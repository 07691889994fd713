package transform

import (
	"fmt"
	"slices"

	"backstory/source"
)

// A filling flattens one event into the row that its table has begun. Its
// methods give false as soon as they meet a value that has no place and
// deserves one, or one that the table's contract refuses, which err tells
// then: what was appended is of no use.
type filling struct {
	rows     *rows
	exploded []*rows
	env      *Envelope
	meta     bool
	path     [][]byte // to the value at work; the names are borrowed
	extra    int64    // values that went to _extra
	err      error
}

// document flattens a whole payload, or the metadata.
func (f *filling) document(d *Document, b *binding) bool {
	f.meta = d == f.env.Meta
	root := d.Root()
	if d.Kind(root) == ValueObject {
		return f.object(d, root, b)
	}
	hint := 0
	return f.member(d, root, rootName, b, &hint)
}

var rootName, elementName = []byte(rootMember), []byte(elementMember)

// object flattens the members of an object.
func (f *filling) object(d *Document, object Value, b *binding) bool {
	hint := 0
	for v := d.First(object); v != None; v = d.Next(v) {
		if !f.member(d, v, d.Name(v), b, &hint) {
			return false
		}
	}
	return true
}

// member puts one member of an object to where its binding says. The rules
// are the other half of columns.go: a value is new here exactly if it gets a
// column there.
func (f *filling) member(d *Document, v Value, name []byte, parent *binding, hint *int) bool {
	b := parent.find(name, hint)
	kind := d.Kind(v)
	switch {
	case kind == ValueNull:
		return true
	case b == nil && !parent.closed && hasContent(d, v):
		return f.fresh(d, v, name)
	case b == nil && !parent.closed && !holdsList(d, v):
		return true
	case b == nil:
		return f.homeless(d, v, name)
	case b.skip:
		return true
	case b.exploded >= 0:
		if kind != ValueArray {
			return f.unfit(d, v, name, "a list is wanted")
		}
		return f.explode(d, v, b)
	case kind == ValueObject && !b.whole:
		if len(b.members) == 0 && b.closed || d.First(v) == None && b.column >= 0 {
			return f.unfit(d, v, name, f.wants(b))
		}
		f.path = append(f.path, name)
		ok := f.object(d, v, b)
		f.path = f.path[:len(f.path)-1]
		return ok
	case b.column < 0:
		if b.closed || !hasContent(d, v) {
			return f.homeless(d, v, name)
		}
		return f.fresh(d, v, name)
	}
	c := f.rows.columns[b.column]
	if c.n > f.rows.n {
		return f.unfit(d, v, name, "two values are for one column") // a payload that is no object, and one with a member of that name
	}
	*c.dropped = false
	if c.appendValue(d, v) {
		if *c.dropped {
			return f.toExtra(d, v, name) // the column has all but an empty list
		}
		return true
	}
	if !c.unknown(d, v) {
		return f.unfit(d, v, name, f.wants(b))
	}
	switch f.newness(name, within) {
	case refused:
		return f.refuse(d, v, name, "it holds members that the column, of type "+c.typ.String()+", has no fields for")
	case asColumn:
		if !b.sealed {
			return false
		}
	}
	return f.toExtra(d, v, name)
}

// fresh deals with a value that has no place and deserves one.
func (f *filling) fresh(d *Document, v Value, name []byte) bool {
	switch f.newness(name, at) {
	case refused:
		return f.refuse(d, v, name, "the table has no column for it")
	case inExtra:
		return f.toExtra(d, v, name)
	}
	return false
}

// homeless deals with a value that has no place and gets none.
func (f *filling) homeless(d *Document, v Value, name []byte) bool {
	if f.newness(name, at) == refused && hasContent(d, v) {
		return f.refuse(d, v, name, "the table has no column for it")
	}
	return f.toExtra(d, v, name)
}

// unfit deals with a value that its place does not take.
func (f *filling) unfit(d *Document, v Value, name []byte, wants string) bool {
	if f.newness(name, at) == refused {
		return f.refuse(d, v, name, wants)
	}
	return f.toExtra(d, v, name)
}

// wants says what the column of a binding takes.
func (f *filling) wants(b *binding) string {
	if b.column < 0 {
		return "no object is wanted"
	}
	return "the column is of type " + f.rows.table.Columns[b.column].Type.String()
}

// newness tells what the contract says of a member, at its path or within it.
func (f *filling) newness(name []byte, where func(*policyNode, [][]byte) newness) newness {
	rules := &f.rows.policy.data
	if f.meta {
		rules = &f.rows.policy.meta
	}
	f.path = append(f.path, name)
	n := where(rules, f.path)
	f.path = f.path[:len(f.path)-1]
	return n
}

// refuse makes a value an error of the event. It always gives false.
func (f *filling) refuse(d *Document, v Value, name []byte, why string) bool {
	path := source.Path{Meta: f.meta}
	if t := f.rows.table; t.Explode != nil {
		path.Names = slices.Clone(t.Explode)
	}
	for _, n := range append(f.path, name) {
		path.Names = append(path.Names, string(n))
	}
	f.err = &source.EventError{
		Step: "fit", Path: placeText(path), Err: fmt.Errorf("%s, the value is of kind %s, and the contract is %s", why, d.Kind(v), ContractQuarantine),
		Advice: "mend such events by an upcaster, or let the path evolve by its contract; then rebuild, or replay the quarantine",
	}
	return false
}

// toExtra keeps a value that fits nowhere. It always gives true.
func (f *filling) toExtra(d *Document, v Value, name []byte) bool {
	f.path = append(f.path, name)
	f.rows.keep(d, v, f.path, f.meta)
	f.path = f.path[:len(f.path)-1]
	f.extra++
	return true
}

// explode makes each element of a list a row of the list's table.
func (f *filling) explode(d *Document, list Value, b *binding) bool {
	child := f.exploded[b.exploded]
	if child == nil {
		return false
	}
	g := filling{rows: child, env: f.env, path: child.path[:0]}
	index := int64(0)
	for v := d.First(list); v != None; v = d.Next(v) {
		child.begin(f.env)
		child.own[0].appendInt(index)
		index++
		hint := 0
		ok := true
		if d.Kind(v) == ValueObject {
			ok = g.object(d, v, &child.bindings.data)
		} else {
			ok = g.member(d, v, elementName, &child.bindings.data, &hint)
		}
		if !ok {
			f.err = g.err
			return false
		}
		child.end()
	}
	child.path = g.path[:0]
	f.extra += g.extra
	return true
}
