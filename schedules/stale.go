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
		changes = append(j.Pipeline.Changes(old), j.Pipeline.Unlike(s.Tables)...)
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
		return out, j.exactly(ctx, old, out)
	}
	return out, nil
}

// exactly leaves only what the present rules make otherwise.
func (j *Job) exactly(ctx context.Context, old *transform.Pipeline, s *Stale) error {
	var all []source.Window
	for _, t := range s.Tables {
		all = append(all, t.Windows...)
	}
	slices.SortFunc(all, func(a, b source.Window) int { return a.After.Compare(b.After) })
	found := make(map[source.Window]map[string]int64)
	err := j.compare(ctx, old, j.Pipeline, slices.Compact(all), func(d differences) {
		if found[d.window] == nil {
			found[d.window] = make(map[string]int64)
		}
		for event, n := range d.events {
			found[d.window][event] += n
		}
		found[d.window][""] += d.count // for the table of all events
	})
	if err != nil {
		return err
	}
	s.Exact = true
	for i := range s.Tables {
		t := &s.Tables[i]
		t.Rows = 0
		var windows []source.Window
		for _, w := range t.Windows {
			if n := found[w][t.Event]; n > 0 {
				windows = append(windows, w)
				t.Rows += n
			}
		}
		t.Windows = windows
	}
	s.Tables = slices.DeleteFunc(s.Tables, func(t StaleTable) bool { return len(t.Windows) == 0 })
	return nil
}

// stale lists the tables that a change concerns.
func (s *State) stale(c transform.Change, manifests []sinks.Manifest) []StaleTable {
	var all []StaleTable
	for _, t := range s.Tables {
		if c.Event != "" && t.Event != c.Event && t.Event != "" || t.Name == transform.Quarantine {
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
	if c.Event != "" && len(all) == 0 && (s.Totals.Discarded > 0 || s.Totals.Quarantined > 0) {
		all = append(all, StaleTable{Event: c.Event, Why: c.Why, Windows: s.Loaded})
	}
	return all
}
