package transform

// A binding says what becomes of the member of an object with that name.
type binding struct {
	name string
	// column is the index of the column that takes the value, or -1.
	column int
	// whole says that the column takes objects as they are, as a struct or as
	// JSON text; else the members of an object have bindings of their own.
	whole bool
	// skip says that the value stands in the envelope.
	skip bool
	// exploded is the place among the exploded lists of the list whose
	// elements become rows of a table of their own, or -1.
	exploded int
	// closed says that unknown members are not worth columns of their own.
	closed bool

	members []binding
	index   map[string]int
}

// add gives the binding of a member, which it makes if there is none. The
// pointer is valid until the next add.
func (b *binding) add(name string) *binding {
	if i, ok := b.index[name]; ok {
		return &b.members[i]
	}
	if b.index == nil {
		b.index = make(map[string]int)
	}
	b.index[name] = len(b.members)
	b.members = append(b.members, binding{name: name, column: -1, exploded: -1})
	return &b.members[len(b.members)-1]
}

// at gives the binding at a path, which it makes if there is none.
func (b *binding) at(path []string) *binding {
	for _, name := range path {
		b = b.add(name)
	}
	return b
}

// find gives the binding of a member or nil. Members mostly come in the same
// order again and again: hint is where the next one is looked for first.
func (b *binding) find(name []byte, hint *int) *binding {
	if i := *hint; i < len(b.members) && b.members[i].name == string(name) {
		*hint = i + 1
		return &b.members[i]
	}
	i, ok := b.index[string(name)]
	if !ok {
		return nil
	}
	*hint = i + 1
	return &b.members[i]
}

// each calls fn for the binding of every member below b.
func (b *binding) each(fn func(*binding)) {
	for i := range b.members {
		fn(&b.members[i])
		b.members[i].each(fn)
	}
}

// bindings are what becomes of the payloads of one event type.
type bindings struct{ data, meta binding }

// bind makes the bindings of a table. Lifted members and exploded lists are
// those of the event's own table; the table of an exploded list has none.
func bind(t *Table, o Options, l lifted) bindings {
	var b bindings
	root := func(meta bool) *binding {
		if meta {
			return &b.meta
		}
		return &b.data
	}
	for i, c := range t.Columns {
		if c.Path == nil {
			continue
		}
		m := root(c.Meta).at(c.Path)
		m.column = i
		m.closed = c.Type.Kind == JSON || c.Type.Kind == Struct
	}
	for _, r := range []*binding{&b.data, &b.meta} {
		r.each(func(m *binding) { m.whole = m.closed && len(m.members) == 0 })
	}
	if len(t.Columns) >= o.MaxColumns {
		for _, r := range []*binding{&b.data, &b.meta} {
			r.closed = true
			r.each(func(m *binding) { m.closed = true })
		}
	}
	if t.Explode != nil {
		return b
	}
	for path := range o.Types[t.Event] {
		b.data.each(func(m *binding) {
			if m.column >= 0 && pathText(t.Columns[m.column].Path) == path {
				m.closed = true
			}
		})
	}
	for _, p := range l.paths {
		root(p.Meta).at(p.Names).skip = true
	}
	for i, p := range o.Explode[t.Event] {
		b.data.at(p).exploded = i
	}
	return b
}

// skips tells whether a member of the payload stands in the envelope.
func (b *binding) skips(name []byte) bool {
	i, ok := b.index[string(name)]
	return ok && b.members[i].skip
}
