package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"backstory/schedules"
)

// stale finds what of a job was loaded under other rules. The sink is asked
// which windows a table has rows of, and left as it is.
func (a *app) stale(ctx context.Context, j *schedules.Job, exact bool) (_ *schedules.Stale, err error) {
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if len(s.Loaded) == 0 || s.Fingerprint == j.Pipeline.Fingerprint() {
		return nil, nil
	}
	sink, err := a.config.sink.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	asked := *j
	asked.Sink = sink
	return asked.Stale(ctx, exact)
}

// writeStale lists stale tables with their windows, and says why they are.
func writeStale(w io.Writer, s *schedules.Stale) error {
	if s == nil {
		return nil
	}
	if len(s.Tables) == 0 {
		_, err := fmt.Fprintf(w, "%s: the rules have changed, and nothing that is loaded comes out otherwise\n", s.Job)
		return err
	}
	fmt.Fprintf(w, "%s: stale, loaded under other rules (%s, now %s); to make it anew: backstory rebuild %s\n", s.Job, s.Old, s.New, s.Job)
	for _, t := range s.Tables {
		name, rows := t.Name, plural(t.Rows, "row")
		if s.Exact {
			rows = plural(t.Rows, "event") + " that would come out otherwise"
		}
		if name == "" {
			name, rows = "(no table)", "events without rows" // quarantined or discarded
		} else if t.Rows == 0 {
			rows = "rows"
		}
		fmt.Fprintf(w, "  %s: %s in %s; %s\n", name, rows, plural(int64(len(t.Windows)), "window"), t.Why)
		for i, window := range t.Windows {
			if i == shownStale {
				fmt.Fprintf(w, "    and %d more (--json lists all)\n", len(t.Windows)-i)
				break
			}
			fmt.Fprintf(w, "    %s\n", window)
		}
	}
	if s.Quarantined > 0 {
		fmt.Fprintf(w, "%s: %s in quarantine; if the new rules make a difference to nothing else, backstory replay %s is enough\n", s.Job, plural(s.Quarantined, "event"), s.Job)
	}
	return nil
}

// shownStale is how many windows of a stale table plan lists for people.
const shownStale = 5
