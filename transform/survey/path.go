package survey

import (
	"slices"
	"strings"

	"backstory/transform"
)

// A field is a member that may hold values of its own: all but objects whose
// members are fields.
type field struct {
	*member
	names []string
	path  string // as rules write it, seen from its scope
	rate  float64
}

// fields gives the fields of a scope, in the order in which they were found.
func (sc *scope) fields() []*field {
	var all []*field
	collect(sc.root, nil, &all)
	return all
}

func collect(m *member, names []string, all *[]*field) {
	for _, c := range m.members {
		if c.lifted || c.into != nil {
			continue
		}
		own := append(slices.Clone(names), c.name)
		objects := c.count(transform.ValueObject)
		if len(c.kinds) != 1 || objects == 0 || len(c.members) == 0 || c.asData {
			*all = append(*all, &field{member: c, names: own, path: pathText(own), rate: c.rate()})
		}
		if !c.asData {
			collect(c, own, all)
		}
	}
}

// rate is in how many of the objects that could hold it a member was more
// than null, from 0 to 1.
func (m *member) rate() float64 {
	if of := m.of(); of > 0 {
		return float64(m.total()) / float64(of)
	}
	return 0
}

// of is how many objects could hold the member.
func (m *member) of() int64 {
	if m.parent == nil {
		return m.scope.instances
	}
	return m.parent.count(transform.ValueObject)
}

// pathText writes a path as rules do: dots between names, quotes around odd
// ones.
func pathText(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteByte('.')
		}
		first := i == 0 && (name == "data" || name == "meta" || name == "$")
		if first || name == "" || strings.ContainsAny(name, `.[]"`) || strings.TrimSpace(name) != name {
			b.WriteString(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`)
		} else {
			b.WriteString(name)
		}
	}
	return b.String()
}

// A placed is a scope and where its paths begin.
type placed struct {
	*scope
	prefix string   // in front of its paths, as people read them: "", "meta." or "lines[]."
	lists  []string // the paths of the lists that lead to it, one below the other
	ofMeta bool     // it is of the metadata
}

// show writes a path of the scope for people.
func (p placed) show(path string) string {
	if path == "" {
		return strings.TrimSuffix(p.prefix, ".")
	}
	return p.prefix + path
}

// scopes gives the scopes of a group: payload, metadata and what lists hold.
func (g *group) scopes() []placed {
	all := []placed{{scope: g.data}}
	if g.meta != nil {
		all = append(all, placed{scope: g.meta, prefix: "meta.", ofMeta: true})
	}
	for i := 0; i < len(all); i++ {
		in := all[i]
		if e := in.root.elem; e != nil {
			all = append(all, placed{e, in.show("") + "[].", append(slices.Clone(in.lists), "$"), in.ofMeta})
		}
		for _, f := range in.fields() {
			if f.elem != nil {
				all = append(all, placed{f.elem, in.show(f.path) + "[].", append(slices.Clone(in.lists), f.path), in.ofMeta})
			}
		}
	}
	return all
}
