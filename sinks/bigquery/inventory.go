package bigquery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"backstory/sinks"
	"backstory/source"

	"cloud.google.com/go/bigquery"
	"golang.org/x/sync/errgroup"
)

// Check compares the number of rows of each table with what the manifests
// say. Rows of loads that were not committed yet are explained by the jobs
// that loaded them. It finishes a swap that was left half done. A table that is
// missing is told before one that has another number of rows.
func (s *Sink) Check(ctx context.Context, job string, n int) error {
	s.forget(job)
	h, err := s.home(ctx, job, n)
	if err != nil {
		return err
	}
	loads, tables, err := s.Manifests(ctx, job, n)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.begun = nil
	h.mu.Unlock()
	rows := make(map[string]int64)
	for _, m := range loads {
		for _, lt := range m.Tables {
			rows[lt.Name] += lt.Rows
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(jobsAtOnce)
	for _, t := range tables {
		rows[t.Name] += 0 // one that has no rows yet is looked for too
	}
	var mu sync.Mutex
	var counts []*sinks.CountError
	for table, want := range rows {
		g.Go(func() error {
			err := s.checkTable(gctx, h, table, want, loads)
			var count *sinks.CountError
			if errors.As(err, &count) {
				mu.Lock()
				defer mu.Unlock()
				counts, err = append(counts, count), nil
			}
			return err
		})
	}
	err = g.Wait()
	h.mu.Lock()
	doubtful := len(h.begun) > 0
	h.mu.Unlock()
	if err == nil && len(loads) == 0 && (doubtful || len(counts) > 0) {
		err = s.checkLoads(ctx, len(counts) > 0)
	}
	if err == nil && len(counts) > 0 {
		err = slices.MinFunc(counts, func(a, b *sinks.CountError) int { return strings.Compare(a.Table, b.Table) })
	}
	return explain(err, "check job %s", job)
}

// checkLoads tells whether the table of the manifests was deleted, where there
// are rows and no manifest. It may never have been made, if jobs account for
// all rows and a crash came before it; then none of them has written to it.
func (s *Sink) checkLoads(ctx context.Context, sure bool) error {
	_, err := s.metadata(ctx, loadsTable)
	if !isMissing(err) {
		return explain(err, "look at table %s", s.fullName(loadsTable))
	}
	if !sure {
		md, err := s.metadata(ctx, tablesTable)
		if err != nil {
			return explain(err, "look at table %s", s.fullName(tablesTable))
		}
		err = s.eachJob(ctx, md.CreationTime, func() { sure = false }, func(job *bigquery.Job) bool {
			status := job.LastStatus()
			if status == nil || !status.Done() || status.Err() != nil || status.Statistics == nil || status.Statistics.CreationTime.Before(md.CreationTime) {
				return true
			}
			config, err := job.Config()
			c, ok := config.(*bigquery.LoadConfig)
			sure = err == nil && ok && c.Dst.ProjectID == s.o.Project && c.Dst.DatasetID == s.o.Dataset && c.Dst.TableID == loadsTable
			return !sure
		})
		if err != nil && !isDenied(err) {
			return explain(err, "list jobs of project %s", s.o.Project)
		}
	}
	if !sure {
		return nil
	}
	return fault("restore the table by time travel (within seven days), or load a new generation with backstory rebuild",
		"table %s is missing, which says what is loaded", s.fullName(loadsTable))
}

// checkTable compares one table.
func (s *Sink) checkTable(ctx context.Context, h *home, table string, want int64, loads []sinks.Manifest) error {
	name := h.nameOf(table)
	const lost = "restore the table by time travel (within seven days), or load a new generation with backstory rebuild"
	md, err := s.counted(ctx, name, want)
	if isMissing(err) {
		return fault(lost, "table %s is missing", s.fullName(name))
	}
	if err != nil {
		return explain(err, "look at table %s", s.fullName(name))
	}
	if md.Type != bigquery.RegularTable && md.Type != "" {
		return fault("remove what stands in its place; then "+lost, "table %s is no table any more", s.fullName(name))
	}
	got := int64(md.NumRows)
	if got < want {
		if expires(md) {
			return nil
		}
		return s.miscounted(table, name, want, got, "backstory repair loads the windows again that rows are missing of; or restore the table by time travel (within seven days)")
	}
	if got == want {
		return nil
	}
	doubtful, err := s.uncommitted(ctx, h, &target{name: name, created: md.CreationTime}, got-want, loads)
	if err != nil {
		return explain(err, "list jobs of project %s", s.o.Project)
	}
	if doubtful != got-want {
		return s.miscounted(table, name, want, got, "somebody else writes to the table, or a load was cut off so long ago that BigQuery has forgotten its jobs: backstory repair takes out what is too much in a window that is loaded; remove the rows of positions that are in no row of "+loadsTable+", or load a new generation with backstory rebuild")
	}
	return nil
}

// miscounted says that a table has another number of rows than were loaded.
func (s *Sink) miscounted(table, name string, want, got int64, advice string) error {
	return &sinks.CountError{Table: table, Want: want, Got: got, Advice: advice,
		Err: fmt.Errorf("table %s has %d rows, and %d were loaded", s.fullName(name), got, want)}
}

// counted gives what is said of a table. Where fewer rows are counted than
// were loaded, it asks again: the count may come a little later than the rows.
func (s *Sink) counted(ctx context.Context, name string, want int64) (*bigquery.TableMetadata, error) {
	const times = 4
	for n := 1; ; n++ {
		md, err := s.metadata(ctx, name)
		if err != nil || int64(md.NumRows) >= want || expires(md) || n == times {
			return md, err
		}
		if err := s.pace.pause(ctx, n, stale); err != nil {
			return nil, err
		}
	}
}

// expires tells whether rows go away with time.
func expires(md *bigquery.TableMetadata) bool {
	return md.TimePartitioning != nil && md.TimePartitioning.Expiration > 0
}

// uncommitted counts the rows that loads without a manifest have brought into
// a table: a crash came before it. It stops when it has found as many as want.
func (s *Sink) uncommitted(ctx context.Context, h *home, into *target, want int64, loads []sinks.Manifest) (n int64, err error) {
	prefix := h.idPrefix(into)
	var begun []source.Window
	err = s.eachJob(ctx, into.created, func() { n, begun = 0, nil }, func(job *bigquery.Job) bool {
		w, ok := windowOf(job.ID(), prefix)
		status := job.LastStatus()
		if !ok || touches(loads, w) || status == nil || !status.Done() || status.Err() != nil || status.Statistics == nil {
			return true
		}
		if st, ok := status.Statistics.Details.(*bigquery.LoadStatistics); ok {
			n, begun = n+st.OutputRows, append(begun, w)
		}
		return n < want
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.begun = append(h.begun, begun...)
	return n, err
}

// touches tells whether a part of a window is committed. Rows of another window
// that overlaps one which is committed are doubled.
func touches(loads []sinks.Manifest, w source.Window) bool {
	return slices.ContainsFunc(loads, func(m sinks.Manifest) bool { return m.Window.Overlaps(w) })
}

// Signature names the state of the tables as BigQuery tells it: when they were
// made and last changed, and how many rows they have.
func (s *Sink) Signature(ctx context.Context, job string, n int) (string, error) {
	past, err := s.history(ctx, job)
	if err != nil || !past.swapped || !past.there(n) {
		return "", err
	}
	names := []string{loadsTable, tablesTable}
	for _, t := range past.at(n).tables {
		names = append(names, nameIn(t.Name, n, past.live))
	}
	states := make([]string, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(jobsAtOnce)
	for i, name := range names {
		g.Go(func() error {
			md, err := s.metadata(ctx, name)
			if isMissing(err) {
				return nil
			}
			if err == nil {
				states[i] = fmt.Sprintf("%s %d %d %d %s", name, md.CreationTime.UnixMilli(), md.LastModifiedTime.UnixMilli(), md.NumRows, md.Type)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", explain(err, "look at the tables of job %s", job)
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(past.live, past.swaps, past.at(n).number, states)))
	return hex.EncodeToString(sum[:16]), nil
}
