package survey

import "backstory/transform"

// maxMembers is how many members of one object are told apart.
const maxMembers = 1000

// anyName stands for the members of an object whose names are data.
const anyName = "*"

// namesAreData tells whether the names of an object's members, to which one
// more is to be added, are data: identifiers or dates, or so many that come
// and go that nobody has thought of them as fields.
func (m *member) namesAreData(name []byte) bool {
	switch n := len(m.members); n {
	case 12:
		for _, c := range m.members {
			if !isDataName(c.name) {
				return false
			}
		}
		return isDataName(string(name))
	case 64, 128, 256, 512:
		objects := m.count(transform.ValueObject)
		if objects < 8 {
			return false
		}
		rare := 0
		for _, c := range m.members {
			if 10*(c.total()+c.nulls) < objects {
				rare++
			}
		}
		return 4*rare >= 3*n
	}
	return false
}

// isDataName tells whether a name looks like a number, a date or an
// identifier.
func isDataName(name string) bool {
	digits, hex := 0, 0
	for i := range len(name) {
		switch c := name[i]; {
		case c-'0' <= 9:
			digits++
		case (c|0x20)-'a' <= 5 || c == '-':
			hex++
		}
	}
	return digits > 0 && 4*(digits+hex) >= 3*len(name)
}

// collapse makes one member of all members of m.
func (s *Survey) collapse(m *member) {
	old := m.members
	m.members, m.index = nil, nil
	star := s.add(m, anyName)
	m.asData = true
	for _, c := range old {
		m.names.sketch(hashText([]byte(c.name)))
		s.absorb(star, c, 0)
		s.paths -= c.paths()
	}
	m.scope.renew()
}

// paths counts the paths at and below m.
func (m *member) paths() int {
	n := 1
	for _, c := range m.members {
		n += c.paths()
	}
	if m.elem != nil {
		n += m.elem.root.paths()
	}
	return n
}

// distinctNames estimates how many names there were, from how densely their
// smallest hashes lie (Bar-Yossef and others, Counting distinct elements in a
// data stream, 2002).
func (m *member) distinctNames() int64 {
	n := len(m.names.hashes)
	if n < maxHashes {
		return int64(n)
	}
	return int64(float64(n-1) / (float64(m.names.hashes[n-1]) / (1 << 64)))
}

// absorb adds all that is known of o to m, whose events are those before
// o's, which are numbered from shift on.
func (s *Survey) absorb(m, o *member, shift int64) {
	o.into = m
	m.nulls += o.nulls
	m.crowded = m.crowded || o.crowded
	for i := range o.kinds {
		m.kind(o.kinds[i].kind).eras.merge(&o.kinds[i].eras, shift)
	}
	m.values.merge(&o.values)
	if o.elem != nil {
		if m.elem == nil {
			m.elem = s.newScope(m)
		}
		s.absorbScope(m.elem, o.elem, shift)
	}
	if o.asData && !m.asData {
		s.collapse(m)
	}
	for _, h := range o.names.hashes {
		m.names.sketch(h)
	}
	hint := 0
	for _, c := range o.members {
		if m.asData && !o.asData {
			m.names.sketch(hashText([]byte(c.name)))
		}
		mine := s.child(m, []byte(c.name), &hint)
		if mine == nil {
			c.forget()
			continue
		}
		s.absorb(mine, c, shift)
	}
}

// forget says of a member and those below it that none stands for them.
func (m *member) forget() {
	m.scope = nil
	for _, c := range m.members {
		c.forget()
	}
}
