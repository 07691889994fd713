package bqtest

import bq "google.golang.org/api/bigquery/v2"

// minBilled is what a query is billed for each table at least, and the unit
// it is rounded up to (https://cloud.google.com/bigquery/pricing#on_demand_pricing).
const (
	minBilled  = 10 << 20
	unitBilled = 1 << 20
)

// checkQuery checks a query without looking at any table.
func checkQuery(cfg *bq.JobConfiguration) ([]statement, *apiError) {
	q := cfg.Query
	if q.UseLegacySql == nil || *q.UseLegacySql {
		return nil, invalidQuery("Legacy SQL is not simulated")
	}
	if q.DestinationTable != nil || q.WriteDisposition != "" || q.CreateSession || q.MaximumBytesBilled != 0 {
		return nil, fail(501, "notImplemented", "Query results, sessions and limits of bytes are not simulated")
	}
	return parseScript(q, cfg.DryRun)
}

// tablesOf names the tables that a script changes, and those that it reads.
func tablesOf(script []statement) (changed, read []tableName) {
	for _, s := range script {
		switch s := s.(type) {
		case deletion:
			changed = append(changed, s.table)
			read = append(read, s.table)
		case insertion:
			changed = append(changed, s.table)
			if s.from.table != "" {
				read = append(read, s.from)
			}
		case guard:
			for _, c := range s.counts {
				read = append(read, c.table)
			}
		}
	}
	return changed, read
}

// permitScript checks the rights that a script needs.
func (s *Server) permitScript(script []statement) *apiError {
	changed, read := tablesOf(script)
	for _, n := range changed {
		if err := s.permitLocked("bigquery.tables.updateData", n.dataset, n.table); err != nil {
			return err
		}
	}
	for _, n := range read {
		if err := s.permitLocked("bigquery.tables.getData", n.dataset, n.table); err != nil {
			return err
		}
	}
	return nil
}

// dryRun tells what a query would cost. It leaves nothing behind, not even
// its ID (https://cloud.google.com/bigquery/docs/running-queries#dry-run).
func (s *Server) dryRun(j *job) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.permitScript(j.script); err != nil {
		return problem(err)
	}
	tx := s.begin()
	if err := tx.run(j.script); err != nil {
		return problem(err)
	}
	r := j.res
	r.JobReference = &bq.JobReference{ProjectId: s.o.Project, Location: s.datasets[j.script[0].(deletion).table.dataset].res.Location}
	r.Configuration.JobType = "QUERY"
	r.Status = &bq.JobStatus{State: "DONE"}
	r.Statistics = &bq.JobStatistics{CreationTime: s.millis(), TotalBytesProcessed: tx.processed, Query: &bq.JobStatistics2{
		TotalBytesProcessed: tx.processed, TotalBytesProcessedAccuracy: "UPPER_BOUND", StatementType: "DELETE",
	}}
	return reply(r)
}

// query applies a query job; the server is locked.
func (s *Server) query(j *job) *apiError {
	if j.will != nil {
		return j.will
	}
	tx := s.begin()
	err := tx.run(j.script)
	st := j.res.Statistics
	st.TotalBytesProcessed = tx.processed
	st.Query = &bq.JobStatistics2{TotalBytesProcessed: tx.processed, TotalBytesBilled: tx.billed, StatementType: "SCRIPT"}
	s.billed += tx.billed
	if err != nil {
		return err
	}
	tx.commit()
	return nil
}

// Billed gives the bytes that all queries together are billed for.
func (s *Server) Billed() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.billed
}
