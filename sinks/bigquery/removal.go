package bigquery

import (
	"context"
	"slices"

	"backstory/sinks"
	"backstory/transform"
)

// removal is what is taken out of one table.
type removal struct {
	table      string
	conditions []string // that find the rows, each one of them
	rows       int64    // how many there are
	fewer      bool     // there may be fewer: rows expire
	any        bool     // there may be any number
}

// removals tells what a replacement takes out of the tables: what the load has
// brought, and out of those to be restored all that lies at its positions.
func (h *home) removals(old record, restored []string) ([]removal, error) {
	var all []removal
	for _, lt := range old.Tables {
		if lt.Rows == 0 || slices.Contains(restored, lt.Name) {
			continue
		}
		where, ok := old.Spans[lt.Name]
		if !ok {
			where = anywhere
		}
		from, err := h.removal(old, lt.Name, where)
		if err != nil {
			return nil, err
		}
		from.rows = lt.Rows
		all = append(all, from)
	}
	for _, table := range slices.Compact(slices.Sorted(slices.Values(restored))) {
		if !loadedInto(old, table) && !h.knows(table) {
			continue // it is still to be made
		}
		from, err := h.removal(old, table, anywhere)
		if err != nil {
			return nil, err
		}
		from.any = true
		all = append(all, from)
	}
	return all, nil
}

// loadedInto tells whether a load has brought rows into a table.
func loadedInto(m record, table string) bool {
	return slices.ContainsFunc(m.Tables, func(lt sinks.LoadedTable) bool { return lt.Name == table && lt.Rows > 0 })
}

// knows tells whether a table is one of the generation's.
func (h *home) knows(table string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.tables, func(t *transform.Table) bool { return t.Name == table })
}

// removal finds the rows of a load in a table.
func (h *home) removal(old record, table string, where span) (removal, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.tables, func(t *transform.Table) bool { return t.Name == table })
	if i < 0 {
		return removal{}, fault("load a new generation with backstory rebuild", "table %s has rows of the window, and nothing is known of its columns", h.sink.fullName(table))
	}
	by := h.sink.partitionOf(h.tables[i])
	conditions, err := h.sink.conditions(old.Window, by, where)
	return removal{table: table, conditions: conditions, fewer: by != transform.ByNone && h.sink.o.Expiration > 0}, err
}

// ReplaceCost estimates the bytes that loading a window again is billed for,
// by queries that are not run and cost nothing. Not counted are the new rows
// themselves, which are read once, and that BigQuery counts 10 MiB for each
// table at least. A Restore of the named tables reads all their partitions.
func (s *Sink) ReplaceCost(ctx context.Context, l sinks.Load, tables ...string) (bytes int64, err error) {
	bytes, err = s.replaceCost(ctx, l, tables)
	if err != nil {
		return 0, explain(err, "estimate the costs of replacing load %s of job %s", l.Window, l.Job)
	}
	return bytes, nil
}

func (s *Sink) replaceCost(ctx context.Context, l sinks.Load, restored []string) (bytes int64, err error) {
	h, old, err := s.committed(ctx, l)
	if err != nil {
		return 0, err
	}
	all, err := h.removals(old, restored)
	if err != nil {
		return 0, err
	}
	for _, from := range all {
		for _, condition := range from.conditions {
			n, err := s.dryRun(ctx, "DELETE FROM "+s.quotedTable(h.nameOf(from.table))+condition)
			if err != nil {
				return 0, err
			}
			bytes += n
		}
	}
	return bytes, nil
}

// dryRun tells how many bytes a statement would read.
func (s *Sink) dryRun(ctx context.Context, text string) (bytes int64, err error) {
	err = s.ask(ctx, func(ctx context.Context) error {
		q := s.client.Query(text + ";")
		q.DryRun, q.Location = true, s.client.Location
		job, err := q.Run(ctx)
		if err != nil {
			return err
		}
		if status := job.LastStatus(); status != nil && status.Statistics != nil {
			bytes = status.Statistics.TotalBytesProcessed
		}
		return nil
	})
	return bytes, err
}
