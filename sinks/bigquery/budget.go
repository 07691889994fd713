package bigquery

import (
	"fmt"
	"slices"
	"strings"
)

// quotas are what may be done in a day (https://cloud.google.com/bigquery/quotas).
type quotas struct {
	tableJobs   int64 // load jobs into a table in one piece, failed ones too
	changes     int64 // partitions touched by load jobs, of one partitioned table
	projectJobs int64 // load jobs of a project
}

var dailyQuotas = quotas{tableJobs: 1_500, changes: 30_000, projectJobs: 100_000}

// usable is the part of a quota that is planned with: a fiftieth is kept for
// jobs that fail and are sent again.
func usable(quota int64) int64 { return quota - quota/50 }

// partitionsOfTable is how many partitions a table may have.
const partitionsOfTable = 10_000

// TableLoad is what is to be loaded into one table: a backfill, or a day of a
// schedule.
type TableLoad struct {
	Table       string
	Partitioned bool
	// Windows is how many have rows of the table, Touched how many partitions
	// all of them touch, each window for itself, and Partitions how many the
	// table will have.
	Windows, Touched, Partitions int64
}

// Jobs counts the load jobs: one a window, and more where windows touch more
// partitions than a job may.
func (l TableLoad) Jobs() int64 {
	if !l.Partitioned || l.Windows == 0 {
		return l.Windows
	}
	return max(l.Windows, (l.Touched+maxPartitions-1)/maxPartitions)
}

// Budget says how loads use up the quotas of a day. No load costs anything,
// and none reads anything that is billed.
type Budget struct {
	// Jobs is how many load jobs there are, those of manifests counted.
	Jobs int64
	// Days is the least number of days that the quotas allow; 1 where all
	// fits into one. Limit names the quota that makes it so many.
	Days  int64
	Limit string
	// Problems are what no number of days mends.
	Problems []string
}

// BudgetOf counts what loads use up; windows is how many windows there are.
func BudgetOf(windows int64, loads []TableLoad) Budget { return dailyQuotas.budget(windows, loads) }

func (q quotas) budget(windows int64, loads []TableLoad) Budget {
	b := Budget{Jobs: windows, Days: 1}
	need := func(used, aDay int64, what string) {
		if days := (used + aDay - 1) / aDay; days > b.Days {
			b.Days, b.Limit = days, fmt.Sprintf("%s %s, of which a day allows %s", thousands(used), what, thousands(aDay))
		}
	}
	for _, l := range slices.SortedFunc(slices.Values(loads), func(a, b TableLoad) int { return strings.Compare(a.Table, b.Table) }) {
		b.Jobs += l.Jobs()
		if !l.Partitioned {
			need(l.Jobs(), q.tableJobs, "load jobs into "+l.Table)
			continue
		}
		need(l.Touched, q.changes, "changes of partitions of "+l.Table)
		if l.Partitions > partitionsOfTable {
			b.Problems = append(b.Problems, fmt.Sprintf("table %s would have %s partitions, and BigQuery allows %s: partition it by month", l.Table, thousands(l.Partitions), thousands(partitionsOfTable)))
		}
	}
	need(windows, q.changes, "changes of partitions of "+loadsTable)
	need(b.Jobs, q.projectJobs, "load jobs")
	return b
}
