package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/transform"
)

// holding is what the sink holds of one table.
type holding struct {
	Table  string `json:"table"`
	Rows   int64  `json:"rows"`
	Files  int64  `json:"files"`
	Bytes  int64  `json:"bytes"`
	Folder string `json:"folder,omitempty"`
}

// holdings asks the sink what it holds of a job, table by table. It gives
// the tables' names alone where nothing is loaded yet or the sink cannot tell.
func (a *app) holdings(ctx context.Context, s *schedules.State) ([]holding, error) {
	held := make([]holding, len(s.Tables))
	at := make(map[string]*holding, len(held))
	for i, t := range s.Tables {
		held[i].Table = t.Name
		at[t.Name] = &held[i]
	}
	if s.Totals.Windows == 0 {
		return held, nil
	}
	sink, err := a.config.sink.open(ctx)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	inventory, ok := sink.(sinks.Inventory)
	if !ok {
		return held, nil
	}
	loads, _, err := inventory.Manifests(ctx, s.Job, s.Generation)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool) // after a compaction, loads share files
	for _, l := range loads {
		for _, t := range l.Tables {
			h := at[t.Name]
			if h == nil {
				continue
			}
			h.Rows += t.Rows
			for _, f := range t.Files {
				if !seen[f.Path] {
					seen[f.Path] = true
					h.Files++
					h.Bytes += f.Bytes
					h.Folder = filepath.Join(a.config.sink.path, tableFolder(f.Path, t.Name))
				}
			}
		}
	}
	return held, nil
}

// look gives a job's status and what the sink holds of it. While a rebuild
// swaps its generation in, ledger and sink are at odds for a moment: then it
// looks again.
func (a *app) look(ctx context.Context, j *schedules.Job, ask bool) (*schedules.Status, []holding, error) {
	const tries, pause = 10, 100 * time.Millisecond
	for n := 1; ; n++ {
		s, err := j.Status(ctx, ask)
		if err != nil {
			return nil, nil, err
		}
		held, err := a.holdings(ctx, s.State)
		if err == nil || n == tries {
			return s, held, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tableFolder gives the part of a file's path that ends with the table.
func tableFolder(file, table string) string {
	before, _, _ := strings.Cut("/"+file, "/"+table+"/")
	return filepath.FromSlash(before + "/" + table)
}

// writeHoldings writes a line for each table, with its files where the sink
// keeps any: a warehouse has none.
func writeHoldings(w io.Writer, held []holding) error {
	files := slices.ContainsFunc(held, func(h holding) bool { return h.Files > 0 })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, h := range held {
		if h.Table == transform.Quarantine && h.Rows == 0 {
			continue // there was something in it once
		}
		if !files {
			fmt.Fprintf(t, "  %s\t%s\n", h.Table, plural(h.Rows, "row"))
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", h.Table, plural(h.Rows, "row"), plural(h.Files, "file"), byteSize(h.Bytes), h.Folder)
	}
	return t.Flush()
}
