package bqtest

import (
	"strings"
	"time"
)

// Limits are those of https://cloud.google.com/bigquery/quotas. A limit that
// is zero is the service's, a negative one is none.
type Limits struct {
	// TableModifications are the load and copy jobs into one unpartitioned
	// table in a day, also those that fail: 1,500.
	TableModifications int
	// PartitionModifications are the partitions touched by the jobs into one
	// partitioned table in a day: 30,000, or 11,000 where the partition is
	// the time of ingestion. A job that fails touches one.
	PartitionModifications int
	// ProjectJobs are the load jobs of the project in a day: 100,000.
	ProjectJobs int
	// PartitionsPerJob are the partitions one job may touch: 4,000.
	PartitionsPerJob int
	// PartitionsPerTable are the partitions one table may have: 10,000.
	PartitionsPerTable int
	// Updates are the changes of one table's metadata in ten seconds: 5, or
	// 50 of a partitioned table. Jobs into the table count too.
	Updates int
	// RowBytes are the bytes of one row's values: 50 MB (Skim does not look).
	RowBytes int
}

// Unlimited are Limits without any.
var Unlimited = Limits{-1, -1, -1, -1, -1, -1, -1}

func (l Limits) orDefault() Limits {
	set := func(n *int, to int) {
		if *n == 0 {
			*n = to
		}
	}
	set(&l.TableModifications, 1500)
	set(&l.ProjectJobs, 100_000)
	set(&l.PartitionsPerJob, 4000)
	set(&l.PartitionsPerTable, 10_000)
	set(&l.RowBytes, 50_000_000)
	return l
}

// partitionModifications and updates depend on the table.
func (l Limits) partitionModifications(ingestion bool) int {
	switch {
	case l.PartitionModifications != 0:
		return l.PartitionModifications
	case ingestion:
		return 11_000
	}
	return 30_000
}

func (l Limits) updates(partitioned bool) int {
	switch {
	case l.Updates != 0:
		return l.Updates
	case partitioned:
		return 50
	}
	return 5
}

func over(n, limit int) bool { return limit >= 0 && n > limit }

// Budget is what has been used of a table's limits, or the project's.
type Budget struct {
	// Jobs are the load and copy jobs into the table today (UTC); of the
	// project, the load jobs.
	Jobs int
	// Partitions are the partitions they touched.
	Partitions int
	// Updates are the changes in the last ten seconds.
	Updates int
}

// usage counts what Budget tells. It is of a name, and outlives a table that
// is deleted and made again.
type usage struct {
	day              int64
	jobs, partitions int
	updates          []time.Time
}

// Budget tells what has been used of a table's limits; without a table, of
// the project's.
func (s *Server) Budget(datasetID, tableID string) Budget {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.use(usageKey(datasetID, tableID))
	return Budget{Jobs: u.jobs, Partitions: u.partitions, Updates: len(u.updates)}
}

func usageKey(datasetID, tableID string) string {
	if tableID == "" {
		return ""
	}
	return datasetID + "." + tableID
}

const troubleshoot = " For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas"

// use gives the usage under a key as of now.
func (s *Server) use(key string) *usage {
	u := s.usage[key]
	if u == nil {
		u = &usage{}
		s.usage[key] = u
	}
	now := s.now()
	if day := now.Unix() / 86400; day != u.day {
		u.day, u.jobs, u.partitions = day, 0, 0
	}
	for len(u.updates) > 0 && now.Sub(u.updates[0]) >= 10*time.Second {
		u.updates = u.updates[1:]
	}
	return u
}

// chargeUpdate counts a change of a table's metadata, or refuses it.
func (s *Server) chargeUpdate(t *table) *apiError {
	u := s.use(usageKey(t.datasetID(), t.id()))
	if over(len(u.updates)+1, s.o.Limits.updates(t.partitioning() != nil)) {
		return fail(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table.%s", troubleshoot)
	}
	u.updates = append(u.updates, s.now())
	return nil
}

// chargeProject counts a load job of the project, or refuses it.
func (s *Server) chargeProject() *apiError {
	u := s.use("")
	if over(u.jobs+1, s.o.Limits.ProjectJobs) {
		return fail(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for load jobs per day.%s", troubleshoot)
	}
	u.jobs++
	return nil
}

// chargeJob counts a job into a table, or refuses it. How many partitions it
// touches is counted by chargePartitions.
func (s *Server) chargeJob(t *table) *apiError {
	if err := s.chargeUpdate(t); err != nil {
		return err
	}
	u := s.use(usageKey(t.datasetID(), t.id()))
	if t.partitioning() == nil && over(u.jobs+1, s.o.Limits.TableModifications) {
		return fail(403, "quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table.%s", troubleshoot)
	}
	u.jobs++
	return nil
}

// chargePartitions counts the partitions a job touches, or refuses it.
func (s *Server) chargePartitions(t *table, n int) *apiError {
	p := t.partitioning()
	if p == nil {
		return nil
	}
	if over(n, s.o.Limits.PartitionsPerJob) {
		return invalid("Too many partitions produced by load, allowed %d, load produces at least %d partitions", s.o.Limits.PartitionsPerJob, n)
	}
	u := s.use(usageKey(t.datasetID(), t.id()))
	if over(u.partitions+n, s.o.Limits.partitionModifications(p.Field == "")) {
		return fail(403, "quotaExceeded", "Quota exceeded: Your table exceeded quota for Number of partition modifications to a column partitioned table.%s", troubleshoot)
	}
	u.partitions += n
	return nil
}

// chargeFailure counts the partition of a job that failed; the job itself has
// been counted.
func (s *Server) chargeFailure(j *job) {
	if j.script != nil {
		return // what DML changes counts nowhere
	}
	to, _ := j.destination()
	tableID, _, _ := strings.Cut(to.TableId, "$")
	if t, err := s.table(to.DatasetId, tableID); err == nil {
		_ = s.chargePartitions(t, 1)
	}
}
