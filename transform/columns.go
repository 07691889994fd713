package transform

import (
	"fmt"
	"slices"
	"strings"

	"backstory/source"
)

// A columnsBuilder adds the columns to a table that a shape asks for. Its
// rules are the other half of flatten.go: a value is new there exactly if it
// makes a change here.
type columnsBuilder struct {
	options *Options
	policy  *policy
	table   *Table
	// elsewhere are the members that stand in the envelope or in tables of
	// their own.
	elsewhere []source.Path
	meta      bool // at work on the metadata, not on the payload
	names     names
	have      map[string]int  // columns by pathKey
	above     map[string]bool // by pathKey, whether members below have a place of their own
	changed   bool
}

func (cb *columnsBuilder) begin() {
	cb.have, cb.above = make(map[string]int), make(map[string]bool)
	if p := cb.table.Partition; p != ByNone {
		cb.names.reserve(p.Column())
	}
	for i, c := range cb.table.Columns {
		cb.names.reserve(c.Name)
		if c.Path != nil {
			cb.have[pathKey(c.Meta, c.Path)] = i
			cb.note(c.Meta, c.Path)
		}
	}
	for _, p := range cb.elsewhere {
		cb.note(p.Meta, p.Names)
	}
	cb.policy.data.above(nil, func(path []string) { cb.above[pathKey(false, path)] = true })
	cb.policy.meta.above(nil, func(path []string) { cb.above[pathKey(true, path)] = true })
}

// note marks what lies above a path.
func (cb *columnsBuilder) note(meta bool, path []string) {
	for n := 1; n < len(path); n++ {
		cb.above[pathKey(meta, path[:n])] = true
	}
}

// pathKey makes a path comparable.
func pathKey(meta bool, path []string) string { return fmt.Sprintf("%t%q", meta, path) }

// object adds the columns of an object's members.
func (cb *columnsBuilder) object(m *member, path []string) {
	for _, c := range m.members {
		cb.member(c, append(path[:len(path):len(path)], c.name))
	}
}

// elementMember is the name under which an exploded list's elements that are
// no objects stand among a child table's columns.
const elementMember = "value"

// elements adds the columns of an exploded list's elements.
func (cb *columnsBuilder) elements(m *member) {
	if t, ok := m.scalar(); ok {
		path := []string{elementMember}
		switch at(&cb.policy.data, path) {
		case asColumn:
			cb.column(m, path, t)
		case asMasked:
			cb.masked(m, path, !cb.above[pathKey(false, path)])
		}
	}
	cb.object(m, nil)
}

// member adds what one member asks for.
func (cb *columnsBuilder) member(m *member, path []string) {
	if slices.ContainsFunc(cb.elsewhere, func(p source.Path) bool { return p.Meta == cb.meta && slices.Equal(p.Names, path) }) {
		return
	}
	if n := at(cb.rules(), path); n != asColumn {
		cb.held(m, path, n)
		return
	}
	key := pathKey(cb.meta, path)
	whole := m.crowded || cb.options.Nested && !cb.above[key] && !cb.declaredBelow(path) // an object is one value
	if i, ok := cb.have[key]; ok {
		c := &cb.table.Columns[i]
		if within(cb.rules(), path) == asColumn {
			cb.grow(c, m)
		}
		if !c.closed() && m.hasMembers() && whole {
			cb.close(c)
		}
		if c.closed() {
			return
		}
	}
	declared, isDeclared := cb.declared(path)
	t, ok := m.scalar()
	switch {
	case isDeclared:
		cb.column(m, path, declared)
	case m.crowded:
		cb.column(m, path, Type{Kind: JSON})
	case m.hasMembers() && whole:
		cb.column(m, path, m.element())
	case m.hasMembers():
		if ok {
			cb.column(m, path, t)
		}
		cb.object(m, path)
	case ok:
		cb.column(m, path, t)
	case m.empty > 0 && !cb.above[key]:
		cb.column(m, path, Type{Kind: JSON})
	}
}

// rules are what is said of new members of the payload, or of the metadata.
func (cb *columnsBuilder) rules() *policyNode {
	if cb.meta {
		return &cb.policy.meta
	}
	return &cb.policy.data
}

// held adds what a member asks for where it may not have a column as others
// have it. Members below may.
func (cb *columnsBuilder) held(m *member, path []string, n newness) {
	key := pathKey(cb.meta, path)
	i, have := cb.have[key]
	switch {
	case have && cb.table.Columns[i].closed():
		return
	case have && n == asMasked && m.crowded:
		cb.close(&cb.table.Columns[i])
		return
	case have:
	case n == asMasked && (m.crowded || !cb.above[key]):
		if m.hasContent() {
			cb.masked(m, path, true)
		}
		return
	case n == asMasked:
		if _, ok := m.scalar(); ok {
			cb.masked(m, path, false)
		}
	case !cb.above[key]:
		return
	}
	cb.object(m, path)
}

// masked adds a column of masked text, which takes objects too if it is closed.
func (cb *columnsBuilder) masked(m *member, path []string, closed bool) {
	cb.add(m, path, Column{Type: Type{Kind: String}, Encoding: Plain, Masked: true, Closed: closed})
}

// declared gives the type that config declares for a path of the payload.
func (cb *columnsBuilder) declared(path []string) (Type, bool) {
	if cb.meta || cb.table.Explode != nil {
		return Type{}, false
	}
	t, ok := cb.options.Types[cb.table.Event][pathText(path)]
	return t, ok
}

// declaredBelow tells whether config declares the type of a member below a path.
func (cb *columnsBuilder) declaredBelow(path []string) bool {
	if cb.meta || cb.table.Explode != nil {
		return false
	}
	prefix := pathText(path) + "."
	for p := range cb.options.Types[cb.table.Event] {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

// full tells whether the table takes no more columns.
func (cb *columnsBuilder) full() bool { return len(cb.table.Columns) >= cb.options.MaxColumns }

// grow gives the structs of a column fields for the members they lack.
func (cb *columnsBuilder) grow(c *Column, m *member) {
	if cb.full() {
		return
	}
	if t, grown := c.Type.grow(m); grown {
		c.Type = t
		cb.changed = true
	}
}

// close makes an end of members of objects having columns of their own.
func (cb *columnsBuilder) close(c *Column) {
	if !cb.full() {
		c.Closed = true
		cb.changed = true
	}
}

// column adds a column of a type.
func (cb *columnsBuilder) column(m *member, path []string, t Type) {
	_, isDeclared := cb.declared(path)
	cb.add(m, path, Column{Type: t, Encoding: m.encoding(t), Marker: m.marker, Declared: isDeclared, Closed: isDeclared})
}

// add adds a column, unless the path has one or there are too many.
func (cb *columnsBuilder) add(m *member, path []string, c Column) {
	key := pathKey(cb.meta, path)
	if _, ok := cb.have[key]; ok || cb.full() {
		return
	}
	name := columnName(strings.Join(path, "_"))
	alternative := "data_" + name
	if cb.meta {
		name, alternative = "meta_"+name, "data_meta_"+name
	}
	c.Name, c.Path, c.Meta, c.Since = cb.names.pick(name, alternative), slices.Clone(path), cb.meta, m.first
	last := len(cb.table.Columns) - 1 // _extra stays last
	cb.table.Columns = slices.Insert(cb.table.Columns, last, c)
	cb.have[key] = last
	cb.note(cb.meta, path)
	cb.changed = true
}
