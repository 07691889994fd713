package bigquery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"backstory/sinks"
	"backstory/transform"
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
