package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"backstory/schedules"

	"github.com/spf13/cobra"
)

// shownWindows is how many windows plan lists for people; --json lists all.
const shownWindows = 20

func newPlan(g *globals) *cobra.Command {
	var from, to string
	var exact bool
	cmd := &cobra.Command{
		Use:   "plan [JOB...]",
		Short: "Show what run or backfill would load, what is stale, and why",
		Long: `Plan shows the windows that run (or, with --from or --to, backfill) would
load, why, and about how many rows and bytes they hold. Where the rules have
changed, it shows the tables whose rules have, with their windows: a rebuild makes
them anew. With --exact it reads their events and leaves out the windows of which
the new rules make the same. Of a sink with quotas it shows what all of that
would use up of them, and what has to wait. It writes nothing.`,
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
			if err := a.openSinkToPlan(ctx); err != nil {
				return err
			}
			for _, j := range a.jobs {
				if err := a.planJob(ctx, cmd, g, j, from, to, exact); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "first position or time, as of backfill")
	cmd.Flags().StringVar(&to, "to", "", "last position, or time, as of backfill")
	cmd.Flags().BoolVar(&exact, "exact", false, "compare what old and new rules make of each event")
	return cmd
}

// plannedJSON is the plan of a job for scripts.
type plannedJSON struct {
	*schedules.Plan
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes,omitempty"`
	// Stale is what was loaded under other rules, null where nothing was.
	Stale *schedules.Stale `json:"stale"`
}

func (a *app) planJob(ctx context.Context, cmd *cobra.Command, g *globals, j *schedules.Job, from, to string, exact bool) error {
	r, err := findRange(ctx, j, from, to)
	p := &schedules.Plan{Job: j.Name, Pending: []schedules.Planned{}, New: []schedules.Planned{}}
	if err == nil {
		p, err = j.Plan(ctx, r)
	}
	if err != nil && !errors.Is(err, errNoEvents) {
		return err
	}
	bytes, err := j.Estimate(ctx, p)
	if err != nil {
		return err
	}
	stale, err := a.stale(ctx, j, exact)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if g.json {
		return json.NewEncoder(out).Encode(plannedJSON{Plan: p, Events: p.Events(), Bytes: bytes, Stale: stale})
	}
	writeHeld(cmd.ErrOrStderr(), p.Held, p.Watermark)
	n := len(p.Pending) + len(p.New)
	if n == 0 && p.Deferred == nil {
		why := "no event of that range is not loaded"
		if from == "" && to == "" {
			why = allLoaded(p.Held, p.Watermark)
		}
		fmt.Fprintf(out, "%s: nothing to load; %s\n", j.Name, why)
		return writeStale(out, stale)
	}
	fmt.Fprintf(out, "%s: %s, about %s, %s of payload, up to position %s\n", j.Name, plural(int64(n), "window"), plural(p.Events(), "event"), byteSize(bytes), p.Watermark.Safe)
	shown := 0
	list := func(windows []schedules.Planned, why string) {
		for _, w := range windows {
			if shown++; shown > shownWindows {
				return
			}
			fmt.Fprintf(out, "  %-24s about %18s  %s\n", w.Window, plural(w.Events, "event"), why)
		}
	}
	list(p.Pending, "planned by an earlier run that did not finish it")
	list(p.New, "not loaded yet")
	if shown > shownWindows {
		fmt.Fprintf(out, "  and %d more (--json lists all)\n", n-shownWindows)
	}
	all := int64(n)
	if p.Deferred != nil {
		all += p.Deferred.Windows
	}
	if err := writeQuotas(out, p.Ration, all); err != nil {
		return err
	}
	writeDeferred(out, j.Name, p.Deferred)
	return writeStale(out, stale)
}
