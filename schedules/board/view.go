package board

import (
	"cmp"
	"context"
	"slices"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
)

// view is all there is to see of one job. Its JSON is what /jobs.json serves;
// members are only ever added.
type view struct {
	Job string `json:"job"`
	// State is failing, unreadable, quarantine, held, running, ready (nothing
	// is loaded yet) or current; the first that holds.
	State    string    `json:"state"`
	Schedule string    `json:"schedule,omitempty"`
	Next     time.Time `json:"next_run,omitzero"`
	Running  time.Time `json:"running_since,omitzero"`
	Failures int       `json:"consecutive_failures"`
	Success  time.Time `json:"last_success,omitzero"`
	// LagSeconds is null where the job never was up to date, or the ledger
	// does not say.
	LagSeconds *float64          `json:"lag_seconds"`
	Behind     int64             `json:"lag_events"`
	Watermark  *source.Watermark `json:"watermark,omitempty"`
	Generation int               `json:"generation"`
	Totals     schedules.Totals  `json:"totals"`
	// Windows counts the windows by state.
	Windows     map[string]int `json:"windows"`
	Runs        []run          `json:"runs"` // newest first
	Quarantined []quarantine   `json:"quarantined"`
	Tables      []table        `json:"tables"`
	Changes     []change       `json:"changes"`
	Cells       []cell         `json:"grid"`
	Error       string         `json:"error,omitempty"` // of the ledger

	Now        time.Time     `json:"-"`
	Lag        time.Duration `json:"-"`
	HeldSince  time.Time     `json:"-"`
	Last       *run          `json:"-"` // that has ended
	Failed     []failure     `json:"-"` // the first events of runs that went to quarantine
	Progress   *progress     `json:"-"`
	Counts     []count       `json:"-"`
	Each       int           `json:"-"` // windows a cell
	LagChart   *chart        `json:"-"`
	Throughput *chart        `json:"-"`
	More       int           `json:"-"` // windows with quarantine that are not listed
}

// count is how many windows are of a state.
type count struct {
	State state
	N     int
}

// quarantine is a window with events in quarantine.
type quarantine struct {
	source.Window
	Events int64 `json:"events"`
}

// table is a table and its columns.
type table struct {
	Name    string   `json:"name"`
	Event   string   `json:"event,omitempty"`
	Version int      `json:"version"`
	Columns []column `json:"columns"`
}

type column struct {
	Name   string          `json:"name"`
	Type   string          `json:"type"`
	Since  source.Position `json:"since,omitzero"`
	Masked bool            `json:"masked,omitempty"`
}

// change is where columns begin that a table's first rows did not have.
type change struct {
	Table   string          `json:"table"`
	Since   source.Position `json:"since"`
	Columns []column        `json:"columns"`
}

// The most of each that is listed.
const (
	shownRuns        = 20
	shownQuarantined = 20
	shownChanges     = 20
)

func (b *Board) views(ctx context.Context, now time.Time) []*view {
	var views []*view
	for _, s := range b.known.standings(ctx, now, b.Standings) {
		views = append(views, b.view(ctx, s, now))
	}
	return views
}

func (b *Board) view(ctx context.Context, s schedules.Standing, now time.Time) *view {
	v := &view{
		Job: s.Job, Schedule: s.Schedule, Next: s.Next, Failures: s.Failures, Success: s.Success, Now: now,
		Lag: s.Lag(now), Behind: s.Behind(), Watermark: s.Watermark, HeldSince: s.HeldSince(),
		Windows: map[string]int{}, Runs: []run{}, Quarantined: []quarantine{}, Tables: []table{}, Changes: []change{}, Cells: []cell{},
	}
	if !s.Current.IsZero() {
		seconds := v.Lag.Seconds()
		v.LagSeconds = &seconds
	}
	if s.Running != nil {
		v.Running = s.Running.Started
		v.Progress, _ = b.told.progress(s.Job)
	}
	if s.Err != nil {
		v.Error = s.Err.Error()
	}
	v.runs(s, b.told.runs(s.Job))
	if s.Ledger != nil {
		v.ledger(s.Ledger)
		b.windows(ctx, v, s)
	}
	v.State = v.state(&s)
	return v
}

// state says in a word how the job stands: the first that holds.
func (v *view) state(s *schedules.Standing) string {
	switch {
	case v.Failures > 0:
		return "failing"
	case v.Error != "":
		return "unreadable"
	case v.Totals.Quarantined > 0:
		return "quarantine"
	case s.Held():
		return "held"
	case s.Running != nil:
		return "running"
	case v.Totals.Windows == 0:
		return "ready"
	}
	return "current"
}

// runs sets the runs that are shown and what is drawn of them.
func (v *view) runs(s schedules.Standing, told []run) {
	var ledger []schedules.Run
	if s.Ledger != nil {
		ledger = s.Ledger.Runs
	}
	all := joined(ledger, told, s.Running != nil)
	v.LagChart = lagChart(all, v.Now.Add(-7*24*time.Hour), v.Now)
	slices.Reverse(all)
	v.Runs = append(v.Runs, all[:min(len(all), shownRuns)]...)
	for i := range v.Runs {
		r := &v.Runs[i]
		r.Same = i > 0 && r.Error != "" && r.Error == v.Runs[i-1].Error
		if v.Last == nil && !r.Ended.IsZero() {
			v.Last = r
		}
		if q := r.Quarantined; q != nil && !slices.Contains(v.Failed, *q) {
			v.Failed = append(v.Failed, *q)
		}
	}
}

// ledger sets what the ledger says of the job as a whole.
func (v *view) ledger(l *schedules.State) {
	v.Generation, v.Totals = l.Generation, l.Totals
	for i, q := range l.Quarantined {
		if i == shownQuarantined {
			v.More = len(l.Quarantined) - i
			break
		}
		v.Quarantined = append(v.Quarantined, quarantine{q.Window, q.Events})
	}
	for _, t := range l.Tables {
		shown := table{Name: t.Name, Event: t.Event, Version: t.Version}
		for _, c := range t.Columns {
			shown.Columns = append(shown.Columns, column{c.Name, c.Type.String(), c.Since, c.Masked})
		}
		v.Tables = append(v.Tables, shown)
		v.Changes = append(v.Changes, changes(shown)...)
	}
	slices.SortStableFunc(v.Tables, func(a, b table) int {
		own := func(t table) int {
			if t.Name == transform.Quarantine && t.Event == "" {
				return 1
			}
			return 0
		}
		return cmp.Or(cmp.Compare(own(a), own(b)), cmp.Compare(a.Name, b.Name))
	})
	slices.SortStableFunc(v.Changes, func(a, b change) int { return b.Since.Compare(a.Since) })
	v.Changes = v.Changes[:min(len(v.Changes), shownChanges)]
}

// changes gives where columns of a table begin, but for those it began with.
func changes(t table) (all []change) {
	var first source.Position
	for _, c := range t.Columns {
		if !c.Since.IsZero() && (first.IsZero() || c.Since.Compare(first) < 0) {
			first = c.Since
		}
	}
	for _, c := range t.Columns {
		if c.Since.Compare(first) <= 0 {
			continue
		}
		i := slices.IndexFunc(all, func(a change) bool { return a.Since == c.Since })
		if i < 0 {
			i = len(all)
			all = append(all, change{Table: t.Name, Since: c.Since})
		}
		all[i].Columns = append(all[i].Columns, c)
	}
	return all
}

// windows sets the grid and the throughput.
func (b *Board) windows(ctx context.Context, v *view, s schedules.Standing) {
	scan, err := b.known.scan(ctx, s, b.Windows)
	if err != nil {
		v.Error = err.Error()
		return
	}
	g := scan.grid
	g.cells = slices.Clone(g.cells)
	_, busy := b.told.progress(s.Job)
	for w := range busy {
		g.busy(w)
	}
	if s.Watermark != nil {
		g.gap(s.Watermark.Head)
	}
	v.Cells, v.Each = append(v.Cells, g.cells...), g.each
	for s, n := range g.Counts {
		v.Windows[state(s).String()] = n
		if n > 0 {
			v.Counts = append(v.Counts, count{state(s), n})
		}
	}
	v.Throughput = scan.done.chart(v.Now)
}
