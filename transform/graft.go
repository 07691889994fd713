package transform

import (
	"slices"
	"unsafe"
)

// The methods below move and copy whole values, with all that stands below
// them. Like those of mutate.go they are for upcasters.

// SetRoot makes v, which is in no object or list, the document's outermost
// value. A document without one, such as metadata that an event lacks, gets
// one so.
func (d *Document) SetRoot(v Value) {
	d.nodes[v].next = None
	d.root = v
}

// Become gives v, where it stands, the content of w, which must be in no
// object or list, and must not be used any more. What v held is gone.
func (d *Document) Become(v, w Value) {
	d.unmark(v)
	n, m := &d.nodes[v], &d.nodes[w]
	n.kind, n.off, n.end, n.first = m.kind, m.off, m.end, m.first
	n.flags = n.flags&nameInAux | m.flags&^nameInAux
	if m.flags&marked != 0 {
		d.mark(v, d.Marker(w))
	}
}

// Import makes a copy of v, a value of src, which may be d itself. The copy
// belongs to d, and is in no object or list.
func (d *Document) Import(src *Document, v Value) Value {
	n := src.nodes[v]
	c := Value(len(d.nodes))
	if src != d {
		n.off, n.end, n.first = d.importText(src, v, n)
		n.nameOff, n.nameEnd = keep(d, src.Name(v))
		n.flags |= nameInAux | textInAux
	}
	n.next = None
	d.begin()
	d.nodes = append(d.nodes, n)
	if n.flags&marked != 0 {
		d.mark(c, src.Marker(v))
	}
	if n.kind != ValueArray && n.kind != ValueObject {
		return c
	}
	d.nodes[c].first = None
	last := None
	for e := src.nodes[v].first; e != None; e = src.nodes[e].next {
		child := d.Import(src, e)
		d.link(c, last, child)
		last = child
	}
	return c
}

// importText copies the text of v, whose node is n, into aux, and gives its
// place: with the string as it was written where that follows.
func (d *Document) importText(src *Document, v Value, n node) (off, end uint32, first Value) {
	off, end = keep(d, src.Text(v))
	if n.flags&textReplaced == 0 {
		return off, end, None
	}
	if start, written := keep(d, src.aux[n.end:n.first]); start == end {
		return off, end, Value(written)
	}
	return off, end, Value(end) // d is vast
}

// Filter takes out of an object or list what keep is false for.
func (d *Document) Filter(container Value, keep func(child Value) bool) {
	last := None
	for c := d.nodes[container].first; c != None; {
		next := d.nodes[c].next
		if keep(c) {
			last = c
		} else {
			d.link(container, last, next)
			d.nodes[c].next = None
		}
		c = next
	}
}

// Size is the number of values the document has room for: all that it was
// parsed into, that were made and that were removed.
func (d *Document) Size() int { return len(d.nodes) }

// Held is about how many bytes of memory the document keeps, also after Reset.
func (d *Document) Held() int { return cap(d.aux) + cap(d.nodes)*int(unsafe.Sizeof(node{})) }

// mark says of v that it stood in an unknown marker of that name.
func (d *Document) mark(v Value, name []byte) {
	off, end := keep(d, name)
	d.unknown = append(d.unknown, unknownMarker{value: v, off: off, end: end, inAux: true})
}

// unmark forgets the unknown marker v stood in.
func (d *Document) unmark(v Value) {
	if d.nodes[v].flags&marked != 0 {
		d.unknown = slices.DeleteFunc(d.unknown, func(u unknownMarker) bool { return u.value == v })
	}
}
