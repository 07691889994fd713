package bigquery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"
)

// stagingLife is when BigQuery deletes a staging table that a crash has left
// behind, if nothing of the job is replaced before.
const stagingLife = 72 * time.Hour

// stagingMark is how the names of the staging tables of a generation end, but
// for what names the window.
func (h *home) stagingMark() string {
	return "__r_" + digest(h.name, fmt.Sprint(h.generation)) + "_"
}

// stagingNames gives the staging tables of the load by the tables that their
// rows are for.
func (t *txn) stagingNames() map[string]string {
	names := make(map[string]string, len(t.order))
	for _, p := range t.order {
		names[p.table.Name] = p.table.Name + t.home.stagingMark() + digest(t.load.Window.String(), strconv.Itoa(t.again.old.Replaced))
	}
	return names
}

// stage loads the rows of each table into a table of their own, which has the
// columns of the table that they are for, in their order.
func (t *txn) stage(ctx context.Context, staged map[string]string, fingerprint string) error {
	h, s := t.home, t.home.sink
	s.step("sweep staging tables")
	if err := s.sweep(ctx, h); err != nil {
		return err
	}
	if len(t.order) == 0 {
		return nil
	}
	s.step("create staging tables")
	into := make([]*target, len(t.order))
	var g errgroup.Group
	g.SetLimit(jobsAtOnce)
	for i, p := range t.order {
		g.Go(func() (err error) {
			into[i], err = s.createStaging(ctx, h, p, staged[p.table.Name])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.step("load staging tables")
	for i, p := range t.order {
		g.Go(func() error {
			labels := t.labels(into[i], fingerprint)
			labels[labelRows] = rowsLabel(p.writer.Rows())
			return s.load(ctx, load{
				id: h.loadID(t.load.Window, into[i]), what: "load " + s.fullName(into[i].name), into: into[i], file: p.file,
				rows: p.writer.Rows(), labels: s.jobLabels(labels),
			})
		})
	}
	return g.Wait()
}

// createStaging makes the staging table of a part.
func (s *Sink) createStaging(ctx context.Context, h *home, p *part, name string) (*target, error) {
	model, err := s.metadata(ctx, p.into.name)
	if err != nil {
		return nil, explain(err, "look at table %s", s.fullName(p.into.name))
	}
	err = s.ask(ctx, func(ctx context.Context) error {
		return s.dataset().Table(name).Create(ctx, &bigquery.TableMetadata{
			Description: "Rows on their way to " + p.into.name + ". Backstory's own: it goes away by itself.", Schema: model.Schema,
			ExpirationTime: time.Now().Add(stagingLife), Labels: s.want(h, p.table, name).labels,
		})
	})
	if err != nil && classify(err) != taken {
		return nil, explain(err, "create table %s", s.fullName(name))
	}
	md, err := s.metadata(ctx, name)
	if err != nil {
		return nil, explain(err, "look at table %s", s.fullName(name))
	}
	return &target{name: name, table: p.table, created: md.CreationTime}, nil
}

// sweep drops the staging tables of generations, which a crash has left behind.
// Only one load of a job is replaced at a time.
func (s *Sink) sweep(ctx context.Context, homes ...*home) error {
	left := make(map[string]string)
	err := s.ask(ctx, func(ctx context.Context) error {
		clear(left)
		it := s.dataset().Tables(ctx)
		for {
			t, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			if slices.ContainsFunc(homes, func(h *home) bool { return strings.Contains(t.TableID, h.stagingMark()) }) {
				left[t.TableID] = t.TableID
			}
		}
	})
	if err != nil {
		return explain(err, "list the tables of dataset %s.%s", s.o.Project, s.o.Dataset)
	}
	return s.dropAll(ctx, left)
}

// dropAll drops tables, side by side.
func (s *Sink) dropAll(ctx context.Context, names map[string]string) error {
	var g errgroup.Group
	g.SetLimit(jobsAtOnce)
	for _, name := range names {
		g.Go(func() error { return s.drop(ctx, name) })
	}
	return g.Wait()
}
