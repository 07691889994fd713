package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newSchemaDiff(g *globals) *cobra.Command {
	var generation, sample int
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what a rebuild would change of the tables' columns",
		Long: `Diff compares the tables that are loaded with those that the present rules
would make of the whole history: columns that are new, gone, or of another type.
With --generation it compares the tables of another generation, one before a
rebuild, with those that are loaded.`,
		Args: args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			ctx := cmd.Context()
			s, err := openSchema(ctx, g)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			if !s.loaded {
				return source.Setup("load it with: backstory run", "compare tables: job %s has none yet", s.job.Name)
			}
			d := schemaDiff{Job: s.job.Name}
			if generation > 0 {
				old, err := s.generationTables(ctx, generation)
				if err != nil {
					return err
				}
				d.Old, d.New = fmt.Sprintf("generation %d", generation), fmt.Sprintf("generation %d", s.state.Generation)
				d.compare(old, s.tables)
			} else {
				next, err := s.discovered(ctx, sample)
				if err != nil {
					return err
				}
				d.Old, d.New = fmt.Sprintf("generation %d", s.state.Generation), "the present rules"
				d.compare(s.tables, next)
			}
			if g.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
			}
			return d.write(cmd.OutOrStdout())
		},
	}
	cmd.Flags().IntVar(&generation, "generation", 0, "compare the tables of this generation with those that are loaded")
	cmd.Flags().IntVar(&sample, "sample", -1, "look at about so many events; by default at all")
	return cmd
}

// generationTables gives the tables of a generation that the sink keeps.
func (s *schema) generationTables(ctx context.Context, generation int) ([]*transform.Table, error) {
	sink, err := s.config.sink.open(ctx)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	inventory, ok := sink.(sinks.Inventory)
	if !ok {
		return nil, source.Setup("compare with the present rules, without --generation", "read generation %d: this sink does not keep the tables of generations", generation)
	}
	_, tables, err := inventory.Manifests(ctx, s.job.Name, generation)
	if err != nil {
		return nil, err
	}
	if len(tables) == 0 {
		return nil, source.Setup("the generation before the live one is kept until the next rebuild, or until --drop-old", "read generation %d: it is not there; live is %d", generation, s.state.Generation)
	}
	return tables, nil
}

// schemaDiff is how two sets of tables differ.
type schemaDiff struct {
	Job string `json:"job"`
	// Old and New say what is compared.
	Old     string        `json:"old"`
	New     string        `json:"new"`
	Changes []tableChange `json:"changes"`
}

// tableChange is a table that is new or gone, or whose columns differ.
type tableChange struct {
	Table   string         `json:"table"`
	Event   string         `json:"event,omitempty"`
	Change  string         `json:"change"` // new, gone, columns or name
	OldName string         `json:"old_name,omitempty"`
	Columns []columnChange `json:"columns,omitempty"`
}

// columnChange is a column that is new, gone, or not as it was.
type columnChange struct {
	Column string `json:"column"`
	From   string `json:"from,omitempty"`
	Change string `json:"change"` // new, gone, type, name, masked or unmasked
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
}

// compare notes what differs. Tables belong together by their event type and
// list, columns by their path.
func (d *schemaDiff) compare(old, now []*transform.Table) {
	d.Changes = []tableChange{}
	for _, t := range old {
		n := sameTable(now, t)
		if n == nil {
			// Where there is nothing to put there, this table is not made.
			if t.Name != transform.Quarantine {
				d.Changes = append(d.Changes, tableChange{Table: t.Name, Event: t.Event, Change: "gone"})
			}
			continue
		}
		c := tableChange{Table: n.Name, Event: n.Event, Change: "columns", Columns: compareColumns(t, n)}
		if t.Name != n.Name {
			c.Change, c.OldName = "name", t.Name
		}
		if c.OldName != "" || len(c.Columns) > 0 {
			d.Changes = append(d.Changes, c)
		}
	}
	for _, t := range now {
		if sameTable(old, t) == nil {
			d.Changes = append(d.Changes, tableChange{Table: t.Name, Event: t.Event, Change: "new"})
		}
	}
}

// sameTable finds the table of the same events.
func sameTable(tables []*transform.Table, t *transform.Table) *transform.Table {
	i := slices.IndexFunc(tables, func(o *transform.Table) bool {
		return o.Event == t.Event && slices.Equal(o.Explode, t.Explode) && (o.Event != "" || o.Name == t.Name)
	})
	if i < 0 {
		return nil
	}
	return tables[i]
}

func compareColumns(old, now *transform.Table) []columnChange {
	var changes []columnChange
	find := func(t *transform.Table, c *transform.Column) *transform.Column {
		for i := range t.Columns {
			if o := &t.Columns[i]; o.Path != nil && o.Meta == c.Meta && slices.Equal(o.Path, c.Path) {
				return o
			}
		}
		return nil
	}
	for i := range old.Columns {
		c := &old.Columns[i]
		if c.Path == nil {
			continue
		}
		n := find(now, c)
		if n == nil {
			changes = append(changes, columnChange{Column: c.Name, From: columnPath(c), Change: "gone", Old: c.Type.String()})
			continue
		}
		change := columnChange{Column: n.Name, From: columnPath(n)}
		if !n.Type.Equal(c.Type) {
			change.Change, change.Old, change.New = "type", c.Type.String(), n.Type.String()
			changes = append(changes, change)
		}
		if n.Name != c.Name {
			change.Change, change.Old, change.New = "name", c.Name, n.Name
			changes = append(changes, change)
		}
		if n.Masked != c.Masked {
			change.Change, change.Old, change.New = "unmasked", "", ""
			if n.Masked {
				change.Change = "masked"
			}
			changes = append(changes, change)
		}
	}
	for i := range now.Columns {
		if c := &now.Columns[i]; c.Path != nil && find(old, c) == nil {
			changes = append(changes, columnChange{Column: c.Name, From: columnPath(c), Change: "new", New: c.Type.String()})
		}
	}
	return changes
}

func (d *schemaDiff) write(w io.Writer) error {
	if len(d.Changes) == 0 {
		_, err := fmt.Fprintf(w, "%s: %s and %s have the same columns\n", d.Job, d.Old, d.New)
		return err
	}
	fmt.Fprintf(w, "%s: from %s to %s\n", d.Job, d.Old, d.New)
	for _, t := range d.Changes {
		switch t.Change {
		case "new", "gone":
			fmt.Fprintf(w, "%s: %s\n", t.Table, t.Change)
		case "name":
			fmt.Fprintf(w, "%s: called %s before\n", t.Table, t.OldName)
		default:
			fmt.Fprintf(w, "%s:\n", t.Table)
		}
		var rows [][]string
		for _, c := range t.Columns {
			rows = append(rows, []string{c.sign(), c.Column, c.what(), c.From})
		}
		if err := writeGrid(w, rows); err != nil {
			return err
		}
	}
	return nil
}

// sign marks what is new, gone or changed.
func (c *columnChange) sign() string {
	switch c.Change {
	case "new":
		return "+"
	case "gone":
		return "-"
	}
	return "~"
}

// what says what changed.
func (c *columnChange) what() string {
	switch c.Change {
	case "new":
		return c.New
	case "gone":
		return c.Old
	case "type":
		return c.Old + " -> " + c.New
	case "name":
		return "called " + c.Old + " before"
	}
	return c.Change
}
