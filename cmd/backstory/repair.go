package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"backstory/schedules"

	"github.com/spf13/cobra"
)

func newRepair(g *globals) *cobra.Command {
	r := &repairFlags{verifyFlags: verifyFlags{globals: g}}
	cmd := &cobra.Command{
		Use:   "repair [JOB...] --yes",
		Short: "Load again what verify finds to be wrong, and nothing else",
		Long: `Repair verifies a job in full and says which windows it would load again; with
--yes it does so, each in place of itself. Files that no load has written, and
those that are damaged, are taken out of the tables first and kept in
_backstory/JOB/foreign; nothing is deleted. Where a damaged file holds rows of
several windows, all of these are loaded again, and readers lack their rows
meanwhile. At the end it verifies what it has loaded.

Interrupted, it is finished by another repair or by the next run. What cannot be
mended window by window is told, and needs a rebuild: exit code 5. In a warehouse
these are rows at positions outside all windows, and tables that are missing.`,
		Example: "  backstory repair shop\n  backstory repair shop --yes",
		RunE:    r.run,
	}
	cmd.Flags().BoolVar(&r.yes, "yes", false, "do it; else it is only said what would be done")
	r.add(cmd)
	return cmd
}

type repairFlags struct {
	verifyFlags
	yes bool
}

func (r *repairFlags) run(cmd *cobra.Command, names []string) (err error) {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	a, err := openApp(ctx, r.globals, true, names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	var failed error
	for _, j := range a.jobs {
		o, err := r.options(cmd, j)
		if err != nil {
			return err
		}
		bar, err := newProgress(r.globals, j.Name)
		if err != nil {
			return err
		}
		j.Watch = bar.step
		rep, err := j.Repair(ctx, schedules.RepairOptions{Apply: r.yes, Verify: o})
		bar.finish()
		if rep == nil || rep.Before == nil || errors.Is(err, context.Canceled) {
			return err
		}
		if r.json {
			failed = errors.Join(failed, writeJSON(out, rep), err)
			continue
		}
		if e := writeRepair(out, rep); e != nil {
			return e
		}
		failed = errors.Join(failed, err)
		if !r.yes && len(rep.Beyond) > 0 {
			failed = errors.Join(failed, &schedules.DisagreeError{
				Job: j.Name, Reason: plural(int64(len(rep.Beyond)), "finding") + " cannot be mended window by window",
				Advice: "backstory rebuild " + j.Name + " loads all of it anew; readers keep the present tables until then",
			})
		}
	}
	return failed
}

func writeRepair(w io.Writer, r *schedules.Repair) error {
	if err := writeProof(w, r.Before); err != nil {
		return err
	}
	if r.Before.Holds() {
		_, err := fmt.Fprintf(w, "%s: there is nothing to repair\n", r.Job)
		return err
	}
	what := "would be loaded again"
	switch {
	case r.After != nil:
		what = "loaded again"
	case r.Applied: // what ended it is told after this
		what = "is still to be loaded again"
	}
	for _, a := range r.Aside {
		switch {
		case a.To != "":
			fmt.Fprintf(w, "%s: %s was moved to %s\n", r.Job, visible(a.File), visible(a.To))
		case !r.Applied:
			fmt.Fprintf(w, "%s: %s would be moved aside, if it is there\n", r.Job, visible(a.File))
		}
	}
	for i, win := range r.Reload {
		if i == maxShown {
			fmt.Fprintf(w, "%s: and %s more\n", r.Job, plural(int64(len(r.Reload)-i), "window"))
			break
		}
		fmt.Fprintf(w, "%s: window %s %s\n", r.Job, win, what)
	}
	for _, f := range r.Beyond {
		fmt.Fprintf(w, "%s: only a rebuild mends this: %s\n", r.Job, visible(f.Text()))
	}
	if !r.Applied {
		if r.Billed > 0 {
			fmt.Fprintf(w, "%s: the queries that do it would be billed for about %s\n", r.Job, byteSize(r.Billed))
		}
		if len(r.Reload)+len(r.Aside) > 0 {
			fmt.Fprintf(w, "%s: nothing was changed; with --yes it is done\n", r.Job)
		}
		return nil
	}
	if r.After != nil && r.After.Holds() && len(r.Beyond) == 0 {
		fmt.Fprintf(w, "%s: repaired in %s: %s loaded again, and all of them agree with the store\n", r.Job, r.Report.Duration.Round(10*time.Millisecond), plural(int64(len(r.Reload)), "window"))
	}
	return nil
}

// writeLate says which windows had changed in the store when a run counted
// them again.
func writeLate(w io.Writer, rep *schedules.Report) {
	l := rep.Late
	if l == nil {
		return
	}
	if l.Events > 0 {
		fmt.Fprintf(w, "warning: %s: %s came late, to windows that were loaded before: %s; they were loaded again. A writer takes positions and uses them later than any fence sees, or a replica was restored\n",
			rep.Job, plural(l.Events, "event"), windowsText(l.Windows))
	}
	if l.Gone > 0 {
		fmt.Fprintf(w, "warning: %s: %s gone from the store since they were loaded, in window %s; the tables keep them. backstory verify --full tells more, backstory repair takes them out\n",
			rep.Job, plural(l.Gone, "event"), windowsText(l.Fewer))
	}
}
