package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newRun(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "run [JOB...]",
		Short: "Load everything that is safe to read and not loaded yet",
		Long: `Run loads one increment of each job: every event up to the watermark that
is not loaded yet, the whole past the first time. Then it ends. A run with
nothing to load succeeds.`,
		Example: "  backstory run\n  backstory run shop --json",
		RunE: func(cmd *cobra.Command, names []string) error {
			return load(cmd, g, names, work{
				verb: "loaded", do: (*schedules.Job).Run,
				nothing: func(rep *schedules.Report) string { return "nothing new; " + allLoaded(rep.Held, rep.Watermark) },
			})
		},
	}
}

// work is what a command has its jobs do.
type work struct {
	verb string // what was done to the events, for people
	do   func(*schedules.Job, context.Context) (*schedules.Report, error)
	// nothing says so where there was nothing to do.
	nothing func(*schedules.Report) string
}

// load opens the jobs and does work on one after the other. Too many events
// in quarantine do not keep the jobs that follow from their work.
func load(cmd *cobra.Command, g *globals, names []string, w work) (err error) {
	ctx := cmd.Context()
	a, err := openApp(ctx, g, true, names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	var quarantined error
	for _, job := range a.jobs {
		bar, err := newProgress(g, job.Name)
		if err != nil {
			return err
		}
		job.Watch = bar.step
		rep, err := w.do(job, ctx)
		bar.finish()
		if rep, err = gaveWay(job.Name, rep, err); err != nil {
			return err
		}
		writeQuiet(cmd.ErrOrStderr(), rep)
		writeDeferred(cmd.ErrOrStderr(), rep.Job, rep.Deferred)
		writeOutdated(cmd.ErrOrStderr(), rep)
		writeLate(cmd.ErrOrStderr(), rep)
		verb, nothing := w.verb, w.nothing
		if !rep.Quiet.IsZero() {
			verb, nothing = "loaded", func(rep *schedules.Report) string { return "nothing loaded; " + quietText(rep) }
		}
		if rep.Deferred != nil {
			nothing = func(*schedules.Report) string { return "nothing loaded; the day's quota is used up" }
		}
		if rep.Windows == 0 && !g.json {
			writeHeld(cmd.ErrOrStderr(), rep.Held, rep.Watermark)
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", rep.Job, nothing(rep))
		} else {
			err = writeReport(cmd, g, a, verb, rep)
		}
		if err != nil {
			return err
		}
		quarantined = errors.Join(quarantined, a.quarantine.check(rep))
	}
	return quarantined
}

func writeReport(cmd *cobra.Command, g *globals, a *app, verb string, rep *schedules.Report) error {
	out := cmd.OutOrStdout()
	if g.json {
		return writeJSON(out, reported{rep, quarantinedBy(rep.FirstQuarantined)})
	}
	writeHeld(cmd.ErrOrStderr(), rep.Held, rep.Watermark)
	rate := float64(rep.Events) / max(rep.Duration.Seconds(), 1e-3)
	fmt.Fprintf(out, "%s: %s %s as %s in %s, %s, in %s (%s events/s)\n", rep.Job, verb, plural(rep.Events, "event"), plural(rep.Rows, "row"),
		plural(rep.Windows, "window"), byteSize(rep.Stored), rep.Duration.Round(10*time.Millisecond), thousands(int64(rate)))
	if rep.TakenIn > 0 {
		fmt.Fprintf(out, "%s: %s taken in from quarantine\n", rep.Job, plural(rep.TakenIn, "event"))
	}
	a.quarantine.writeLost(out, rep)
	if rep.Extra > 0 {
		fmt.Fprintf(out, "%s: %s fitted no column and went to _extra: of another type than their column, or new where no columns are added\n", rep.Job, plural(rep.Extra, "value"))
	}
	_, err := fmt.Fprintf(out, "%s: %s in %s%s\n", rep.Job, plural(countTables(rep.Tables), "table"), a.config.sink.path, generationText(rep.Generation))
	return err
}

// countTables counts the tables of rows.
func countTables(tables []*transform.Table) (n int64) {
	for _, t := range tables {
		if !t.IsQuarantine() {
			n++
		}
	}
	return n
}

// generationText names a generation where there was one before it.
func generationText(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", generation %d", n)
}

// allLoaded says how far everything is loaded.
func allLoaded(held bool, mark source.Watermark) string {
	if held {
		return "what is safe to read is loaded"
	}
	return "everything up to position " + mark.Safe.String() + " is loaded"
}

// writeHeld says which transactions hold the watermark back.
func writeHeld(w io.Writer, held bool, mark source.Watermark) {
	if !held {
		return
	}
	if mark.Safe.IsZero() {
		fmt.Fprintf(w, "the watermark is held back: the store ends at position %s, and how far it is safe could not be found in time\n", mark.Head)
	} else {
		fmt.Fprintf(w, "the watermark is held back: the store ends at position %s, safe is %s\n", mark.Head, mark.Safe)
	}
	for _, h := range mark.Holders {
		if h.Prepared != "" {
			fmt.Fprintf(w, "  by the prepared transaction %s since %s\n", h.Prepared, h.Since.UTC().Format(time.RFC3339))
			continue
		}
		since := "; only a member of pg_read_all_stats may know since when"
		if !h.Since.IsZero() {
			since = " since " + h.Since.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(w, "  by process %d (%s, user %s, %s)%s\n", h.PID, orDash(h.Application), orDash(h.User), orDash(h.State), since)
	}
	fmt.Fprintln(w, "  what is above will be loaded by a later run, once they have ended")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
