package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newDiscover(g *globals) *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use:   "discover",
		Short: "Show the event types of the store and the columns they would have",
		Long: `Discover looks at a sample from all of the history, or with --full at every
event, and shows the event types with their schema versions, counts, first and
last, and the columns their tables would have. It writes nothing.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx := cmd.Context()
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
			sample := schedules.DefaultSample
			if a.load.Sample > 0 {
				sample = a.load.Sample
			}
			if full {
				sample = -1
			}
			shapes, err := schedules.Discover(ctx, a.source, a.pipeline, sourceWindow(mark), sample, schedules.DefaultWorkers)
			if err != nil {
				return err
			}
			catalog, _ := a.pipeline.NewCatalog(nil).Evolve(shapes)
			if g.json {
				return writeDiscoveredJSON(cmd.OutOrStdout(), shapes, catalog)
			}
			return writeDiscovered(cmd.OutOrStdout(), shapes, catalog)
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "look at every event")
	return cmd
}

// sourceWindow is everything that is safe to read.
func sourceWindow(mark source.Watermark) source.Window {
	return source.Window{Through: mark.Safe}
}

// versionsText writes the schema versions of a shape with their counts.
func versionsText(sh *transform.Shape) string {
	var versions []int
	for v := range sh.Versions {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	var parts []string
	for _, v := range versions {
		parts = append(parts, fmt.Sprintf("%d: %s", v, thousands(sh.Versions[v])))
	}
	return strings.Join(parts, ", ")
}

func writeDiscovered(w io.Writer, shapes *transform.Shapes, catalog *transform.Catalog) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "EVENT TYPE\tEVENTS\tSCHEMA VERSIONS\tFIRST\tLAST\tFROM\tTO")
	for _, sh := range shapes.All() {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", sh.Event, thousands(sh.Events), versionsText(sh), sh.First, sh.Last, day(sh.FirstTime), day(sh.LastTime))
	}
	for _, table := range catalog.Tables() {
		fmt.Fprintf(t, "\n%s\n", table.Name)
		for _, c := range table.Columns {
			from := strings.Join(c.Path, ".")
			switch {
			case c.Meta:
				from = "\tmeta." + from
			case from != "":
				from = "\t" + from
			}
			fmt.Fprintf(t, "  %s\t%s%s\n", c.Name, c.Type, from)
		}
	}
	return t.Flush()
}

func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func writeDiscoveredJSON(w io.Writer, shapes *transform.Shapes, catalog *transform.Catalog) error {
	type event struct {
		Event     string          `json:"event"`
		Events    int64           `json:"events"`
		Bytes     int64           `json:"bytes"`
		Versions  map[int]int64   `json:"schema_versions"`
		First     source.Position `json:"first"`
		Last      source.Position `json:"last"`
		FirstTime time.Time       `json:"first_time,omitzero"`
		LastTime  time.Time       `json:"last_time,omitzero"`
	}
	type column struct {
		Name string   `json:"name"`
		Type string   `json:"type"`
		Path []string `json:"path,omitempty"`
		Meta bool     `json:"meta,omitempty"`
	}
	type table struct {
		Name    string   `json:"name"`
		Event   string   `json:"event,omitempty"`
		Columns []column `json:"columns"`
	}
	var out struct {
		Events []event `json:"events"`
		Tables []table `json:"tables"`
	}
	out.Events, out.Tables = []event{}, []table{}
	for _, sh := range shapes.All() {
		out.Events = append(out.Events, event{sh.Event, sh.Events, sh.Bytes, sh.Versions, sh.First, sh.Last, sh.FirstTime, sh.LastTime})
	}
	for _, t := range catalog.Tables() {
		shown := table{Name: t.Name, Event: t.Event}
		for _, c := range t.Columns {
			shown.Columns = append(shown.Columns, column{c.Name, c.Type.String(), c.Path, c.Meta})
		}
		out.Tables = append(out.Tables, shown)
	}
	return json.NewEncoder(w).Encode(out)
}
