package expression

import (
	"bytes"
	"cmp"
	"math"

	"backstory/transform"
)

// order computes < <= > >=.
func order(m *machine, column int, op operator, a, b, out *value) error {
	c, ok, err := m.compare(column, a, b)
	switch {
	case err != nil:
		return err
	case !ok:
		return noPairing(column, op, a, b)
	}
	switch op {
	case less:
		out.setBool(c == -1)
	case lessEqual:
		out.setBool(c == -1 || c == 0)
	case greater:
		out.setBool(c == 1)
	default:
		out.setBool(c == 1 || c == 0)
	}
	return nil
}

// unordered is how NaN compares with numbers.
const unordered = 2

// compare gives -1, 0, 1 or unordered. It gives false for kinds that have no
// order.
func (m *machine) compare(column int, a, b *value) (int, bool, error) {
	switch {
	case numbers.has(a.kind) && numbers.has(b.kind):
		c, err := m.compareNumbers(column, a, b)
		return c, true, err
	case a.kind != b.kind:
		return 0, false, nil
	case a.kind == text:
		x, y := m.bytes(a), m.bytes(b)
		return bytes.Compare(x, y), true, m.spend(column, min(len(x), len(y))>>8)
	case a.kind == instant || a.kind == span:
		return cmp.Compare(a.num, b.num), true, nil
	}
	return 0, false, nil
}

// compareNumbers compares two numbers by all digits they are written with;
// what was computed counts as its shortest text.
func (m *machine) compareNumbers(column int, a, b *value) (int, error) {
	if a.kind == integer && b.kind == integer {
		if x, ok := a.int(); ok {
			if y, ok := b.int(); ok {
				return cmp.Compare(x, y), nil
			}
		}
	} else if a.kind != decimal && b.kind != decimal {
		if x, ok := a.asFloat(); ok {
			if y, ok := b.asFloat(); ok {
				return compareFloats(x, y), nil
			}
		}
	}
	before, room := len(m.scratch), m.room
	defer func() { m.scratch, m.room = m.scratch[:before], room }()
	x, finite := m.number(a)
	y, also := m.number(b)
	if err := m.spend(column, (len(x.digits)+len(y.digits))>>4); err != nil {
		return 0, err
	}
	if finite && also {
		return x.compare(y), nil
	}
	// Against an infinity every finite number is the same.
	var f, g float64
	if !finite {
		f = m.nonFinite(a)
	}
	if !also {
		g = m.nonFinite(b)
	}
	return compareFloats(f, g), nil
}

func compareFloats(x, y float64) int {
	if math.IsNaN(x) || math.IsNaN(y) {
		return unordered
	}
	return cmp.Compare(x, y)
}

// equal tells whether two values are one: numbers by value, text by its
// bytes, lists element by element, objects whatever the order of members.
// Values of two kinds are not equal.
func (m *machine) equal(column int, a, b *value) (bool, error) {
	switch {
	case numbers.has(a.kind) && numbers.has(b.kind):
		c, err := m.compareNumbers(column, a, b)
		return c == 0, err
	case a.kind != b.kind:
		return false, nil
	}
	switch a.kind {
	case null:
		return true, nil
	case list:
		return m.equalLists(column, a, b)
	case object:
		return m.equalObjects(column, a, b)
	case text:
		before, room := len(m.scratch), m.room
		x, y := m.bytes(a), m.bytes(b)
		same := bytes.Equal(x, y)
		m.scratch, m.room = m.scratch[:before], room
		if len(x) == len(y) && len(x) > 256 {
			return same, m.spend(column, len(x)>>8)
		}
		return same, nil
	}
	return a.num == b.num, nil
}

func (m *machine) equalLists(column int, a, b *value) (bool, error) {
	x, y := elements(a), elements(b)
	var v, w value
	for {
		more, also := x.next(&v), y.next(&w)
		if !more || !also {
			return more == also, nil
		}
		if err := m.spend(column, 1); err != nil {
			return false, err
		}
		if same, err := m.equal(column, &v, &w); !same || err != nil {
			return false, err
		}
	}
}

func (m *machine) equalObjects(column int, a, b *value) (bool, error) {
	x, y := elements(a), elements(b)
	size := 0
	var v, w value
	for x.next(&v) {
		ok := b.member(m, x.name, &w)
		if err := m.spend(column, 1); err != nil || !ok {
			return false, err
		}
		if same, err := m.equal(column, &v, &w); !same || err != nil {
			return false, err
		}
		size++
	}
	for y.next(&v) {
		size--
	}
	return size == 0, nil
}

// member gives an object's member, false where there is none. One that is
// null is there.
func (v *value) member(m *machine, name []byte, out *value) bool {
	if v.made != nil {
		i := v.made.find(name)
		if i >= 0 {
			*out = v.made.items[i]
		}
		return i >= 0
	}
	for e := v.doc.First(v.ref); e != transform.None; e = v.doc.Next(e) {
		m.steps--
		if bytes.Equal(v.doc.Name(e), name) {
			out.load(v.doc, e)
			return true
		}
	}
	return false
}

// isIn computes in: whether a list has an element equal to a, or an object a
// member of that name. Nothing is in nil.
func isIn(m *machine, column int, op operator, a, b, out *value) error {
	switch {
	case b.kind == null:
		out.setBool(false)
		return nil
	case b.kind == object && a.kind == text:
		out.setBool(b.member(m, m.bytes(a), out))
		return m.spend(column, 0)
	case b.kind != list:
		return noPairing(column, op, a, b)
	}
	if b.made != nil && b.made.ranged && a.kind == integer {
		x, ok := a.int()
		out.setBool(ok && x >= b.made.first && x < b.made.first+b.made.size)
		return nil
	}
	items := elements(b)
	for items.next(out) {
		if err := m.spend(column, 1); err != nil {
			return err
		}
		same, err := m.equal(column, a, out)
		if same || err != nil {
			out.setBool(same)
			return err
		}
	}
	out.setBool(false)
	return nil
}

// search computes contains, startsWith and endsWith. Nil has no text in it,
// and is in none.
func search(m *machine, column int, op operator, a, b, out *value) error {
	if a.kind == null && (b.kind == null || b.kind == text) || b.kind == null && a.kind == text {
		out.setBool(false)
		return nil
	}
	if a.kind != text || b.kind != text {
		return noPairing(column, op, a, b)
	}
	x, y := m.bytes(a), m.bytes(b)
	switch op {
	case startsWith:
		out.setBool(bytes.HasPrefix(x, y))
	case endsWith:
		out.setBool(bytes.HasSuffix(x, y))
	default:
		out.setBool(bytes.Contains(x, y))
		return m.spend(column, len(x)>>5)
	}
	return nil
}
