package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"
	"backstory/transform/survey"

	"github.com/spf13/cobra"
)

// discovery is what the command discover is asked for.
type discovery struct {
	sample  int
	columns bool
	suggest bool
	starter string
}

func newDiscover(g *globals) *cobra.Command {
	var d discovery
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "Show what the events look like, their accidents, and the upcasters they want",
		Long: `Discover reads all of the history, or with --sample events evenly from all
of it, as it is stored, before any upcaster. It shows the accidents it finds, such
as a field that was renamed without a new schema version; each event type and
version with its counts, first and last; and the distinct shapes of their payloads.

From how versions differ it suggests upcasters: --suggest prints them, --starter
writes them to a file, commented, with examples out of the history. Values that
look personal are masked. The store is only read.`,
		Example: "  backstory discover\n  backstory discover --starter upcasters.yaml\n  backstory discover --json",
		Args:    args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd, g)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&d.sample, "sample", 0, "look at about so many events only; 0 means all")
	flags.BoolVar(&d.columns, "columns", false, "show the tables that a first load would make, with their columns")
	flags.BoolVar(&d.suggest, "suggest", false, "print the upcasters that the history suggests, and nothing else")
	flags.StringVar(&d.starter, "starter", "", "write them to this file, which must not be there yet")
	return cmd
}

func (d *discovery) run(cmd *cobra.Command, g *globals) (err error) {
	ctx := cmd.Context()
	if d.sample < 0 {
		return &usageError{errors.New("--sample: want a number of events, or 0 for all")}
	}
	a, err := openApp(ctx, g, false, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	mark, err := a.source.Watermark(ctx)
	if err != nil {
		return err
	}
	writeHeld(cmd.ErrOrStderr(), mark.Safe.Compare(mark.Head) < 0, mark)
	if err := a.openLedgerToRead(ctx); err != nil {
		return err
	}
	state, err := a.jobs[0].Ledger.State(ctx, a.jobs[0].Name)
	if err != nil {
		return err
	}
	if a.pipeline, err = state.Forgets(a.pipeline); err != nil { // nor do they make examples
		return err
	}
	report, err := d.look(ctx, g, a, sourceWindow(mark))
	if err != nil {
		return err
	}
	if d.starter != "" {
		if err := writeStarter(d.starter, report); err != nil {
			return err
		}
		if !g.quiet {
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: %s\n", d.starter, plural(int64(len(report.Upcasters)), "upcaster"))
		}
	}
	var tables []*transform.Table
	if d.columns {
		if tables, err = a.discovered(ctx, a.sampleSize()); err != nil {
			return err
		}
	}
	out := cmd.OutOrStdout()
	switch {
	case d.suggest:
		return report.WriteStarter(out)
	case g.json:
		return json.NewEncoder(out).Encode(struct {
			*survey.Report
			Tables []discoveredTable `json:"tables,omitempty"`
		}{report, discoveredTables(tables)})
	}
	return writeDiscovered(out, report, tables)
}

// look surveys the history.
func (d *discovery) look(ctx context.Context, g *globals, a *app, w source.Window) (*survey.Report, error) {
	bar, err := newProgress(g, "discover")
	if err != nil {
		return nil, err
	}
	defer bar.finish()
	job := &schedules.Job{Name: "discover", Source: a.source, Pipeline: a.pipeline, Workers: a.load.Workers, Watch: bar.step}
	sample := -1
	if d.sample > 0 {
		sample = d.sample
	}
	s, err := job.Survey(ctx, w, sample)
	if err != nil {
		return nil, err
	}
	return s.Report(survey.Options{Ends: a.pipeline.Ends(), Repaired: a.repaired()}), nil
}

// repaired gives the schema versions, by event type, that the configuration
// has repairs for.
func (a *app) repaired() map[string][]int {
	var rules []struct {
		Event string `json:"event"`
		At    int    `json:"at"`
	}
	all := make(map[string][]int)
	if set := a.rules.upcasters; set != nil && json.Unmarshal(set.Text(), &rules) == nil {
		for _, r := range rules {
			if r.At > 0 {
				all[r.Event] = append(all[r.Event], r.At)
			}
		}
	}
	return all
}

// sourceWindow is everything that is safe to read.
func sourceWindow(mark source.Watermark) source.Window {
	return source.Window{Through: mark.Safe}
}

// writeStarter writes the suggested upcasters to a file that is not there
// yet.
func writeStarter(name string, r *survey.Report) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	switch {
	case errors.Is(err, fs.ErrExist):
		return source.Setup("move it away, or name another", "write upcasters: %w", err)
	case err != nil:
		return source.Setup("make the folder, and make it writable for this user", "write upcasters: %w", err)
	}
	err = r.WriteStarter(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(source.Setup("the disk may be full: make room", "write upcasters: %w", err), os.Remove(name))
	}
	return nil
}
