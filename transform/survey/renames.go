package survey

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A run is a stretch of a history that belongs to one of two fields.
type run struct {
	second bool
	era
}

// Bounds of what is taken for a change and not for chance.
const (
	minRun = 3 // events
	// surely is how unlikely chance must be: e to the minus 16th, since many
	// pairs are looked at.
	surely  = 16
	maxRuns = 8
	// mixed is how much of two eras may overlap: while a new version of a
	// program is rolled out, old and new ones write side by side.
	mixed = 0.1
)

// runs puts the eras of two fields in order, or gives nil where they overlap,
// and the widest stretch without either.
func runs(a, b *eras) (_ []run, widest int64) {
	var overlap int64
	for _, x := range a.list {
		for _, y := range b.list {
			overlap += max(min(x.to, y.to)-max(x.from, y.from)+1, 0)
		}
	}
	if float64(overlap) > mixed*float64(min(a.span(), b.span())) {
		return nil, 0
	}
	var all []run
	for _, e := range a.list {
		all = append(all, run{false, e})
	}
	for _, e := range b.list {
		all = append(all, run{true, e})
	}
	slices.SortStableFunc(all, func(x, y run) int { return cmp.Compare(x.from, y.from) })
	// What is left of mixing are small runs between large ones.
	small := func(r run) bool {
		of := a.count
		if r.second {
			of = b.count
		}
		return 50*r.count < of
	}
	all = joinRuns(all)
	for i := range len(all) - 1 {
		widest = max(widest, all[i+1].from-all[i].to)
	}
	return joinRuns(slices.DeleteFunc(all, small)), widest
}

func joinRuns(all []run) []run {
	out := all[:0]
	for _, r := range all {
		if n := len(out); n > 0 && out[n-1].second == r.second {
			out[n-1].era = join(out[n-1].era, r.era)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// unlikely is how unlikely it is by chance that something which was seen
// count times in span events is missing in so many others, as a logarithm.
func unlikely(count, span, others int64) float64 {
	rate := float64(count) / float64(span+1) // of few events, little is known
	return float64(others) * -math.Log1p(-min(rate, 1-1e-9))
}

// territories divides the events that runs cover among the two fields: a run
// reaches half way to the next.
func territories(rs []run) (first, second int64) {
	from := rs[0].from
	for i, r := range rs {
		to := r.to + 1
		if i+1 < len(rs) {
			to += (rs[i+1].from - to) / 2
		}
		if r.second {
			second += max(to-from, 0)
		} else {
			first += max(to-from, 0)
		}
		from = max(to, from)
	}
	return first, second
}

// clustered tells whether so few runs are no chance, were a and b events of
// two kinds thrown together (Wald and Wolfowitz, On a test whether two samples
// are from the same population, 1940).
func clustered(a, b int64, runs int) bool {
	x, y := float64(a), float64(b)
	n, pairs := x+y, 2*x*y
	mean := pairs/n + 1
	deviation := math.Sqrt(pairs * (pairs - n) / (n * n * (n - 1)))
	return mean-float64(runs) >= 4*deviation
}

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

// shifts looks for fields that most events have from some place on, or up to
// some place.
func (a *analysis) shifts(g *group, in placed, fields []*field) {
	for _, f := range fields {
		e := f.eras()
		if f.total() < minRun || f.parent == nil || f.parent.parent != nil || in.instances < g.events || len(in.lists) > 0 {
			continue
		}
		from, to := e.list[0].from, e.list[len(e.list)-1].to
		if moved(e.count, to-from+1, from-1) {
			a.find(Shifted, g, []string{in.show(f.path)}, []Evidence{evidence(in.show(f.path), e.list[0])},
				"%s begins at %s, %d events into the version", in.show(f.path), e.first(), from-1)
		}
		if moved(e.count, to-from+1, g.events-to) {
			a.find(Shifted, g, []string{in.show(f.path)}, []Evidence{evidence(in.show(f.path), e.list[len(e.list)-1])},
				"%s ends at %s; %d events of the version come behind it", in.show(f.path), e.last(), g.events-to)
		}
	}
}

// moved tells whether it is no chance that something which was seen count
// times in span events is missing in all others: for something that comes now
// and then, that all of it fell among those; for what nearly all of them have,
// that the others have it not.
func moved(count, span, others int64) bool {
	all := float64(span + others)
	if float64(count)*math.Log(all/float64(span)) >= surely {
		return true
	}
	return count >= 50 && 10*count >= 9*span && unlikely(count, span, others) >= surely
}

// alternatives looks for fields that are there side by side in time and never
// together: one version with two shapes.
func (a *analysis) alternatives(g *group, in placed, fields []*field) {
	const most = 5
	found := 0
	for i, x := range fields {
		for _, y := range fields[i+1:] {
			if x.parent != y.parent || x.slot < 0 || y.slot < 0 || !in.exclude(x.member, y.member) || x.total() < 20 || y.total() < 20 {
				continue
			}
			n, of := x.total()+y.total(), x.of()
			byChance := float64(x.total()) * float64(y.total()) / float64(of)
			if 100*n < 99*of || byChance < surely || found == most || x.parent.asData {
				continue
			}
			found++
			ex, ey := x.eras(), y.eras()
			a.find(Alternative, g, []string{in.show(x.path), in.show(y.path)},
				[]Evidence{whole(in.show(x.path), ex), whole(in.show(y.path), ey)},
				"two shapes in one version: each has %s or %s, never both", in.show(x.path), in.show(y.path))
		}
	}
}

// whole is all eras as evidence.
func whole(what string, e *eras) Evidence {
	return Evidence{what, e.count, e.first(), e.last()}
}
