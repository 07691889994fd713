package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"backstory/schedules"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newSchema(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Show, compare or freeze the columns of the tables",
		Long: `Schema shows the columns of the tables and where each comes from, compares
them with what the present rules would make, or writes them to a file that the
configuration includes, so that they stay as they are.`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSchemaShow(g), newSchemaDiff(g), newSchemaFreeze(g), newSchemaSQL(g))
	return cmd
}

// schema is the tables that a job has, or would begin with.
type schema struct {
	*app
	job    *schedules.Job
	state  *schedules.State
	tables []*transform.Table
	// loaded says that the tables are the ledger's; else nothing is loaded yet.
	loaded bool
}

// openSchema opens the configuration's job and finds its tables: those of the
// ledger, or before the first load those of a look at the store. Nothing is
// written. Close the app in the end.
func openSchema(ctx context.Context, g *globals) (_ *schema, err error) {
	a, err := openApp(ctx, g, false, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if err := a.openLedgerToRead(ctx); err != nil {
		return nil, err
	}
	s := &schema{app: a, job: a.jobs[0]}
	if s.state, err = s.job.Ledger.State(ctx, s.job.Name); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if s.tables = s.state.Tables; len(s.tables) > 0 {
		s.loaded = true
		return s, nil
	}
	s.tables, err = a.discovered(ctx, a.sampleSize())
	return s, err
}

// discovered gives the tables that the present rules make of the store, by
// about so many of its events; less than 0 is all.
func (a *app) discovered(ctx context.Context, sample int) ([]*transform.Table, error) {
	mark, err := a.source.Watermark(ctx)
	if err != nil {
		return nil, err
	}
	shapes, err := schedules.Discover(ctx, a.source, a.pipeline, sourceWindow(mark), sample, schedules.DefaultWorkers)
	if err != nil {
		return nil, err
	}
	catalog, _ := a.pipeline.NewCatalog(nil).Evolve(shapes)
	return catalog.Tables(), nil
}

// sampleSize is about how many events discovery looks at before the first
// load: less than 0, for all, where columns cannot be added later.
func (a *app) sampleSize() int {
	if a.pipeline.FixesColumns() {
		return -1
	}
	if a.load.Sample > 0 {
		return a.load.Sample
	}
	return schedules.DefaultSample
}

// named gives the tables of those names, or all. A table may be named by its
// event type.
func (s *schema) named(names []string) ([]*transform.Table, error) {
	if len(names) == 0 {
		return s.tables, nil
	}
	var chosen []*transform.Table
	for _, name := range names {
		i := slices.IndexFunc(s.tables, func(t *transform.Table) bool { return t.Name == name || t.Event == name && t.Explode == nil })
		if i < 0 {
			return nil, &usageError{fmt.Errorf("there is no table %s; there are: %s", name, tableNames(s.tables))}
		}
		chosen = append(chosen, s.tables[i])
	}
	return chosen, nil
}

func tableNames(tables []*transform.Table) string {
	if len(tables) == 0 {
		return "none"
	}
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.Name
	}
	return strings.Join(names, ", ")
}
