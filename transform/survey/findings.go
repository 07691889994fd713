package survey

import (
	"fmt"
	"time"
)

// FindingKind names what a finding is about.
type FindingKind string

// The kinds of findings, the gravest first.
const (
	Renamed     FindingKind = "renamed"       // a field ends where another begins
	KindsDiffer FindingKind = "kinds_differ"  // one path has text here and a number there
	WentBack    FindingKind = "version_back"  // an older version was written again
	Newer       FindingKind = "newer_version" // above what the upcasters lead to
	Suffix      FindingKind = "type_suffix"   // the type's name holds the version
	Personal    FindingKind = "personal"      // likely personal data
	Shifted     FindingKind = "shifted"       // a field begins or ends within a version
	Alternative FindingKind = "alternative"   // two fields that exclude each other
	NamesAsData FindingKind = "names_as_data" // member names are values
	Numbers     FindingKind = "numbers"       // integers here, decimals there
	Sparse      FindingKind = "sparse"        // almost always null or absent
	Constant    FindingKind = "constant"      // one value only
)

var rank = map[FindingKind]int{
	Renamed: 0, KindsDiffer: 1, WentBack: 2, Newer: 3, Suffix: 4, Shifted: 5, Alternative: 6, NamesAsData: 7, Personal: 8,
	Numbers: 9, Sparse: 10, Constant: 11,
}

// Accident tells whether findings of the kind are accidents of a history,
// and not just worth knowing.
func (k FindingKind) Accident() bool { return rank[k] <= rank[Suffix] }

// Finding is something worth knowing of an event type.
type Finding struct {
	Kind  FindingKind `json:"kind"`
	Event string      `json:"event"`
	// Version is the schema version concerned, 0 for all.
	Version int `json:"schema_version,omitzero"`
	// Paths are the fields concerned.
	Paths []string `json:"paths,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
	// Evidence are the stretches of the history that show it.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Evidence is a stretch of the history in which something was found.
type Evidence struct {
	What  string `json:"what"`
	Count int64  `json:"count"`
	First Place  `json:"first"`
	Last  Place  `json:"last"`
}

// analysis makes findings and suggestions of what was seen.
type analysis struct {
	options   Options
	types     []*eventType
	findings  []Finding
	upcasters []Upcaster
	// personal says of members why they are likely to be personal.
	personal map[*member]string
	// renamed are the members that are others under a wrong name.
	renamed map[*member]*field
}

// examine looks at an event type.
func (a *analysis) examine(t *eventType) {
	a.lookForPersonal(t)
	a.wentBack(t)
	a.newer(t)
	for _, g := range t.groups {
		for _, in := range g.scopes() {
			a.renames(t, g, in)
			a.kinds(g, in)
			a.rarities(g, in)
		}
	}
}

func (a *analysis) find(k FindingKind, g *group, paths []string, evidence []Evidence, format string, args ...any) {
	a.findings = append(a.findings, Finding{k, g.event, g.version, paths, printable(fmt.Sprintf(format, args...)), evidence})
}

func evidence(what string, e era) Evidence {
	return Evidence{what, e.count, e.first.shown(), e.last.shown()}
}

// String writes a place as people read it: its position, and its day.
func (p Place) String() string {
	if p.Time.IsZero() {
		return p.Position.String()
	}
	return p.Position.String() + " (" + p.Time.Format(time.DateOnly) + ")"
}
