package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"backstory/source"
	"backstory/transform"

	"github.com/spf13/cobra"
)

func newSchemaShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show [TABLE...]",
		Short: "Show the columns of the tables and where each comes from",
		Long: `Show lists the columns of the tables that are loaded, or would be by the first
run: type, the path into the payload, the position since which the column is
needed, the upcasters that have a hand in it, and what contract holds for it. A
table may be named by its event type.`,
		Example: "  backstory schema show\n  backstory schema show cart_item_added",
		RunE: func(cmd *cobra.Command, names []string) (err error) {
			s, err := openSchema(cmd.Context(), g)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.close()) }()
			tables, err := s.named(names)
			if err != nil {
				return err
			}
			if !s.loaded && !g.quiet {
				fmt.Fprintln(cmd.ErrOrStderr(), "nothing is loaded yet; these are the tables that the first run would make")
			}
			shown := s.show(tables)
			if g.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(shown)
			}
			return writeSchema(cmd.OutOrStdout(), shown)
		},
	}
}

// shownTable is a table for people and scripts.
type shownTable struct {
	Name    string `json:"name"`
	Event   string `json:"event,omitempty"`
	Explode string `json:"explode,omitempty"`
	Version int    `json:"version"`
	// Contract is what holds for members that have no column.
	Contract string        `json:"contract"`
	Columns  []shownColumn `json:"columns"`
}

// shownColumn is a column for people and scripts.
type shownColumn struct {
	Name     string             `json:"name"`
	Type     string             `json:"type"`
	Path     []string           `json:"path,omitempty"`
	Meta     bool               `json:"meta,omitempty"`
	Since    source.Position    `json:"since,omitzero"`
	Encoding transform.Encoding `json:"encoding,omitempty"`
	Declared bool               `json:"declared,omitempty"`
	Masked   bool               `json:"masked,omitempty"`
	// Contract is set where it is another than the table's.
	Contract string `json:"contract,omitempty"`
	// Rules are the operations of upcasters that have a hand in the values.
	Rules []string `json:"rules,omitempty"`
	from  string
}

func (s *schema) show(tables []*transform.Table) []shownTable {
	history := s.rules.lineage()
	all := []shownTable{}
	for _, t := range tables {
		shown := shownTable{
			Name: t.Name, Event: t.Event, Explode: joinPath(t.Explode), Version: t.Version,
			Contract: contractOf(&s.rules.tables, t.Event, ""), Columns: []shownColumn{},
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			column := shownColumn{
				Name: c.Name, Type: c.Type.String(), Path: c.Path, Meta: c.Meta, Since: c.Since,
				Encoding: c.Encoding, Declared: c.Declared, Masked: c.Masked, from: columnPath(c),
			}
			if c.Path != nil {
				path := append(t.Explode[:len(t.Explode):len(t.Explode)], c.Path...)
				if contract := contractOf(&s.rules.tables, t.Event, strings.Join(path, ".")); contract != shown.Contract {
					column.Contract = contract
				}
				column.Rules = history.of(t.Event, c.Meta, path)
			}
			shown.Columns = append(shown.Columns, column)
		}
		all = append(all, shown)
	}
	return all
}

// contractOf gives the contract that holds at a path of an event type's
// payloads, "" for its table: the nearest that is named.
func contractOf(o *transform.Options, event, path string) string {
	contract := o.Contract
	if c := o.Contracts[event]; c != "" {
		contract = c
	}
	longest := -1
	for p, c := range o.ColumnContracts[event] {
		if len(p) > longest && (path == p || strings.HasPrefix(path, p+".")) {
			contract, longest = c, len(p)
		}
	}
	if contract == "" {
		return contractNames[0]
	}
	return string(contract)
}

func writeSchema(w io.Writer, tables []shownTable) error {
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(w)
		}
		of := "all events"
		if t.Event != "" {
			of = t.Event
		}
		if t.Explode != "" {
			of += ", a row for each of " + t.Explode
		}
		fmt.Fprintf(w, "%s: %s; contract %s\n", t.Name, oneLine(of), t.Contract)
		rows := [][]string{{"COLUMN", "TYPE", "FROM", "SINCE", "REMARKS"}}
		for _, c := range t.Columns {
			since := ""
			if !c.Since.IsZero() {
				since = c.Since.String()
			}
			rows = append(rows, []string{c.Name, c.Type, c.from, since, strings.Join(remarks(c), "; ")})
		}
		if err := writeGrid(w, rows); err != nil {
			return err
		}
	}
	return nil
}

func remarks(c shownColumn) []string {
	var r []string
	if c.Masked {
		r = append(r, "masked")
	}
	if c.Declared {
		r = append(r, "declared")
	}
	if c.Contract != "" {
		r = append(r, "contract "+c.Contract)
	}
	return append(r, c.Rules...)
}
