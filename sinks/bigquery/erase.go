package bigquery

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"cloud.google.com/go/bigquery"
)

// MayErase finds nothing in the way: all tables are our own.
func (s *Sink) MayErase(context.Context, string) error { return nil }

// Erase deletes the manifests of generations that are gone, which nothing else
// ever does: a query, billed for that one small table. And it drops the staging
// tables that crashes have left of any generation, instead of letting them
// expire.
func (s *Sink) Erase(ctx context.Context, job string, live int) error {
	err := s.erase(ctx, job, live)
	if err == nil {
		err = s.sweepAll(ctx, job)
	}
	if err != nil {
		return explain(err, "erase what is left of job %s", job)
	}
	s.forget(job)
	return nil
}

// sweepAll drops the staging tables of all generations there ever were.
func (s *Sink) sweepAll(ctx context.Context, job string) error {
	past, err := s.history(ctx, job)
	if err != nil {
		return err
	}
	var homes []*home
	for n := range past.generations {
		homes = append(homes, s.homeOf(job, n))
	}
	if len(homes) == 0 { // nor may there be a dataset
		return nil
	}
	s.step("sweep staging tables")
	return s.sweep(ctx, homes...)
}

func (s *Sink) erase(ctx context.Context, job string, live int) error {
	past, err := s.history(ctx, job)
	if err != nil {
		return err
	}
	rows, err := list[loadRow](ctx, s, loadsTable)
	if err != nil {
		return err
	}
	type build struct{ generation, number int64 }
	gone := make(map[build]int64) // how many rows
	for _, r := range rows {
		if r.Job == job && (int(r.Generation) != live || int(r.Build) != past.at(live).build) {
			gone[build{r.Generation, r.Build}]++
		}
	}
	if len(gone) == 0 {
		return nil
	}
	c := s.newScript()
	builds := slices.SortedFunc(maps.Keys(gone), func(a, b build) int {
		return cmp.Or(cmp.Compare(a.generation, b.generation), cmp.Compare(a.number, b.number))
	})
	for _, b := range builds {
		theirs := []string{fmt.Sprintf(" WHERE `job` = %s AND `generation` = %d AND `build` = %d", literal(job), b.generation, b.number)}
		c.expect(loadsTable, theirs, gone[b], false, "manifests to take away")
		c.delete(loadsTable, theirs)
	}
	c.end()
	into, err := s.control(ctx, loadsTable)
	if err != nil {
		return err
	}
	q := s.client.Query(c.text.String())
	labels := s.jobLabels(map[string]string{labelJob: job, labelScript: c.fingerprint()})
	s.step("erase manifests")
	_, err = s.settle(ctx, work{
		id: "backstory_" + idText(job) + "_" + s.place(into) + "_erase_" + c.fingerprint(), what: "erase manifests",
		submit: func(ctx context.Context, id string) (*bigquery.Job, error) {
			q.JobID, q.Location, q.Labels, q.JobTimeout = id, s.client.Location, labels, s.o.JobTimeout
			return q.Run(ctx)
		},
		check: func(config bigquery.JobConfig) error {
			if q, ok := config.(*bigquery.QueryConfig); !ok || q.Labels[labelScript] != labels[labelScript] {
				return fmt.Errorf("another process has taken its name")
			}
			return nil
		},
	})
	return err
}
