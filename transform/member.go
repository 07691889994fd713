package transform

import "backstory/source"

// maxMembers is how many members of one object are told apart. An object
// with more uses its names as data, and is kept as JSON text.
const maxMembers = 250

// maxRootMembers is the same for what may be the root of a table, a payload
// or the elements of a list: it has no column to be kept in, so what is more
// goes to _extra.
const maxRootMembers = 10000

// maxLevels is how deep payloads are taken apart; what lies deeper is kept
// as JSON text.
const maxLevels = 16

// A member is what has been seen at one path. A value of nothing but nulls
// counts as not seen: it makes no member.
type member struct {
	name    string
	first   source.Position // where it was first seen
	marker  string          // an unknown marker around the value
	kinds   [ValueTimestamp + 1]int64
	empty   int64 // objects without members
	big     int64 // integers beyond 64 bits
	inexact int64 // numbers that no double holds
	vast    int64 // numbers that no decimal holds, and those that are not finite
	naive   int64 // times without a zone
	badTime int64 // marked times that are none

	digits, scale int // most digits before and behind the point of a number

	members []*member
	index   map[string]int
	crowded bool        // more than maxMembers, or deeper than maxLevels
	wide    bool        // may be the root of a table
	named   *policyNode // the members that contracts name, of which there are never too many
	elem    *member     // what lists hold
	deep    bool        // there were lists too deep to be taken apart

	distinct sketch
}

func (m *member) observeRoot(d *Document, at source.Position) {
	m.wide = true
	root := d.Root()
	if d.Kind(root) == ValueObject {
		m.kinds[ValueObject]++
		m.observeMembers(d, root, at, 0)
		return
	}
	if !hasContent(d, root) {
		return
	}
	hint := 0
	c := m.find([]byte(rootMember), &hint)
	if c == nil {
		if c = m.add(rootMember, at); c == nil {
			return
		}
	}
	c.observe(d, root, at, 1)
}

// rootMember is the name under which a payload that is no object stands
// among a table's columns.
const rootMember = "$"

// add makes a new member, or gives nil where there are too many and no
// contract names it.
func (m *member) add(name string, at source.Position) *member {
	n := len(m.members)
	if n >= maxMembers {
		m.crowded = true
		if (!m.wide || n >= maxRootMembers) && m.named.member(name) == nil {
			return nil
		}
	}
	if m.index == nil {
		m.index = make(map[string]int)
	}
	m.index[name] = n
	c := &member{name: name, first: at, named: m.named.member(name)}
	m.members = append(m.members, c)
	return c
}

// find gives a member, or nil. Members mostly come in the same order again
// and again: hint is where the next one is looked for first.
func (m *member) find(name []byte, hint *int) *member {
	i := *hint
	if i >= len(m.members) || m.members[i].name != string(name) {
		var ok bool
		if i, ok = m.index[string(name)]; !ok {
			return nil
		}
	}
	*hint = i + 1
	return m.members[i]
}

// at gives the member at a path, or nil.
func (m *member) at(path []string) *member {
	for _, name := range path {
		hint := 0
		if m = m.find([]byte(name), &hint); m == nil {
			return nil
		}
	}
	return m
}

func (m *member) observeMembers(d *Document, object Value, at source.Position, level int) {
	hint := 0
	for v := d.First(object); v != None; v = d.Next(v) {
		name := d.Name(v)
		c := m.find(name, &hint)
		if c == nil {
			if !hasContent(d, v) {
				continue
			}
			if c = m.add(string(name), at); c == nil {
				continue
			}
		}
		c.observe(d, v, at, level+1)
	}
}

func (m *member) observe(d *Document, v Value, at source.Position, level int) {
	kind := d.Kind(v)
	if m.marker == "" && len(d.unknown) > 0 {
		m.marker = string(d.Marker(v))
	}
	m.kinds[kind]++
	switch kind {
	case ValueObject:
		switch {
		case d.First(v) == None:
			m.empty++
		case level < maxLevels:
			m.observeMembers(d, v, at, level)
		case hasContent(d, v):
			m.crowded = true
		}
	case ValueArray:
		if level >= maxLevels {
			m.deep = m.deep || hasContent(d, v)
			return
		}
		if m.elem == nil {
			m.elem = &member{wide: true, named: m.named}
		}
		for e := d.First(v); e != None; e = d.Next(e) {
			m.elem.observe(d, e, at, level+1)
		}
	case ValueInteger, ValueFloat, ValueDecimal:
		m.observeNumber(kind, d.Text(v))
	case ValueTimestamp:
		if t, ok := parseTime(d.Text(v)); !ok {
			m.badTime++
		} else if !t.zoned {
			m.naive++
		}
		m.distinct.add(d.Text(v))
	case ValueString, ValueUUID:
		m.distinct.add(d.Text(v))
	}
}

func (m *member) observeNumber(kind ValueKind, text []byte) {
	m.distinct.add(text)
	if kind == ValueInteger && len(text) < 19 {
		digits := len(text)
		if text[0] == '-' {
			digits--
		}
		if digits > exactDigits {
			if _, ok := parseFloat(text); !ok {
				m.inexact++
			}
		}
		m.digits = max(m.digits, digits)
		return
	}
	if kind == ValueInteger {
		if _, ok := parseInt(text); !ok {
			m.big++
		}
	}
	if kind != ValueDecimal {
		if _, ok := parseFloat(text); !ok {
			m.inexact++
		}
	}
	x, ok := parseDecimal(text)
	if !ok || x.integerDigits()+x.written > MaxPrecision {
		m.vast++
		return
	}
	m.digits, m.scale = max(m.digits, x.integerDigits()), max(m.scale, x.written)
}

func (m *member) merge(o *member) {
	if o.first.Compare(m.first) < 0 {
		m.first = o.first
	}
	if m.marker == "" {
		m.marker = o.marker
	}
	for i := range o.kinds {
		m.kinds[i] += o.kinds[i]
	}
	m.empty += o.empty
	m.big += o.big
	m.inexact += o.inexact
	m.vast += o.vast
	m.naive += o.naive
	m.badTime += o.badTime
	m.digits, m.scale = max(m.digits, o.digits), max(m.scale, o.scale)
	m.crowded = m.crowded || o.crowded
	m.distinct.merge(&o.distinct)
	hint := 0
	for _, c := range o.members {
		mine := m.find([]byte(c.name), &hint)
		if mine == nil {
			if mine = m.add(c.name, c.first); mine == nil {
				continue
			}
		}
		mine.merge(c)
	}
	m.deep = m.deep || o.deep
	if o.elem != nil {
		if m.elem == nil {
			m.elem = &member{wide: true, named: m.named}
		}
		m.elem.merge(o.elem)
	}
}

// hasContent tells whether a value needs a column: anything but null, and
// objects and lists of nothing that does. Of a list without elements nobody
// can say what it is a list of.
func hasContent(d *Document, v Value) bool {
	switch d.Kind(v) {
	case ValueNull:
		return false
	case ValueArray:
		for e := d.First(v); e != None; e = d.Next(e) {
			if hasContent(d, e) {
				return true
			}
		}
		return false
	case ValueObject:
		first := d.First(v)
		for m := first; m != None; m = d.Next(m) {
			if hasContent(d, m) {
				return true
			}
		}
		return first == None
	}
	return true
}

// holdsList tells whether a value without content is more than nulls.
func holdsList(d *Document, v Value) bool {
	switch d.Kind(v) {
	case ValueArray:
		return true
	case ValueObject:
		for m := d.First(v); m != None; m = d.Next(m) {
			if holdsList(d, m) {
				return true
			}
		}
	}
	return false
}
