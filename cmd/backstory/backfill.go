package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/spf13/cobra"
)

func newBackfill(g *globals) *cobra.Command {
	var from, to string
	var again bool
	cmd := &cobra.Command{
		Use:   "backfill [JOB...] --from FROM --to TO",
		Short: "Load a range of positions or of times",
		Long: `Backfill loads what of a range is not loaded yet. The range is of positions
(both ends included) or of times (from FROM up to, and without, TO); either end
may be left out. What is loaded already is not loaded again, so ranges may
overlap each other and what run has loaded.

With --again it is: every loaded window that has a position in the range is
loaded once more, whole and in place of itself. Readers see the old rows until
the new ones are there. Where the rules have changed since, this is refused, as
a table would have rows of two kinds: that is for rebuild.

A time is found in the history by its events, which are taken to lie about in
the order of their times; the positions that were found are told.`,
		Example: "  backstory backfill shop --from 2024-01-01 --to 2024-02-01\n  backstory backfill --from 1 --to 500000",
		RunE: func(cmd *cobra.Command, names []string) error {
			return load(cmd, g, names, work{verb: "loaded", do: func(j *schedules.Job, ctx context.Context) (*schedules.Report, error) {
				r, err := findRange(ctx, j, from, to)
				if errors.Is(err, errNoEvents) {
					return &schedules.Report{Job: j.Name}, nil
				}
				if err != nil {
					return nil, err
				}
				if !g.quiet {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s: positions %s\n", j.Name, rangeText(r))
				}
				if again {
					return j.Again(ctx, r)
				}
				return j.Backfill(ctx, r)
			}, nothing: func(*schedules.Report) string { return "nothing to load; no event of that range is not loaded" }})
		},
	}
	cmd.Flags().BoolVar(&again, "again", false, "load what is loaded already once more, in place of itself")
	cmd.Flags().StringVar(&from, "from", "", "first position, or a time: 2024-01-31 or 2024-01-31T15:04:05Z")
	cmd.Flags().StringVar(&to, "to", "", "last position, or a time that is no longer in the range")
	return cmd
}

// errNoEvents is a range of times in which nothing happened.
var errNoEvents = errors.New("no event lies in that range")

// findRange reads the two ends of a range.
func findRange(ctx context.Context, j *schedules.Job, from, to string) (r schedules.Range, err error) {
	first, since, err := parseEnd("from", from)
	if err != nil {
		return r, err
	}
	last, until, err := parseEnd("to", to)
	if err != nil {
		return r, err
	}
	backwards := !since.IsZero() && !until.IsZero() && !since.Before(until)
	if backwards || !first.IsZero() && !last.IsZero() && last.Compare(first) < 0 {
		return r, &usageError{fmt.Errorf("--from %s --to %s: the range ends before it begins", from, to)}
	}
	switch {
	case !first.IsZero():
		r.After = first
		r.After.Seq--
	case !since.IsZero():
		if r.After, err = j.PositionBefore(ctx, since); err != nil {
			return r, err
		}
	}
	r.Through = last
	if !until.IsZero() {
		if r.Through, err = j.PositionBefore(ctx, until); err != nil {
			return r, err
		}
	}
	if to != "" && r.Through.Compare(r.After) <= 0 {
		return r, errNoEvents
	}
	return r, nil
}

// parseEnd reads a position or a time; of an empty text both are zero.
func parseEnd(flag, text string) (source.Position, time.Time, error) {
	if text == "" {
		return source.Position{}, time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return source.Position{}, t, nil
		}
	}
	p, err := source.ParsePosition(text)
	if err != nil || p.Seq < 1 {
		return p, time.Time{}, &usageError{fmt.Errorf("--%s %s: want a position from 1 on, or a time such as 2024-01-31 or 2024-01-31T15:04:05Z", flag, text)}
	}
	return p, time.Time{}, nil
}

func rangeText(r schedules.Range) string {
	if r.Through.IsZero() {
		return "after " + r.After.String()
	}
	return source.Window{After: r.After, Through: r.Through}.String()
}
