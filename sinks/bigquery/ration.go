package bigquery

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"backstory/sinks"
	"backstory/transform"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"
)

var (
	_ sinks.Rationed = (*Sink)(nil)
	_ sinks.Accessor = (*Sink)(nil)
)

// day is how long a job counts. BigQuery gives quotas back little by little,
// and not at an hour that it tells.
const day = 24 * time.Hour

// envelopeBytes is about how many bytes BigQuery counts for the columns of a
// row's envelope: five of eight bytes, two ids and the event type
// (https://cloud.google.com/bigquery/pricing#data).
const envelopeBytes = 5*8 + 2*(2+36) + 2 + 20

// Ration tells how many loads the quotas of the day allow. What was used up is
// known from the manifests, and where it may be half of a quota, from the jobs,
// of which some may have failed.
func (s *Sink) Ration(ctx context.Context, job string, n int, need sinks.Need) (*sinks.Ration, error) {
	m, err := s.meter(ctx, job, n, time.Now())
	if err != nil {
		return nil, err
	}
	r, tight := s.ration(m, need)
	if !tight {
		return r, nil
	}
	if err := s.countJobs(ctx, m, job, n, need.Tables); err != nil {
		return nil, err
	}
	r, _ = s.ration(m, need)
	return r, nil
}

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
// median, so that one backfill does not pass for what is loaded every hour.
func (s *spent) typical() int64 {
	if len(s.each) == 0 {
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

// ration does the arithmetic, and tells whether half of a quota is used up or
// would be.
func (s *Sink) ration(m *meter, need sinks.Need) (r *sinks.Ration, tight bool) {
	r = &sinks.Ration{
		Used: m.jobs, JobsADay: s.quotas.projectJobs, PartitionsAJob: int64(s.partitions),
		Stored: need.Bytes + need.Events*envelopeBytes, Tables: []sinks.TableRation{},
	}
	left := allowance{need: need.Windows, now: m.now, loads: -1}
	var loads []TableLoad
	for _, t := range slices.SortedFunc(slices.Values(need.Tables), func(a, b *transform.Table) int { return strings.Compare(a.Name, b.Name) }) {
		used := m.of(t.Name)
		l := s.loadOf(t, need, used)
		loads = append(loads, l)
		row := sinks.TableRation{Table: t.Name, Jobs: l.Jobs(), JobsUsed: used.jobs}
		if l.Partitioned {
			row.Changes, row.ChangesUsed, row.ChangesADay, row.Partitions = l.Touched, used.changes, s.quotas.changes, l.Partitions
			left.limit(s.quotas.changes, used.changes, l.Touched, used.oldest, "%s changes of partitions a day of table "+t.Name)
		} else {
			row.JobsADay = s.quotas.tableJobs
			left.limit(s.quotas.tableJobs, used.jobs, l.Jobs(), used.oldest, "%s load jobs a day into table "+t.Name)
		}
		r.Tables = append(r.Tables, row)
	}
	if len(need.Tables) == 0 && s.o.Partition != "day" && s.o.Partition != "month" {
		left.limit(s.quotas.tableJobs, 0, need.Windows, time.Time{}, "%s load jobs a day into a table in one piece")
	}
	b := s.quotas.budget(need.Windows, loads)
	r.Jobs, r.Days, r.DaysLimit, r.Problems = b.Jobs, b.Days, b.Limit, b.Problems
	left.limit(s.quotas.changes, m.loads.changes, need.Windows, m.loads.oldest, "%s changes of partitions a day of table "+loadsTable)
	left.limit(s.quotas.projectJobs, m.jobs, b.Jobs, m.loads.oldest, "%s load jobs a day in a project")
	r.Loads, r.Limit = left.loads, left.text
	if r.Loads < need.Windows {
		r.Back = left.back
	}
	return r, left.tight
}

// loadOf tells how a table would be loaded. It is at most that much, as far as
// times and rows were estimated well: which windows have rows of the table, and
// of which days, is not known.
func (s *Sink) loadOf(t *transform.Table, need sinks.Need, used *spent) TableLoad {
	l := TableLoad{Table: t.Name, Windows: need.Windows}
	rows, known := need.Rows[t.Name]
	if known {
		l.Windows = min(l.Windows, rows)
	}
	by := s.partitionOf(t)
	if by == transform.ByNone {
		return l
	}
	each := used.typical()
	l.Partitioned, l.Partitions = true, each
	walk := int64(need.Walk / day)
	if !need.First.IsZero() {
		l.Partitions = int64(need.Last.Sub(need.First.Truncate(day))/day) + 1
	}
	if by == transform.ByMonth {
		walk /= 30
		if !need.First.IsZero() {
			a, b := need.First.UTC(), need.Last.UTC()
			l.Partitions = int64(b.Year()-a.Year())*12 + int64(b.Month()-a.Month()) + 1
		}
	}
	// Two windows that follow each other both touch the day between them.
	l.Touched = min(walk+l.Windows*each, l.Windows*max(min(l.Partitions, partitionsOfTable), each))
	if !known {
		rows = need.Events // an event lies in one partition, whatever it is made of
	}
	if rows > 0 {
		l.Partitions, l.Touched = min(l.Partitions, rows), min(l.Touched, rows)
	}
	return l
}

// allowance is how many loads are allowed by all limits.
type allowance struct {
	need  int64 // how many are wanted
	now   time.Time
	loads int64 // -1 before the first limit
	text  string
	back  time.Time
	tight bool
}

// limit takes a quota of which so much was used, since oldest, and all loads
// would use that much.
func (a *allowance) limit(quota, used, use int64, oldest time.Time, text string) {
	left := max(0, usable(quota)-used)
	if 2*(used+use) >= quota {
		a.tight = true
	}
	loads := left
	if use > 0 {
		loads = left * a.need / use
	}
	if a.loads >= 0 && loads >= a.loads {
		return
	}
	a.loads, a.text = loads, fmt.Sprintf(text, thousands(quota))
	a.back = cmp.Or(oldest, a.now).Add(day)
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
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
