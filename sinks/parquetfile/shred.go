package parquetfile

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// slots is a nested column's array as shred walks it.
type slots struct {
	array arrow.Array
	list  *array.List
	nulls bool
}

// bind borrows a and the arrays inside of it.
func (n *node) bind(a arrow.Array) {
	n.slots = slots{array: a, nulls: a.NullN() > 0}
	switch a := a.(type) {
	case *array.List:
		n.slots.list = a
		n.children[0].bind(a.ListValues())
	case *array.Struct:
		for i, c := range n.children {
			c.bind(a.Field(i))
		}
	default:
		n.leaf.vals.bind(a)
	}
}

func (n *node) unbind() {
	n.slots = slots{}
	if n.leaf != nil {
		n.leaf.vals.unbind()
	}
	for _, c := range n.children {
		c.unbind()
	}
}

// shred adds slot i with its levels, as the Dremel paper has it
// (https://research.google/pubs/pub36632/). rep is the repetition level.
func (n *node) shred(i, rep int) {
	if n.slots.nulls && n.slots.array.IsNull(i) {
		n.absent(rep, n.def-1)
		return
	}
	switch {
	case n.leaf != nil:
		n.leaf.put(i, rep)
	case n.slots.list != nil:
		start, end := n.slots.list.ValueOffsets(i)
		if start == end {
			n.absent(rep, n.def)
			return
		}
		for j := int(start); j < int(end); j++ {
			n.children[0].shred(j, rep)
			rep = n.rep
		}
	default:
		for _, c := range n.children {
			c.shred(i, rep)
		}
	}
}

// absent adds to each leaf below that nothing is there beyond level def.
func (n *node) absent(rep, def int) {
	if n.leaf != nil {
		n.leaf.absent(rep, def)
		return
	}
	for _, c := range n.children {
		c.absent(rep, def)
	}
}

// endFullPages ends the pages of the leaves that are full, after a row.
func (n *node) endFullPages(s *scratch) {
	if n.leaf != nil {
		n.leaf.endFullPage(s)
		return
	}
	for _, c := range n.children {
		c.endFullPages(s)
	}
}

// write adds rows from to to of the column.
func (n *node) write(a arrow.Array, from, to int, s *scratch) {
	if n.leaf != nil {
		n.leaf.writeFlat(a, from, to, s)
		return
	}
	n.bind(a)
	defer n.unbind()
	for i := from; i < to; i++ {
		n.shred(i, 0)
		n.endFullPages(s)
	}
}
