package transform

// A filling flattens one event into the row that its table has begun. Its
// methods give false as soon as they meet a value that has no place and
// deserves one: what was appended is of no use then.
type filling struct {
	rows     *rows
	exploded []*rows
	env      *Envelope
	meta     bool
	path     [][]byte // to the value at work; the names are borrowed
	extra    int64    // values that went to _extra
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
		return false
	case b == nil && !parent.closed && !holdsList(d, v):
		return true
	case b == nil:
		return f.toExtra(d, v, name)
	case b.skip:
		return true
	case b.exploded >= 0:
		if kind != ValueArray {
			return f.toExtra(d, v, name)
		}
		return f.explode(d, v, b)
	case kind == ValueObject && !b.whole:
		if len(b.members) == 0 && b.closed || d.First(v) == None && b.column >= 0 {
			return f.toExtra(d, v, name)
		}
		f.path = append(f.path, name)
		ok := f.object(d, v, b)
		f.path = f.path[:len(f.path)-1]
		return ok
	case b.column < 0:
		if b.closed || !hasContent(d, v) {
			return f.toExtra(d, v, name)
		}
		return false
	}
	c := f.rows.columns[b.column]
	if c.n > f.rows.n {
		return f.toExtra(d, v, name) // the row has a value there: a payload that is no object, and one with a member of that name
	}
	*c.dropped = false
	if c.appendValue(d, v) {
		if *c.dropped {
			return f.toExtra(d, v, name) // the column has all but an empty list
		}
		return true
	}
	if !b.sealed && c.unknown(d, v) {
		return false
	}
	return f.toExtra(d, v, name)
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
			return false
		}
		child.end()
	}
	child.path = g.path[:0]
	f.extra += g.extra
	return true
}
