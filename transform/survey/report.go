package survey

import (
	"cmp"
	"slices"

	"backstory/transform"
)

// Report is what a survey found, without a value of a field that looks
// personal.
type Report struct {
	Events int64 `json:"events"`
	// Failed counts the events that could not be opened.
	Failed      int64  `json:"failed,omitzero"`
	FirstFailed string `json:"first_failed,omitzero"`
	// Passed counts the events of types beyond the bounds, which are in
	// nothing else here.
	Passed    int64      `json:"passed,omitzero"`
	Findings  []Finding  `json:"findings"`
	Types     []Type     `json:"types"`
	Upcasters []Upcaster `json:"upcasters,omitempty"`
}

// Type is what was found of an event type.
type Type struct {
	Event    string    `json:"event"`
	Events   int64     `json:"events"`
	Versions []Version `json:"versions"`
}

// Version is what was found of the events of one type and schema version, as
// they are stored.
type Version struct {
	Version int   `json:"schema_version"`
	Events  int64 `json:"events"`
	First   Place `json:"first"`
	Last    Place `json:"last"`
	// Shapes are those of the payload, the commonest first, and behind them
	// those of metadata and of what lists hold.
	Shapes []Shape `json:"shapes"`
	Fields []Field `json:"fields"`
	// Crowded says that there are more paths, which are beyond the bounds.
	Crowded bool `json:"crowded,omitzero"`
}

// Shape is a set of paths, with the kind of value at each. Where a path has
// values of several kinds, its shapes tell numbers, texts and the rest apart.
type Shape struct {
	// Of is where the shape is: "" for the payload, meta, or a list such as
	// lines[].
	Of string `json:"of,omitzero"`
	// Paths are written path: kind. Lists have shapes of their own.
	Paths []string `json:"paths,omitempty"`
	// Pooled says that this is all shapes beyond the bounds together.
	Pooled bool `json:"pooled,omitzero"`
	// Count is how many events or elements are of the shape.
	Count int64 `json:"count"`
	First Place `json:"first"`
	Last  Place `json:"last"`
}

// Field is what was found at one path.
type Field struct {
	Path  string `json:"path"`
	Kinds []Kind `json:"kinds"`
	// Of is how many objects could hold it: Nulls of them held null, and
	// Absent nothing.
	Of     int64 `json:"of"`
	Nulls  int64 `json:"nulls,omitzero"`
	Absent int64 `json:"absent,omitzero"`
	// Names is about how many names were found, where names are data.
	Names int64 `json:"names,omitzero"`
	// Personal says why the field is likely to be personal.
	Personal string `json:"personal,omitzero"`
}

// Kind is a kind of value and where it was found.
type Kind struct {
	Kind  string `json:"kind"`
	Count int64  `json:"count"`
	First Place  `json:"first"`
	Last  Place  `json:"last"`
}

// Options are what a report needs to know besides the survey.
type Options struct {
	// Ends are the schema versions that upcasting ends at, by event type.
	Ends map[string]int
	// Repaired are the versions that there are repairs for already, by event
	// type: for them, none is suggested.
	Repaired map[string][]int
}

// Report makes the report. The survey does not change.
func (s *Survey) Report(o Options) *Report {
	r := &Report{Events: s.events, Failed: s.failed, Passed: s.passed, Findings: []Finding{}, Types: []Type{}}
	if s.firstError != nil {
		r.FirstFailed = s.firstError.Error()
	}
	a := &analysis{options: o, types: s.sorted()}
	for _, t := range a.types {
		a.examine(t)
		shown := Type{Event: t.event, Events: t.events}
		for _, g := range t.groups {
			shown.Versions = append(shown.Versions, a.version(g))
		}
		r.Types = append(r.Types, shown)
	}
	a.suffixes()
	a.suggest()
	r.Findings = append(r.Findings, a.findings...)
	slices.SortStableFunc(r.Findings, func(x, y Finding) int { return cmp.Compare(rank[x.Kind], rank[y.Kind]) })
	r.Upcasters = a.upcasters
	return r
}

func (a *analysis) version(g *group) Version {
	v := Version{Version: g.version, Events: g.events, First: g.eras.first(), Last: g.eras.last(), Shapes: []Shape{}, Fields: []Field{}}
	for _, in := range g.scopes() {
		v.Crowded = v.Crowded || in.root.anyCrowded()
		v.Shapes = append(v.Shapes, in.shownShapes()...)
		if kinds := in.root.kinds; len(kinds) != 1 || kinds[0].kind != transform.ValueObject {
			v.Fields = append(v.Fields, a.field(g, in, &field{member: in.root}))
		}
		for _, f := range in.fields() {
			v.Fields = append(v.Fields, a.field(g, in, f))
		}
	}
	return v
}

// anyCrowded tells whether members of m, or below it, were passed over.
func (m *member) anyCrowded() bool {
	return m.crowded || slices.ContainsFunc(m.members, (*member).anyCrowded)
}

func (a *analysis) field(g *group, in placed, f *field) Field {
	out := Field{Path: cmp.Or(in.show(f.path), "$"), Of: f.of(), Nulls: f.nulls, Personal: a.personal[f.member]}
	out.Absent = max(out.Of-f.total()-f.nulls, 0)
	for i := range f.kinds {
		k := &f.kinds[i]
		out.Kinds = append(out.Kinds, Kind{k.kind.String(), k.eras.count, k.eras.first(), k.eras.last()})
	}
	if f.asData {
		out.Names = f.distinctNames()
	}
	return out
}

func (p placed) shownShapes() []Shape {
	var all []Shape
	for _, sh := range p.common() {
		s := Shape{Of: p.show(""), Count: sh.eras.count, First: sh.eras.first(), Last: sh.eras.last()}
		for _, part := range sh.parts {
			if text := sh.shown(part); text != "" {
				s.Paths = append(s.Paths, text)
			}
		}
		all = append(all, s)
	}
	if p.more.count > 0 {
		all = append(all, Shape{Of: p.show(""), Pooled: true, Count: p.more.count, First: p.more.first(), Last: p.more.last()})
	}
	return all
}

// shown writes a part as path: class, and gives "" for an object whose
// members say more.
func (sh *shape) shown(p part) string {
	path := p.member.path()
	if p.class == objectClass {
		if p.member.parent == nil || slices.ContainsFunc(sh.parts, func(q part) bool { return q.member.parent == p.member }) {
			return ""
		}
	}
	kind := classNames[p.class]
	if k := p.member.kinds; len(k) == 1 && p.class != noClass {
		kind = k[0].kind.String()
		if p.member.nulls > 0 {
			kind += " or null"
		}
	}
	if path == nil {
		return kind
	}
	return pathText(path) + ": " + kind
}
