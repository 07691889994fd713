package survey

import "backstory/transform"

const (
	// maxPaths is how many paths a survey tells apart, over all event types.
	maxPaths = 10_000
	// maxLevels is how deep payloads are taken apart.
	maxLevels = 16
	// maxSlots is how many members of a scope are compared with each other.
	maxSlots = 256
)

// A member is what was seen at one path.
type member struct {
	name   string
	parent *member // nil for a scope's root
	scope  *scope
	hash   uint64 // of the path
	slot   int    // among the members of its scope; -1 beyond maxSlots
	level  int
	lifted bool // it stands in the envelope
	nulls  int64
	inst   int64 // the newest instance of the scope in which it was there
	taken  int64 // the newest call of take that met it
	kinds  []seenKind
	values values

	members []*member
	index   map[string]int
	crowded bool // members beyond the bounds were passed over
	asData  bool // names are data: one member, *, stands for all
	names   values
	elem    *scope // what lists hold

	// into is the member that took this one up, when names became data or
	// surveys were merged.
	into *member
}

// seenKind is a kind of value and when it was seen.
type seenKind struct {
	kind transform.ValueKind
	eras eras
}

// A class is what kinds of values make one shape: a field that is now an
// integer, now a decimal, does not make two shapes of an event.
type class uint8

const (
	noClass class = iota // null, or values of several classes
	boolClass
	numberClass
	textClass
	listClass
	objectClass
)

var classes = [...]class{
	transform.ValueFalse: boolClass, transform.ValueTrue: boolClass,
	transform.ValueInteger: numberClass, transform.ValueFloat: numberClass, transform.ValueDecimal: numberClass,
	transform.ValueString: textClass, transform.ValueUUID: textClass, transform.ValueTimestamp: textClass,
	transform.ValueArray: listClass, transform.ValueObject: objectClass,
}

var classNames = [...]string{"null", "bool", "number", "text", "list", "object"}

// kind gives the record of a kind, in which true and false are one.
func (m *member) kind(k transform.ValueKind) *seenKind {
	if k == transform.ValueFalse {
		k = transform.ValueTrue
	}
	for i := range m.kinds {
		if m.kinds[i].kind == k {
			return &m.kinds[i]
		}
	}
	m.kinds = append(m.kinds, seenKind{kind: k})
	return &m.kinds[len(m.kinds)-1]
}

// count is how many values of a kind there were.
func (m *member) count(k transform.ValueKind) int64 {
	for i := range m.kinds {
		if m.kinds[i].kind == k {
			return m.kinds[i].eras.count
		}
	}
	return 0
}

// total is how many values there were that were not null.
func (m *member) total() int64 {
	var n int64
	for i := range m.kinds {
		n += m.kinds[i].eras.count
	}
	return n
}

// class is that of all values, noClass where they differ.
func (m *member) class() class {
	c := noClass
	for i := range m.kinds {
		k := classes[m.kinds[i].kind]
		if c != noClass && c != k {
			return noClass
		}
		c = k
	}
	return c
}

// eras are those of the member, whatever its kind.
func (m *member) eras() *eras {
	if len(m.kinds) == 1 {
		return &m.kinds[0].eras
	}
	var all eras
	for i := range m.kinds {
		all.merge(&m.kinds[i].eras, 0)
	}
	return &all
}

// current is the member that stands for m now, nil where none could.
func (m *member) current() *member {
	for m.into != nil {
		m = m.into
	}
	if m.scope == nil {
		return nil
	}
	return m
}

// path gives the names that lead to the member from its scope's root.
func (m *member) path() []string {
	if m.parent == nil {
		return nil
	}
	return append(m.parent.path(), m.name)
}

// find gives the member of that name, or nil. Members mostly come in the same
// order again and again: hint is where the next one is looked for first.
func (m *member) find(name []byte, hint *int) *member {
	if m.asData {
		return m.members[0]
	}
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

// child gives the member of a name, made where there is none, or nil where
// there are too many.
func (s *Survey) child(m *member, name []byte, hint *int) *member {
	if c := m.find(name, hint); c != nil {
		return c
	}
	if m.namesAreData(name) {
		s.collapse(m)
		return s.child(m, name, hint)
	}
	if s.paths >= maxPaths || len(m.members) >= maxMembers {
		m.crowded = true
		return nil
	}
	return s.add(m, string(name))
}

func (s *Survey) add(m *member, name string) *member {
	s.paths++
	sc := m.scope
	c := &member{name: name, parent: m, scope: sc, slot: -1, level: m.level + 1, hash: mix(m.hash ^ hashText([]byte(name)))}
	if len(sc.slots) < maxSlots {
		c.slot = len(sc.slots)
		sc.slots = append(sc.slots, c)
	}
	c.lifted = sc.isLifted(c)
	if m.index == nil {
		m.index = make(map[string]int)
	}
	m.index[name] = len(m.members)
	m.members = append(m.members, c)
	return c
}
