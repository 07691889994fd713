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
	// closed says that unknown members are not worth columns of their own,
	// sealed that nothing here makes a change to the table's columns: an
	// object above is closed, or the table is full.
	closed, sealed bool

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
	b.members = append(b.members, binding{name: name, column: -1, exploded: -1, closed: b.closed, sealed: b.closed})
	return &b.members[len(b.members)-1]
}

// at gives the binding at a path, which it makes if there is none.
func (b *binding) at(path []string) *binding {
	for _, name := range path {
		b = b.add(name)
	}
	return b
}

// keepApart sees to it that an object is flattened member by member, unless it is
// closed.
func (b *binding) keepApart(path []string) {
	for _, name := range path {
		if b.closed {
			return
		}
		b = b.add(name)
	}
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

// bindings are what becomes of the payloads of one event type.
type bindings struct{ data, meta binding }

// bind makes the bindings of a table. Lifted members and exploded lists are
// those of the event's own table; the table of an exploded list has none,
// and is sealed if its event's table closes an object above the list.
func bind(t *Table, o Options, p *policy, l lifted, sealed bool) bindings {
	b := bindings{data: binding{column: -1}, meta: binding{column: -1}}
	root := func(meta bool) *binding {
		if meta {
			return &b.meta
		}
		return &b.data
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Path != nil {
			m := root(c.Meta).at(c.Path)
			m.column, m.closed = i, c.closed()
		}
	}
	p.data.above(nil, func(path []string) { b.data.keepApart(path) })
	p.meta.above(nil, func(path []string) { b.meta.keepApart(path) })
	sealed = sealed || len(t.Columns) >= o.MaxColumns
	for _, r := range []*binding{&b.data, &b.meta} {
		r.finish(t, sealed)
	}
	if t.Explode != nil {
		return b
	}
	for _, p := range l.paths {
		root(p.Meta).at(p.Names).skip = true
	}
	for i, p := range o.Explode[t.Event] {
		b.data.at(p).exploded = i
	}
	return b
}

// finish settles what follows from the columns alone, from the root down.
func (b *binding) finish(t *Table, sealed bool) {
	b.sealed = sealed
	b.closed = b.closed || sealed
	if b.column >= 0 && len(b.members) == 0 {
		c := &t.Columns[b.column]
		b.whole = c.Type.Kind == JSON || c.Type.Kind == Struct || c.Masked && c.Closed
	}
	for i := range b.members {
		b.members[i].finish(t, b.closed)
	}
}

// skips tells whether a member of the payload stands in the envelope.
func (b *binding) skips(name []byte) bool {
	i, ok := b.index[string(name)]
	return ok && b.members[i].skip
}
