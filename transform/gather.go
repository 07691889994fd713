package transform

// Gather makes values, each of them in no object or list yet, all that a list
// or object holds, in that order. names are those of an object's members,
// each of them once and UTF-8, and nil for a list. It is what Put and Append
// do for one value, for many at once.
func (d *Document) Gather(container Value, values []Value, names [][]byte) {
	d.nodes[container].first = None
	last := None
	for i, v := range values {
		n := &d.nodes[v]
		if names != nil {
			n.nameOff, n.nameEnd = keep(d, names[i])
			n.flags |= nameInAux
		}
		n.next = None
		d.link(container, last, v)
		last = v
	}
}
