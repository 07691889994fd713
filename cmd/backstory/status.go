package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newStatus(g *globals) *cobra.Command {
	var offline bool
	var maxLag time.Duration
	cmd := &cobra.Command{
		Use:   "status [JOB...]",
		Short: "Show what is loaded, what is not, and what holds it back",
		Long: `Status shows, for each job, what is loaded, how far behind the store it is, which
transaction holds the watermark back if one does, the last runs, when the next
is due, and the tables with their rows and where they lie. It changes nothing, not
even what a crash left to be finished by the next run, and may be asked while a run
is under way.

It exits 5 where somebody should look: the last run failed, more events are in
quarantine than quarantine.threshold allows, or, with --max-lag, the first event
that is not loaded is older than that. Where the store cannot be asked, it tells
what ledger and tables know, and exits 3.`,
		Example: "  backstory status\n  backstory status --json --max-lag 30m",
		RunE: func(cmd *cobra.Command, names []string) (err error) {
			ctx := cmd.Context()
			a, away, err := openForStatus(ctx, g, names)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.close()) }()
			if err := a.openLedgerToRead(ctx); err != nil {
				return err
			}
			var unwell error
			for _, j := range a.jobs {
				s, held, err := a.look(ctx, j, !offline && away == nil)
				if err != nil && !offline && away == nil { // what the ledger knows is wanted all the more
					away = err
					s, held, err = a.look(ctx, j, false)
				}
				if err != nil {
					return err
				}
				shown := a.shown(j, s, held, time.Now(), maxLag)
				if !shown.Healthy {
					unwell = errors.Join(unwell, &unwellError{shown.Job, shown.Problems, shown.hint})
				}
				if away != nil {
					shown.Healthy = false
					shown.Problems = append(slices.Clone(shown.Problems), "the store cannot be asked: "+away.Error())
				}
				if g.json {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(shown)
				} else {
					err = writeStatus(cmd.OutOrStdout(), s, &shown)
				}
				if err != nil {
					return err
				}
			}
			return errors.Join(away, unwell)
		},
	}
	cmd.Flags().BoolVar(&offline, "no-watermark", false, "do not ask the store how far it is")
	cmd.Flags().DurationVar(&maxLag, "max-lag", 0, "exit 5 where the first event that is not loaded is older; with --no-watermark, where the last good run is")
	return cmd
}

// openForStatus opens what a status needs. Where the store is not to be had, it
// gives the jobs without it, and why: ledger and sink have much to tell.
func openForStatus(ctx context.Context, g *globals, names []string) (a *app, away, err error) {
	c, err := readConfig(g.config)
	if err != nil {
		return nil, nil, err
	}
	a, err = c.open(ctx, g, false, names)
	if err == nil || exitCode(err) != exitEnvironment {
		return a, nil, err
	}
	chosen, cannot := c.choose(names)
	if cannot != nil {
		return nil, nil, cannot
	}
	a = &app{config: c}
	for _, j := range chosen {
		a.jobs = append(a.jobs, &schedules.Job{Name: j.Name})
	}
	return a, err, nil
}

// statusShown is a status for scripts. Members are only ever added;
// docs/operations.md says what they are.
type statusShown struct {
	Job     string              `json:"job"`
	Loaded  []source.Window     `json:"loaded"`
	Pending []schedules.Planned `json:"pending"`
	Totals  schedules.Totals    `json:"totals"`
	// Windows counts the windows by state.
	Windows windowCounts `json:"windows"`
	// Generation is the one that readers see.
	Generation  int                     `json:"generation"`
	Quarantined []schedules.Quarantined `json:"quarantined"`
	// Outdated says that the rules have changed since it was loaded.
	Outdated  bool              `json:"outdated"`
	Watermark *source.Watermark `json:"watermark,omitempty"`
	Held      bool              `json:"held"`
	// Lag is what of the store is not loaded.
	Lag    lagShown        `json:"lag"`
	Tables []holding       `json:"tables"`
	Runs   []schedules.Run `json:"runs"`
	// LastGood is when the last run that succeeded began, NextRun when the
	// schedule says that the next is due.
	LastGood time.Time `json:"last_good_run,omitzero"`
	Schedule string    `json:"schedule,omitempty"`
	NextRun  time.Time `json:"next_run,omitzero"`
	// Healthy says that nobody need look, and Problems why somebody should.
	Healthy  bool     `json:"healthy"`
	Problems []string `json:"problems"`

	hint string // what to do about the first of them
}

// windowCounts are how many windows there are of each state.
type windowCounts struct {
	Loaded      int64 `json:"loaded"`
	Planned     int64 `json:"planned"`
	Again       int64 `json:"again"`
	Quarantined int64 `json:"quarantined"`
}

// lagShown is how far what is loaded is behind the store.
type lagShown struct {
	// Events is about how many events are not loaded, Oldest the time of the
	// first of them. Without the store's word, they are null and absent.
	Events *int64    `json:"events"`
	Oldest time.Time `json:"oldest,omitzero"`
	// Seconds is how long ago that was; where no event is missing, 0; where
	// its time is not known, that since the last good run began.
	Seconds float64 `json:"seconds"`
}

// shown gathers a job's status.
func (a *app) shown(j *schedules.Job, s *schedules.Status, held []holding, now time.Time, maxLag time.Duration) statusShown {
	out := statusShown{
		Job: s.Job, Loaded: append([]source.Window{}, s.Loaded...), Pending: append([]schedules.Planned{}, s.Pending...), Totals: s.Totals,
		Windows:    windowCounts{s.Totals.Windows, int64(len(s.Pending)), int64(len(s.Again)), int64(len(s.Quarantined))},
		Generation: s.Generation, Outdated: outdated(s, j.Pipeline), Quarantined: append([]schedules.Quarantined{}, s.Quarantined...),
		Watermark: s.Watermark, Held: s.Held(), Tables: held, Runs: append([]schedules.Run{}, s.Runs...), Problems: []string{},
	}
	out.LastGood = schedules.Stand(schedules.JobState{}, s.State, nil).Success
	lag := s.Lag.Age(now)
	if s.Lag != nil {
		out.Lag.Events, out.Lag.Oldest = &s.Lag.Events, s.Lag.Oldest
	}
	if (s.Lag == nil || s.Lag.Events > 0 && s.Lag.Oldest.IsZero()) && !out.LastGood.IsZero() {
		lag = now.Sub(out.LastGood)
	}
	out.Lag.Seconds = lag.Seconds()
	for _, c := range a.config.jobs {
		if c.Name == j.Name && c.Schedule != "" {
			out.Schedule = c.Schedule
			if times, err := schedules.ParseTimes(c.Schedule, c.zone()); err == nil { // it was checked
				out.NextRun = times.Next(now)
			}
		}
	}
	problem := func(hint, format string, args ...any) {
		out.Problems = append(out.Problems, fmt.Sprintf(format, args...))
		if out.hint == "" {
			out.hint = hint
		}
	}
	for _, r := range s.Runs {
		if r.Finished.IsZero() {
			continue // it may be under way
		}
		if r.Error != "" && !r.Interrupted() {
			problem("mend what it says, then: backstory run "+s.Job, "its last run failed: %s", r.Error)
		}
		break
	}
	if s.Totals.Quarantined > a.quarantine.Threshold {
		problem("table _quarantine says why of each; once rules or store are mended, backstory replay "+s.Job+" takes them in", "%s in quarantine, and quarantine.threshold allows %s", plural(s.Totals.Quarantined, "event"), thousands(a.quarantine.Threshold))
	}
	if maxLag > 0 && lag > maxLag {
		problem("backstory status names what holds it back; if nothing does, see that backstory worker or run is under way", "it is %s behind, and --max-lag allows %s", lag.Round(time.Second), maxLag)
	}
	out.Healthy = len(out.Problems) == 0
	return out
}

// outdated tells whether what is loaded was loaded under other rules. Without
// the store it is not known what the present ones are.
func outdated(s *schedules.Status, p *transform.Pipeline) bool {
	return p != nil && len(s.Loaded) > 0 && s.Fingerprint != p.Fingerprint()
}

// unwellError is a job that somebody should look at. All there is to say of it
// has been said.
type unwellError struct {
	job      string
	problems []string
	hint     string
}

func (e *unwellError) Error() string {
	return "job " + e.job + ": somebody should look: " + strings.Join(e.problems, "; ")
}

// Hint says what to do about the first of them.
func (e *unwellError) Hint() string { return e.hint }
