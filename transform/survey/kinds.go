package survey

import (
	"fmt"
	"strings"

	"backstory/transform"
)

// kinds looks for paths with values of different kinds.
func (a *analysis) kinds(g *group, in placed) {
	fields := in.fields()
	if in.prefix != "" || len(in.root.kinds) > 1 {
		fields = append(fields, &field{member: in.root})
	}
	for _, f := range fields {
		if len(f.kinds) < 2 {
			continue
		}
		path := in.show(f.path)
		if path == "" {
			path = "the payload"
		}
		var shown []Evidence
		var parts []string
		for i := range f.kinds {
			k := &f.kinds[i]
			shown = append(shown, whole(k.kind.String(), &k.eras))
			parts = append(parts, fmt.Sprintf("%s in %d", k.kind, k.eras.count))
		}
		if f.class() == numberClass || f.class() == textClass {
			a.find(Numbers, g, []string{path}, shown, "%s is %s", path, strings.Join(parts, ", "))
			continue
		}
		text := fmt.Sprintf("%s is %s", path, strings.Join(parts, ", "))
		if len(f.kinds) == 2 {
			if rs, _ := runs(&f.kinds[0].eras, &f.kinds[1].eras); len(rs) >= 2 && len(rs) <= maxRuns {
				text = path + " is " + stretches(f, rs)
			}
		}
		a.find(KindsDiffer, g, []string{path}, shown, "%s", text)
	}
}

// stretches says which kind was there from where to where.
func stretches(f *field, rs []run) string {
	var parts []string
	for _, r := range rs {
		k := f.kinds[0].kind
		if r.second {
			k = f.kinds[1].kind
		}
		parts = append(parts, fmt.Sprintf("%s from %s to %s", k, r.first.shown(), r.last.shown()))
	}
	return strings.Join(parts, ", ")
}

// enough is how many events there must be to say that a field is almost never
// there, or always the same.
const enough = 100

// rarities looks for fields that are almost always null or absent, that never
// vary, and whose names are data.
func (a *analysis) rarities(g *group, in placed) {
	var sparse, constant []string
	for _, f := range in.fields() {
		path := in.show(f.path)
		switch of := f.of(); {
		case f.asData:
			a.find(NamesAsData, g, []string{path}, nil, "the member names of %s are data: about %d of them", path, f.distinctNames())
		case of >= enough && 100*f.total() <= of && !under(f.member):
			sparse = append(sparse, fmt.Sprintf("%s (%d of %d)", path, f.total(), of))
		case f.values.seen >= enough && !f.values.varied && len(f.kinds) == 1 && f.kinds[0].kind != transform.ValueArray:
			shown := string(f.values.only)
			if a.personal[f.member] != "" {
				shown = masked(shown)
			}
			constant = append(constant, fmt.Sprintf("%s (%s)", path, clip(shown)))
		}
	}
	if sparse != nil {
		a.find(Sparse, g, names(sparse), nil, "almost always null or absent: %s", strings.Join(sparse, ", "))
	}
	if constant != nil {
		a.find(Constant, g, names(constant), nil, "always the same: %s", strings.Join(constant, ", "))
	}
}

// names takes what stands in brackets off again.
func names(shown []string) []string {
	var all []string
	for _, s := range shown {
		all = append(all, s[:strings.LastIndex(s, " (")])
	}
	return all
}

// under tells whether a member stands below names that are data.
func under(m *member) bool {
	for ; m != nil; m = m.parent {
		if m.asData || m.name == anyName && m.parent != nil && m.parent.asData {
			return true
		}
	}
	return false
}

// clip shortens a value for a line of text.
func clip(s string) string {
	const most = 24
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
