package survey

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A match is two fields of which one ends where the other begins.
type match struct {
	a, b  *field
	runs  []run
	score float64
	same  float64 // of the values, by estimate
}

// matches gives the pairs of fields of which one ends where the other begins,
// each field once, in its best pair.
func matches(in placed) []match {
	fields := slices.DeleteFunc(in.candidates(), func(f *field) bool { return f.slot < 0 || f.total() < minRun || f.class() == noClass })
	var all []match
	for i, a := range fields {
		for _, b := range fields[i+1:] {
			if a.class() == b.class() && in.exclude(a.member, b.member) {
				if m, ok := matchOf(a, b); ok {
					all = append(all, m)
				}
			}
		}
	}
	// An object goes before the fields in it.
	slices.SortStableFunc(all, func(x, y match) int {
		return cmp.Or(cmp.Compare(y.a.class(), x.a.class()), cmp.Compare(y.score, x.score))
	})
	var chosen []match
	for _, m := range all {
		if !slices.ContainsFunc(chosen, func(c match) bool { return m.touches(c) }) {
			chosen = append(chosen, m)
		}
	}
	return chosen
}

// candidates are the fields, and the objects around them.
func (sc *scope) candidates() []*field {
	fields := sc.fields()
	for _, m := range sc.slots {
		if m.into == nil && !m.lifted && m.class() == objectClass && len(m.members) > 0 && !m.asData {
			path := m.path()
			fields = append(fields, &field{member: m, names: path, path: pathText(path), rate: m.rate()})
		}
	}
	return fields
}

// touches tells whether two matches have fields in common, or fields of
// objects.
func (m match) touches(o match) bool {
	for _, x := range []*field{m.a, m.b} {
		for _, y := range []*field{o.a, o.b} {
			if x.within(y.member) || y.within(x.member) {
				return true
			}
		}
	}
	return false
}

func (m *member) within(o *member) bool {
	for ; m != nil; m = m.parent {
		if m == o {
			return true
		}
	}
	return false
}

func matchOf(a, b *field) (match, bool) {
	ea, eb := a.eras(), b.eras()
	rs, widest := runs(ea, eb)
	if len(rs) < 2 || len(rs) > maxRuns {
		return match{}, false
	}
	spanA, spanB := territories(rs)
	if !clustered(ea.count, eb.count, len(rs)) || unlikely(ea.count, spanA, spanB) < surely || unlikely(eb.count, spanB, spanA) < surely {
		return match{}, false
	}
	// One begins where the other ends: in between there are no more events
	// than usual without either.
	usual := float64(spanA)/float64(ea.count) + float64(spanB)/float64(eb.count)
	if float64(widest) > 8*usual {
		return match{}, false
	}
	m := match{a: a, b: b, runs: rs}
	m.score, m.same = alike(a, b)
	return m, m.score >= likely
}

// likely is the score from which two fields are taken for one.
const likely = 2.5

// alike scores how much two fields look like one under two names, and gives
// about how many of their values are the same.
func alike(a, b *field) (score, same float64) {
	if a.parent == b.parent || slices.Equal(a.names[:len(a.names)-1], b.names[:len(b.names)-1]) {
		score++
	}
	score += 3 * sameName(a.name, b.name)
	switch a.class() {
	case objectClass:
		score += 4 * sameNames(a.member, b.member)
	case textClass:
		same = a.values.overlap(&b.values)
		score += 1.5*a.values.alike(&b.values) + 2*same
	case numberClass:
		same = a.values.overlap(&b.values)
		score += 2 * same
	case listClass:
		if a.elem != nil && b.elem != nil {
			same = a.elem.root.values.overlap(&b.elem.root.values)
			score += 2*same + 3*sameNames(a.elem.root, b.elem.root)
		}
	}
	return score, same
}

// sameNames is how many of the members of two objects have the same names,
// from 0 to 1.
func sameNames(a, b *member) float64 {
	both := 0
	for _, c := range a.members {
		if _, ok := b.index[c.name]; ok {
			both++
		}
	}
	if all := max(len(a.members), len(b.members)); all > 0 {
		return float64(both) / float64(all)
	}
	return 0
}

// sameName scores how alike two names are, from 0 to 1.
func sameName(a, b string) float64 {
	if len(a) > len(b) {
		a, b = b, a
	}
	a, b = plainName(a), plainName(b)
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	case a[0] == b[0] && isSubsequence(a, b):
		return 0.8 // qty, quantity
	case strings.Contains(b, a):
		return 0.7
	}
	return 0
}

func plainName(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name))
}

func isSubsequence(a, b string) bool {
	for i := range len(b) {
		if len(a) > 0 && a[0] == b[i] {
			a = a[1:]
		}
	}
	return a == ""
}

// renames looks for fields that were renamed within a version, for those that
// begin or end within it, and for those that exclude each other.
func (a *analysis) renames(t *eventType, g *group, in placed) {
	found := matches(in)
	for _, m := range found {
		a.renamedField(t, g, in, m)
	}
	taken := func(f *field) bool {
		return slices.ContainsFunc(found, func(m match) bool { return f.within(m.a.member) || f.within(m.b.member) })
	}
	fields := slices.DeleteFunc(in.candidates(), taken)
	a.shifts(g, in, fields)
	a.alternatives(g, in, fields)
}

func (a *analysis) renamedField(t *eventType, g *group, in placed, m match) {
	right, wrong := m.a, m.b
	last := m.runs[len(m.runs)-1]
	if last.second {
		right, wrong = wrong, right
	}
	if known(t, g, wrong.name) && !known(t, g, right.name) {
		right, wrong = wrong, right
	}
	if a.renamed == nil {
		a.renamed = make(map[*member]*field)
	}
	a.renamed[wrong.member] = right
	var shown []Evidence
	var stretches []string
	for _, r := range m.runs {
		f := m.a
		if r.second {
			f = m.b
		}
		shown = append(shown, evidence(in.show(f.path), r.era))
		if f == wrong {
			stretches = append(stretches, fmt.Sprintf("from %s to %s", r.first.shown(), r.last.shown()))
		}
	}
	every := "never both"
	if m.a.total()+m.b.total() == in.instances {
		every += ", and each has one"
	}
	if m.same > 0 {
		every += "; " + m.shared()
	}
	a.find(Renamed, g, []string{in.show(right.path), in.show(wrong.path)}, shown,
		"%s was written as %s %s, without a new version: %s",
		in.show(right.path), in.show(wrong.path), strings.Join(stretches, " and "), every)
	a.suggestRepair(g, in, right, wrong, m)
}

// shared says how many of their values two fields share.
func (m match) shared() string {
	if m.same > 0.95 {
		return "nearly all values of one were seen in the other"
	}
	return fmt.Sprintf("about %.0f %% of the values of one were seen in the other", 100*m.same)
}

// known tells whether another version of the type has a field of that name.
func known(t *eventType, g *group, name string) bool {
	return slices.ContainsFunc(t.groups, func(o *group) bool {
		return o != g && slices.ContainsFunc(o.data.fields(), func(f *field) bool { return f.name == name })
	})
}
