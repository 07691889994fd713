package schedules

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Stale is what is loaded under other rules than the present ones, and would
// come out otherwise.
type Stale struct {
	Job        string `json:"job"`
	Generation int    `json:"generation"`
	// Old and New are the fingerprints of the rules.
	Old string `json:"old"`
	New string `json:"new"`
	// Unknown says that the old rules cannot be had, so that all there is must
	// be taken for stale.
	Unknown bool `json:"unknown,omitempty"`
	// Quarantined counts the events in quarantine, which a Replay under the
	// present rules may take in.
	Quarantined int64 `json:"quarantined,omitempty"`
	// Exact says that what is listed was compared, event by event.
	Exact  bool         `json:"exact,omitempty"`
	Tables []StaleTable `json:"tables"`
}

// StaleTable is a table with rows that are stale, and the windows they are of.
type StaleTable struct {
	// Name is "" for events that have no rows in any table: those in
	// quarantine, and those that the old rules made nothing of.
	Name  string `json:"table"`
	Event string `json:"event,omitempty"`
	Why   string `json:"why"`
	// Windows are the windows concerned, in order; Rows counts their rows.
	Windows []source.Window `json:"windows"`
	Rows    int64           `json:"rows"`
}

// Stale lists the tables whose rules have changed and the windows that have
// rows in them, nil where there are none. It writes nothing. Without a sink
// that can tell which table has rows of which window it takes all windows.
//
// With exact it reads these windows' events, and lists only the windows of
// which the present rules make something else, with the number of such events
// as Rows; there may be none.
func (j *Job) Stale(ctx context.Context, exact bool) (*Stale, error) {
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	now := j.Pipeline.Fingerprint()
	if len(s.Loaded) == 0 || s.Fingerprint == now {
		return nil, nil
	}
	out := &Stale{Job: j.Name, Generation: s.Generation, Old: s.Fingerprint, New: now, Quarantined: s.Totals.Quarantined, Tables: []StaleTable{}}
	var changes []transform.Change
	old, err := j.stored(s)
	var unknown *RulesError
	switch {
	case errors.As(err, &unknown):
		out.Unknown = true
		changes = []transform.Change{{Why: "the rules they were made with are not known"}}
	case err != nil:
		return nil, err
	default:
		changes = j.Pipeline.ChangesOf(old, s.Tables)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	var manifests []sinks.Manifest
	if in, ok := j.Sink.(sinks.Inventory); ok {
		if manifests, _, err = in.Manifests(ctx, j.Name, s.Generation); err != nil {
			return nil, fmt.Errorf("list what is loaded: %w", err)
		}
	}
	for _, c := range changes {
		out.Tables = append(out.Tables, s.stale(c, manifests)...)
	}
	if len(out.Tables) == 0 {
		return nil, nil
	}
	if exact && old != nil && j.Pipeline.OtherTables(old) == "" {
		if old, err = s.Forgets(old); err != nil {
			return nil, err
		}
		p, err := s.Forgets(j.Pipeline)
		if err != nil {
			return nil, err
		}
		return out, j.exactly(ctx, old, p, out)
	}
	return out, nil
}

// exactly leaves only what the present rules make otherwise.
func (j *Job) exactly(ctx context.Context, old, now *transform.Pipeline, s *Stale) error {
	windows := make(map[string][]source.Window) // to be compared, by event type
	var all []source.Window
	for _, t := range s.Tables {
		windows[t.Event] = append(windows[t.Event], t.Windows...)
		all = append(all, t.Windows...)
	}
	found := make(map[source.Window]*differences)
	if err := j.compare(ctx, old, now, nil, sorted(all), func(w source.Window, d *differences) { found[w] = d }); err != nil {
		return err
	}
	s.Exact = true
	for i := range s.Tables {
		t := &s.Tables[i]
		t.Rows, t.Windows = 0, nil
		if t.Name == "" && slices.ContainsFunc(s.Tables, func(o StaleTable) bool { return o.Name != "" && o.Event == t.Event }) {
			continue // counted with the table
		}
		for _, w := range sorted(windows[t.Event]) {
			if d := found[w]; d != nil && (t.Event == "" || d.events[t.Event] > 0) {
				t.Windows = append(t.Windows, w)
				t.Rows += d.of(t.Event)
			}
		}
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t StaleTable) bool { return len(t.Windows) == 0 })
	return nil
}

// of counts the differences of an event type, "" for all.
func (d *differences) of(event string) int64 {
	if event == "" {
		return d.count
	}
	return d.events[event]
}

// sorted puts windows into their order, each once.
func sorted(windows []source.Window) []source.Window {
	slices.SortFunc(windows, func(a, b source.Window) int { return a.After.Compare(b.After) })
	return slices.Compact(windows)
}

// stale lists the tables that a change concerns, and the windows with events
// that have no rows in any table.
func (s *State) stale(c transform.Change, manifests []sinks.Manifest) []StaleTable {
	var all []StaleTable
	for _, t := range s.Tables {
		if c.Event != "" && t.Event != c.Event && t.Event != "" || t.IsQuarantine() {
			continue
		}
		st := StaleTable{Name: t.Name, Event: t.Event, Why: c.Why, Windows: s.Loaded}
		if manifests != nil {
			st.Windows = nil
		}
		for _, m := range manifests {
			if i := slices.IndexFunc(m.Tables, func(lt sinks.LoadedTable) bool { return lt.Name == t.Name }); i >= 0 && m.Tables[i].Rows > 0 {
				st.Windows = append(st.Windows, m.Window)
				st.Rows += m.Tables[i].Rows
			}
		}
		if len(st.Windows) > 0 {
			all = append(all, st)
		}
	}
	if s.Totals.Discarded == 0 && s.Totals.Quarantined == 0 {
		return all
	}
	rowless := StaleTable{Event: c.Event, Why: c.Why, Windows: s.Loaded}
	if manifests != nil {
		rowless.Windows = nil
	}
	for _, m := range manifests {
		if m.Quarantined+m.Discarded > 0 {
			rowless.Windows = append(rowless.Windows, m.Window)
		}
	}
	if len(rowless.Windows) > 0 {
		all = append(all, rowless)
	}
	return all
}
