package expression

import (
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"backstory/transform"
)

// cursor goes over the elements of a list, or the members of an object.
type cursor struct {
	kind kind
	doc  *transform.Document
	made *made
	at   transform.Value
	i    int    // how many came
	name []byte // of the member that came last
}

// elements begins with the first element of a list or object.
func elements(v *value) cursor {
	c := cursor{kind: v.kind, doc: v.doc, made: v.made}
	if v.doc != nil {
		c.at = v.doc.First(v.ref)
	}
	return c
}

// next makes out the next element, and gives false after the last one.
func (c *cursor) next(out *value) bool {
	if d := c.doc; d != nil {
		if c.at == transform.None {
			return false
		}
		if c.kind == object {
			c.name = d.Name(c.at)
		}
		out.load(d, c.at)
		c.at = d.Next(c.at)
		c.i++
		return true
	}
	if c.i == c.made.len() {
		return false
	}
	if c.kind == object {
		c.name = c.made.names[c.i]
	}
	*out = c.made.at(c.i)
	c.i++
	return true
}

// size is how many elements, members or characters there are.
func (m *machine) size(column int, v *value) (int, error) {
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
	x.run = func(m *machine, out *value) error {
		from, err := m.integer(l, out)
		if err != nil {
			return err
		}
		to, err := m.integer(r, out)
		if err != nil {
			return err
		}
		size := uint64(0)
		if from <= to {
			size = uint64(to) - uint64(from)
			if size++; size > maxRange || size == 0 {
				return fault(x.column, "range has more than %d integers", maxRange)
			}
		}
		*out = value{kind: list, made: &made{ranged: true, first: from, size: int64(size)}}
		return m.take(x.column, valueBytes)
	}
	return c.fold(x, l, r)
}

// integer evaluates code that is to give an integer, by way of v.
func (m *machine) integer(x code, v *value) (int64, error) {
	if err := x.run(m, v); err != nil {
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
	place := c.slot()
	x.run = func(m *machine, out *value) error {
		v := &m.slots[place]
		if err := base.run(m, v); err != nil {
			return err
		}
		if v.kind != text && v.kind != list {
			return fault(x.column, "%s has no slices", v.kind)
		}
		size, err := m.size(x.column, v)
		if err != nil {
			return err
		}
		from, to := 0, size
		for i, end := range []*int{&from, &to} {
			if ends[i] == nil {
				continue
			}
			at, err := m.integer(*ends[i], out)
			if err != nil {
				return err
			}
			if at < 0 {
				at += int64(size)
			}
			*end = int(min(max(at, 0), int64(size)))
		}
		*out, err = m.cut(x.column, v, from, max(from, to))
		return err
	}
	return x
}

// cut gives a part of a list or text. The places are within it.
func (m *machine) cut(column int, v *value, from, to int) (value, error) {
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
	var item value
	for i := 0; i < to && all.next(&item); i++ {
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
	n, err := m.size(column, &args[0])
	return intValue(int64(n)), err
}

func first(m *machine, column int, args []value) (value, error) {
	return m.elementAt(column, &args[0], 0)
}

func last(m *machine, column int, args []value) (value, error) {
	return m.elementAt(column, &args[0], -1)
}

// elementAt gives the element of a list at a place, from 0 or from -1 at the
// end, nil where there is none.
func (m *machine) elementAt(column int, v *value, place int) (value, error) {
	l := link{place: place, isList: true, column: column}
	if v.doc == nil {
		return v.get(&l, "this")
	}
	var out value
	out.load(v.doc, element(m, v.doc, v.ref, int64(place)))
	return out, m.spend(column, 0)
}

func get(m *machine, column int, args []value) (value, error) {
	var out value
	err := m.get(column, &args[0], &args[1], "this", &out)
	return out, err
}

func keys(m *machine, column int, args []value) (value, error) {
	var out []value
	var v value
	all := elements(&args[0])
	for all.next(&v) {
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
	var v value
	for i := range args {
		all := elements(&args[i])
		for all.next(&v) {
			if len(out) > m.room/valueBytes {
				return value{}, m.take(column, valueBytes*len(out))
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
	all := cursor{kind: list, made: &made{items: args}}
	if len(args) == 1 && args[0].kind == list {
		all = elements(&args[0])
	}
	var best, v value
	if !all.next(&best) {
		return value{}, nil
	}
	if _, ok, _ := m.compare(column, &best, &best); !ok {
		return value{}, fault(column, "%s of %s", name, best.kind)
	}
	for all.next(&v) {
		c, ok, err := m.compare(column, &v, &best)
		if err == nil && !ok {
			err = fault(column, "%s of %s and %s", name, best.kind, v.kind)
		}
		if err == nil {
			err = m.spend(column, 1)
		}
		if err != nil {
			return value{}, err
		}
		if c == side {
			best = v
		}
	}
	return best, nil
}
