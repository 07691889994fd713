package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/transform"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

// meter is what was used up in the last 24 hours.
type meter struct {
	now    time.Time
	tables map[string]*spent // of one generation of a job
	loads  spent             // of all jobs in the dataset: jobs are those of the manifests
	jobs   int64             // all of them
}

// spent is what was used up of one table's quotas.
type spent struct {
	jobs    int64
	changes int64   // of partitions
	each    []int64 // the changes of each load
	oldest  time.Time
}

func (s *spent) add(jobs, changes int64, at time.Time) {
	s.jobs += jobs
	s.changes += changes
	s.each = append(s.each, changes)
	if s.oldest.IsZero() || at.Before(s.oldest) {
		s.oldest = at
	}
}

// typical is how many partitions a load of the table touches: the lower
// median, so that one backfill does not pass for what is loaded every hour. A
// single load may be just that, and tells nothing.
func (s *spent) typical() int64 {
	if len(s.each) < 2 {
		return 1
	}
	sorted := slices.Sorted(slices.Values(s.each))
	return max(1, sorted[(len(sorted)-1)/2])
}

func (m *meter) of(table string) *spent {
	t := m.tables[table]
	if t == nil {
		t = &spent{}
		m.tables[table] = t
	}
	return t
}

// meter reads the manifests of the last 24 hours.
func (s *Sink) meter(ctx context.Context, job string, n int, now time.Time) (*meter, error) {
	rows, err := list[loadRow](ctx, s, loadsTable)
	if err != nil {
		return nil, err
	}
	m := &meter{now: now, tables: make(map[string]*spent)}
	for _, r := range rows {
		if now.Sub(r.At) >= day {
			continue
		}
		var body sinks.Manifest
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
			return nil, fault("restore the table as it was, by time travel or from a copy", "read table %s: a manifest of job %s is damaged: %w", s.fullName(loadsTable), r.Job, err)
		}
		m.loads.add(1, 1, r.At)
		m.jobs++
		for _, lt := range body.Tables {
			jobs := max(1, (lt.Partitions+maxPartitions-1)/maxPartitions)
			m.jobs += jobs
			if r.Job == job && int(r.Generation) == n {
				m.of(lt.Name).add(jobs, lt.Partitions, r.At)
			}
		}
	}
	return m, nil
}

// countJobs counts the jobs of the last 24 hours, also those that failed. It
// sees those of whom the sink runs as, and none where that one may not list
// jobs.
func (s *Sink) countJobs(ctx context.Context, m *meter, job string, n int, tables []*transform.Table) error {
	past, err := s.history(ctx, job)
	if err != nil {
		return err
	}
	names := make(map[string]string, len(tables)) // in the dataset, to ours
	for _, t := range tables {
		name := t.Name
		if past.live > 0 {
			name = nameIn(t.Name, n, past.live)
		}
		names[name] = t.Name
	}
	var jobs int64
	into, failed := make(map[string]int64), make(map[string]int64)
	err = s.ask(ctx, func(ctx context.Context) error {
		jobs = 0
		clear(into)
		clear(failed)
		it := s.client.Jobs(ctx)
		it.MinCreationTime = m.now.Add(-day)
		it.PageInfo().MaxSize = 1000
		for {
			j, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return nil
			}
			if err != nil {
				return err
			}
			config, err := j.Config()
			if err != nil {
				return err
			}
			var to *bigquery.Table
			switch c := config.(type) {
			case *bigquery.LoadConfig:
				to = c.Dst
				jobs++
			case *bigquery.CopyConfig:
				to = c.Dst
			}
			if to == nil || to.ProjectID != s.o.Project || to.DatasetID != s.o.Dataset {
				continue
			}
			into[to.TableID]++
			if status := j.LastStatus(); status != nil && status.Err() != nil {
				failed[to.TableID]++
			}
		}
	})
	if isDenied(err) {
		return nil
	}
	if err != nil {
		return explain(err, "list jobs of project %s", s.o.Project)
	}
	m.jobs = max(m.jobs, jobs)
	m.loads.changes += failed[loadsTable]
	for name, table := range names {
		t := m.of(table)
		t.jobs = max(t.jobs, into[name])
		t.changes += failed[name] // a job that failed counts as one change
	}
	return nil
}
