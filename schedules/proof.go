package schedules

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/source"
)

// Proof says whether a job's tables hold what its source does.
type Proof struct {
	Job        string `json:"job"`
	Generation int    `json:"generation"`
	Full       bool   `json:"full"`
	// Windows, Events and Rows are what was compared: Events by what the
	// source has, Rows by what the sink has.
	Windows int64 `json:"windows"`
	Events  int64 `json:"events"`
	Rows    int64 `json:"rows"`
	// Gaps are ranges below the last window that are not loaded: nothing is
	// proved of them.
	Gaps []source.Window `json:"gaps,omitempty"`
	// Uncounted says that the source has no cheap way to count, so that
	// nothing was asked of it.
	Uncounted bool `json:"uncounted,omitempty"`
	// Streams is what was found out about the versions of streams, nil where
	// the events were not read.
	Streams  *StreamCheck  `json:"streams,omitempty"`
	Findings []Finding     `json:"findings"`
	Duration time.Duration `json:"duration_ns"`

	sums *sums // of a full one
}

// Holds tells whether nothing was found.
func (p *Proof) Holds() bool { return len(p.Findings) == 0 }

// Advice is one sentence that says what to do about the findings.
func (p *Proof) Advice() string {
	if slices.ContainsFunc(p.Findings, func(f Finding) bool { return f.only == onlySink }) {
		return "backstory run " + p.Job + " takes into the ledger what only the sink knows; verify again after it"
	}
	return "backstory repair " + p.Job + " says what it would load again, and does it with --yes"
}

// Kind names what a Finding is about.
type Kind string

// The kinds of findings.
const (
	// KindEvents is a window of which the source has another number of events
	// than were loaded: some came late, or are gone.
	KindEvents Kind = "events"
	// KindRows is a window whose rows in a table are not what its events make.
	KindRows Kind = "rows"
	// KindFile is a part of a table that is missing, changed or unreadable.
	KindFile Kind = "file"
	// KindForeign is a part of a table that no load has written, or rows that
	// belong to no window.
	KindForeign Kind = "foreign"
	// KindLedger is something that ledger and sink say differently of a window.
	KindLedger Kind = "ledger"
)

// Finding is one thing that does not agree.
type Finding struct {
	Kind Kind `json:"kind"`
	// Windows are the windows concerned, in order.
	Windows []source.Window `json:"windows,omitempty"`
	Table   string          `json:"table,omitempty"`
	File    string          `json:"file,omitempty"`
	// Reason is what is wrong, as a sentence.
	Reason string `json:"reason"`
	// Want and Got count events (of KindEvents) or rows.
	Want int64 `json:"want"`
	Got  int64 `json:"got"`
	// Missing rows are not there, Extra ones should not be, Doubled ones are
	// there too often, Altered ones have other values.
	Missing int64 `json:"missing,omitempty"`
	Extra   int64 `json:"extra,omitempty"`
	Doubled int64 `json:"doubled,omitempty"`
	Altered int64 `json:"altered,omitempty"`
	// Rows are the first of these, by position.
	Rows []RowFinding `json:"rows,omitempty"`

	// only says which of ledger and sink knows the window, where not both do.
	only owner
	// counted says that a table as a whole has Got rows, and Want were loaded.
	counted bool
}

// owner is who knows a window.
type owner int

const (
	both owner = iota
	onlyLedger
	onlySink
)

// RowFinding is a row that is not as it should be.
type RowFinding struct {
	Position int64  `json:"position"`
	What     string `json:"what"` // missing, extra, doubled or altered
	// Columns are the names of those that differ, of an altered row.
	Columns []string `json:"columns,omitempty"`
	// Want and Got are their values, where these were asked for.
	Want []string `json:"want,omitempty"`
	Got  []string `json:"got,omitempty"`
}

// damaged adds findings for damaged parts that are not among them.
func (p *Proof) damaged(damages []*sinks.DamageError, o VerifyOptions) {
	for _, d := range damages {
		f := Finding{Kind: KindFile, Windows: d.Windows, Table: d.Table, File: d.File, Reason: d.Err.Error()}
		if len(d.Windows) == 0 {
			f.Kind = KindForeign
		} else if !slices.ContainsFunc(d.Windows, o.wants) {
			continue
		}
		if !slices.ContainsFunc(p.Findings, func(o Finding) bool { return o.File == f.File && f.File != "" }) {
			p.Findings = append(p.Findings, f)
		}
	}
}

// events adds a finding where a window has another number of events.
func (p *Proof) events(w WindowRecord, n int64) {
	if w.expects(n) {
		return
	}
	reason := "events have gone from the source since it was loaded"
	if n > w.Events {
		reason = "events have come to the source since it was loaded, below its watermark: some writer does not keep to the order, or a replica was restored"
	}
	p.Findings = append(p.Findings, Finding{Kind: KindEvents, Windows: []source.Window{w.Window}, Want: n, Got: w.Events, Reason: reason})
}

// explainCounts leaves out that a table has another number of rows where it is
// known which rows these are.
func (p *Proof) explainCounts() {
	known := make(map[string]bool)
	for _, f := range p.Findings {
		if f.Kind == KindRows || f.Kind == KindForeign {
			known[f.Table] = true
		}
	}
	p.Findings = slices.DeleteFunc(p.Findings, func(f Finding) bool { return f.counted && known[f.Table] })
}

// wrong gives the tables by window that do not hold what was loaded. Where the
// source has something new, rows could only be counted: any table may be it.
func (p *Proof) wrong() map[source.Window][]string {
	tables := make(map[source.Window][]string)
	for _, f := range p.Findings {
		if f.Kind == KindRows && len(f.Windows) > 0 {
			tables[f.Windows[0]] = append(tables[f.Windows[0]], f.Table)
		}
	}
	if p.sums == nil {
		return tables
	}
	for i, w := range p.sums.windows {
		var rows int64
		for _, sums := range p.sums.sink {
			rows += sums[i].Rows
		}
		if p.sums.news[i] && rows != w.Rows {
			tables[w.Window] = slices.Sorted(maps.Keys(p.sums.sink))
		}
	}
	return tables
}

// sort puts findings in the order of their windows.
func (p *Proof) sort() {
	slices.SortStableFunc(p.Findings, func(a, b Finding) int {
		switch {
		case len(a.Windows) == 0 || len(b.Windows) == 0:
			return len(a.Windows) - len(b.Windows)
		default:
			return a.Windows[0].After.Compare(b.Windows[0].After)
		}
	})
}

// Text tells a finding in a line.
func (f Finding) Text() string {
	s := ""
	if len(f.Windows) > 0 {
		s = "window " + f.Windows[0].String()
		if n := len(f.Windows) - 1; n > 0 {
			s += fmt.Sprintf(" and %d more", n)
		}
		s += ", "
	}
	if f.Table != "" {
		s += "table " + f.Table + ", "
	}
	if f.File != "" {
		s += "file " + f.File + ", "
	}
	if len(s) > 2 {
		s = s[:len(s)-2] + ": "
	}
	return s + f.Reason
}
