package survey

import "math"

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
