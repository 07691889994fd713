package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"backstory/transform"
)

// cursor goes over the elements of a list, or the members of an object.
type cursor struct {
	of   value
	at   transform.Value
	i    int    // how many came
	name []byte // of the member that came last
}

// elements begins with the first element of a list or object.
func elements(v value) cursor {
	c := cursor{of: v}
	if v.doc != nil {
		c.at = v.doc.First(v.ref)
	}
	return c
}

// next gives the next element, false after the last one.
func (c *cursor) next() (value, bool) {
	if d := c.of.doc; d != nil {
		if c.at == transform.None {
			return value{}, false
		}
		v := c.at
		c.i++
		if c.of.kind == object {
			c.name = d.Name(v)
		}
		c.at = d.Next(v)
		return onTape(d, v), true
	}
	if c.i == c.of.made.len() {
		return value{}, false
	}
	if c.of.kind == object {
		c.name = c.of.made.names[c.i]
	}
	c.i++
	return c.of.made.at(c.i - 1), true
}

// size is how many elements, members or characters there are.
func (m *machine) size(column int, v value) (int, error) {
	n := 0
	switch {
	case v.kind == text:
		x := m.bytes(v)
		return utf8.RuneCount(x), m.spend(column, len(x)>>5)
	case v.doc != nil:
		n = v.doc.Len(v.ref)
	default:
		return v.made.len(), nil
	}
	return n, m.spend(column, n>>2)
}

// rangeOf compiles a..b, the integers from a through b.
func (c *compiler) rangeOf(n *ast.BinaryNode) code {
	l, r := c.node(n.Left), c.node(n.Right)
	x := code{kinds: lists, cost: l.cost + r.cost, column: columnOf(n)}
	for _, side := range []code{l, r} {
		if !side.kinds.has(integer) {
			return c.failAt(side.column, "a range of %s, want integers", side.kinds)
		}
	}
	x.run = func(m *machine) (value, error) {
		from, err := m.integer(l)
		if err != nil {
			return value{}, err
		}
		to, err := m.integer(r)
		if err != nil {
			return value{}, err
		}
		size := uint64(0)
		if from <= to {
			size = uint64(to) - uint64(from)
			if size++; size > maxRange || size == 0 {
				return value{}, fault(x.column, "range has more than %d integers", maxRange)
			}
		}
		return value{kind: list, made: &made{ranged: true, first: from, size: int64(size)}}, m.take(x.column, valueBytes)
	}
	return c.fold(x, l, r)
}

// integer evaluates code that is to give an integer.
func (m *machine) integer(x code) (int64, error) {
	v, err := x.run(m)
	if err != nil {
		return 0, err
	}
	if v.kind != integer {
		return 0, fault(x.column, "%s where an integer is wanted", v.kind)
	}
	n, ok := v.int()
	if !ok {
		return 0, m.tooLong(x.column, v)
	}
	return n, nil
}

// slice compiles x[from:to], of a list or of the characters of text. Places
// beyond the ends are the ends, and negative ones count from the end.
func (c *compiler) slice(n *ast.SliceNode) code {
	base := c.node(n.Node)
	x := code{kinds: base.kinds & (texts | lists), cost: base.cost, column: columnOf(n)}
	if x.kinds == 0 {
		return c.fail(n, "%s has no slices", base.kinds)
	}
	var ends [2]*code
	for i, end := range []ast.Node{n.From, n.To} {
		if end == nil {
			continue
		}
		e := c.node(end)
		if !e.kinds.has(integer) {
			return c.failAt(e.column, "%s where an integer is wanted", e.kinds)
		}
		x.cost += e.cost
		ends[i] = &e
	}
	x.run = func(m *machine) (value, error) {
		v, err := base.run(m)
		if err != nil {
			return v, err
		}
		if v.kind != text && v.kind != list {
			return v, fault(x.column, "%s has no slices", v.kind)
		}
		size, err := m.size(x.column, v)
		if err != nil {
			return v, err
		}
		from, to := 0, size
		for i, end := range []*int{&from, &to} {
			if ends[i] == nil {
				continue
			}
			at, err := m.integer(*ends[i])
			if err != nil {
				return v, err
			}
			if at < 0 {
				at += int64(size)
			}
			*end = int(min(max(at, 0), int64(size)))
		}
		return m.cut(x.column, v, from, max(from, to))
	}
	return x
}

// cut gives a part of a list or text. The places are within it.
func (m *machine) cut(column int, v value, from, to int) (value, error) {
	if v.kind == text {
		x := m.bytes(v)
		x = x[runes(x, from):]
		return textValue(x[:runes(x, to-from)]), m.spend(column, len(x)>>5)
	}
	if err := m.spend(column, to); err != nil {
		return value{}, err
	}
	items := make([]value, 0, to-from)
	all := elements(v)
	for i := 0; i < to; i++ {
		item, _ := all.next()
		if i >= from {
			items = append(items, item)
		}
	}
	return m.list(column, items)
}

// runes gives how many bytes the first n characters have.
func runes(x []byte, n int) int {
	at := 0
	for ; n > 0; n-- {
		_, size := utf8.DecodeRune(x[at:])
		at += size
	}
	return at
}

// runeAt is the number of characters before a byte, or -1.
func runeAt(x []byte, at int) int {
	if at < 0 {
		return -1
	}
	return utf8.RuneCount(x[:at])
}

func length(m *machine, column int, args []value) (value, error) {
	n, err := m.size(column, args[0])
	return intValue(int64(n)), err
}

func first(m *machine, column int, args []value) (value, error) {
	return m.elementAt(args[0], 0), nil
}

func last(m *machine, column int, args []value) (value, error) {
	return m.elementAt(args[0], -1), m.spend(column, 0)
}

// elementAt gives the element of a list at a place, from 0 or from -1 at the
// end, nil where there is none.
func (m *machine) elementAt(v value, place int64) value {
	if v.doc != nil {
		return onTape(v.doc, element(m, v.doc, v.ref, place))
	}
	if place < 0 {
		place += int64(v.made.len())
	}
	if place < 0 || place >= int64(v.made.len()) {
		return value{}
	}
	return v.made.at(int(place))
}

func get(m *machine, column int, args []value) (value, error) {
	return m.get(column, args[0], args[1], "this")
}

func keys(m *machine, column int, args []value) (value, error) {
	var out []value
	all := elements(args[0])
	for _, more := all.next(); more; _, more = all.next() {
		if err := m.spend(column, 1); err != nil {
			return value{}, err
		}
		out = append(out, textValue(all.name))
	}
	return m.list(column, out)
}

func values(m *machine, column int, args []value) (value, error) {
	return concat(m, column, args)
}

// concat puts lists, or the values of objects, behind each other.
func concat(m *machine, column int, args []value) (value, error) {
	var out []value
	for _, a := range args {
		all := elements(a)
		for v, more := all.next(); more; v, more = all.next() {
			if len(out) > m.room/valueBytes {
				return v, m.take(column, valueBytes*len(out))
			}
			out = append(out, v)
		}
	}
	if err := m.spend(column, len(out)); err != nil {
		return value{}, err
	}
	return m.list(column, out)
}

func least(m *machine, column int, args []value) (value, error) {
	return m.extreme(column, "min", args, -1)
}

func greatest(m *machine, column int, args []value) (value, error) {
	return m.extreme(column, "max", args, 1)
}

// extreme gives the least or greatest of the arguments, or of one list.
func (m *machine) extreme(column int, name string, args []value, side int) (value, error) {
	all := cursor{of: value{kind: list, made: &made{items: args}}}
	if len(args) == 1 && args[0].kind == list {
		all = elements(args[0])
	}
	best, more := all.next()
	if more {
		if _, ok, _ := m.compare(column, best, best); !ok {
			return best, fault(column, "%s of %s", name, best.kind)
		}
	}
	for v, more := all.next(); more; v, more = all.next() {
		c, ok, err := m.compare(column, v, best)
		if err == nil && !ok {
			err = fault(column, "%s of %s and %s", name, best.kind, v.kind)
		}
		if err == nil {
			err = m.spend(column, 1)
		}
		if err != nil {
			return v, err
		}
		if c == side {
			best = v
		}
	}
	return best, nil
}
