package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newStatus(g *globals) *cobra.Command {
	var offline bool
	cmd := &cobra.Command{
		Use:   "status [JOB...]",
		Short: "Show what is loaded, what is not, and what holds it back",
		Long: `Status shows, for each job, what is loaded, how far behind the store it is, which
transaction holds the watermark back if one does, the last runs, and the tables
with their rows and where they lie. It changes nothing, not even what a crash left to be
finished by the next run, and may be asked while a run is under way.`,
		RunE: func(cmd *cobra.Command, names []string) (err error) {
			ctx := cmd.Context()
			a, err := openApp(ctx, g, false, names)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			if err := a.openLedgerToRead(ctx); err != nil {
				return err
			}
			for _, j := range a.jobs {
				s, held, err := a.look(ctx, j, !offline)
				if err != nil {
					return err
				}
				if g.json {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(statusJSON(s, j.Pipeline, held))
				} else {
					err = writeStatus(cmd.OutOrStdout(), s, j.Pipeline, held)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&offline, "no-watermark", false, "do not ask the store how far it is")
	return cmd
}

// statusShown is a status for scripts.
type statusShown struct {
	Job     string              `json:"job"`
	Loaded  []source.Window     `json:"loaded"`
	Pending []schedules.Planned `json:"pending"`
	Totals  schedules.Totals    `json:"totals"`
	// Generation is the one that readers see.
	Generation  int                     `json:"generation"`
	Quarantined []schedules.Quarantined `json:"quarantined"`
	// Outdated says that the rules have changed since it was loaded.
	Outdated  bool              `json:"outdated"`
	Watermark *source.Watermark `json:"watermark,omitempty"`
	Held      bool              `json:"held"`
	Tables    []holding         `json:"tables"`
	Runs      []schedules.Run   `json:"runs"`
}

// outdated tells whether what is loaded was loaded under other rules.
func outdated(s *schedules.Status, p *transform.Pipeline) bool {
	return len(s.Loaded) > 0 && s.Fingerprint != p.Fingerprint()
}

func statusJSON(s *schedules.Status, p *transform.Pipeline, held []holding) statusShown {
	return statusShown{
		Job: s.Job, Loaded: append([]source.Window{}, s.Loaded...), Pending: append([]schedules.Planned{}, s.Pending...), Totals: s.Totals,
		Generation: s.Generation, Outdated: outdated(s, p), Quarantined: append([]schedules.Quarantined{}, s.Quarantined...),
		Watermark: s.Watermark, Held: s.Held(), Tables: held, Runs: append([]schedules.Run{}, s.Runs...),
	}
}

func writeStatus(w io.Writer, s *schedules.Status, p *transform.Pipeline, held []holding) error {
	fmt.Fprintf(w, "%s\n", s.Job)
	if len(s.Loaded) == 0 {
		fmt.Fprintln(w, "  loaded     nothing yet")
	} else {
		t := s.Totals
		fmt.Fprintf(w, "  loaded     %s as %s in %s, %s, %s\n",
			plural(t.Events, "event"), plural(t.Rows, "row"), plural(t.Windows, "window"), plural(countTables(s.Tables), "table"), byteSize(t.Stored))
		for i, l := range s.Loaded {
			if i == 5 {
				fmt.Fprintf(w, "             and %s\n", plural(int64(len(s.Loaded)-i), "more range"))
				break
			}
			fmt.Fprintf(w, "             %s\n", l)
		}
		if t.Extra > 0 {
			fmt.Fprintf(w, "  extra      %s without a column, in _extra\n", plural(t.Extra, "value"))
		}
	}
	if t := s.Totals; t.Quarantined > 0 {
		fmt.Fprintf(w, "  quarantine %s of %s, in _quarantine; once mended, take them in with: backstory replay %s\n",
			plural(t.Quarantined, "event"), plural(int64(len(s.Quarantined)), "window"), s.Job)
	}
	if t := s.Totals; t.Discarded > 0 {
		fmt.Fprintf(w, "  discarded  %s, by the upcasters\n", plural(t.Discarded, "event"))
	}
	if outdated(s, p) {
		fmt.Fprintf(w, "  rules      changed since generation %d was loaded; what is stale says: backstory plan\n", s.Generation)
	}
	if len(s.Pending) > 0 {
		fmt.Fprintf(w, "  pending    %s planned and not loaded; the next run loads them\n", plural(int64(len(s.Pending)), "window"))
	}
	if m := s.Watermark; m != nil {
		if s.Held() {
			writeHeld(w, true, *m)
		} else {
			fmt.Fprintf(w, "  watermark  %s\n", m.Safe)
		}
	}
	for i, r := range s.Runs {
		if i == 3 {
			break
		}
		fmt.Fprintf(w, "  %-9s  %s  %s\n", r.Kind, r.Started.Local().Format(time.DateTime), runOutcome(r))
	}
	if s.Totals.Windows == 0 {
		return nil
	}
	return writeHoldings(w, held)
}

func runOutcome(r schedules.Run) string {
	switch {
	case r.Error != "":
		return "failed: " + r.Error
	case r.Finished.IsZero():
		return "under way, or ended without a word"
	}
	return fmt.Sprintf("loaded %s in %s", plural(r.Events, "event"), r.Finished.Sub(r.Started).Round(10*time.Millisecond))
}
