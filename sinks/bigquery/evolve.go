package bigquery

import (
	"context"
	"slices"
	"strings"

	"backstory/transform"

	"golang.org/x/sync/errgroup"
)

// Evolve makes the tables of a generation, or adds the columns that are new;
// rows that are there have nulls in them. Each is one request, which readers
// see at once or not at all. Tables of the job that are not among tables stay
// as they are.
func (s *Sink) Evolve(ctx context.Context, job string, n int, tables []*transform.Table) error {
	h, err := s.home(ctx, job, n)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return explain(h.evolve(ctx, tables), "evolve job %s", job)
}

func (h *home) evolve(ctx context.Context, tables []*transform.Table) error {
	if err := h.mayLoad(); err != nil {
		return err
	}
	if err := h.idle(); err != nil {
		return err
	}
	for _, t := range tables {
		if err := checkTableName(t.Name); err != nil {
			return err
		}
		t.Schema() // before it is shared
	}
	if err := h.sink.makeDataset(ctx); err != nil {
		return err
	}
	made, err := h.makeAll(ctx, tables)
	if err != nil {
		return err
	}
	next, changed := slices.Clone(h.tables), !h.recorded
	for i, t := range tables {
		h.targets[t.Name] = made[i]
		k := slices.IndexFunc(next, func(o *transform.Table) bool { return strings.EqualFold(o.Name, t.Name) })
		switch {
		case k < 0:
			next, changed = append(next, t), true
		case !same(next[k], t):
			next[k], changed = t, true
		}
	}
	h.tables, h.recorded = next, !changed
	return h.recordLocked(ctx)
}

// makeAll makes or changes tables, several at a time: a job may have hundreds.
func (h *home) makeAll(ctx context.Context, tables []*transform.Table) ([]*target, error) {
	made := make([]*target, len(tables))
	one := func(ctx context.Context, i int) (err error) {
		made[i], err = h.sink.ensure(ctx, h.sink.want(h, tables[i], h.tableName(tables[i].Name)))
		return err
	}
	if h.sink.o.Step != nil { // tests stop this goroutine at a step, and no other
		for i := range tables {
			if err := one(ctx, i); err != nil {
				return nil, err
			}
		}
		return made, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobsAtOnce)
	for i := range tables {
		g.Go(func() error { return one(ctx, i) })
	}
	return made, g.Wait()
}

// same tells whether two tables are written down alike.
func same(a, b *transform.Table) bool {
	return a == b || a.Version == b.Version && a.Difference(b) == ""
}
