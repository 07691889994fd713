package bigquery

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"backstory/sinks"

	"cloud.google.com/go/bigquery"
)

// replacement is what a load takes the place of.
type replacement struct {
	old record
	// restored are the tables that do not hold what was loaded.
	restored []string
}

// Replace starts a load in place of a committed one. Its Commit loads the new
// rows into tables of their own, which is free, and then exchanges the rows of
// all tables and the manifest in one transaction, which is a query: it is
// billed for the partitions that the window has rows in.
//
// The transaction is one job, whose ID counts how often the window has been
// replaced. Who comes after a crash finds out whether it took place.
func (s *Sink) Replace(ctx context.Context, l sinks.Load) (sinks.Txn, error) {
	return s.Restore(ctx, l, nil)
}

// Restore is Replace for a load of which some tables lack rows or have others.
// It takes all rows of the window out of these, in whatever partition they lie,
// and is billed for all of them.
func (s *Sink) Restore(ctx context.Context, l sinks.Load, tables []string) (sinks.Txn, error) {
	t, err := s.replace(ctx, l, tables)
	if err != nil {
		return nil, explain(err, "replace load %s of job %s", l.Window, l.Job)
	}
	return t, nil
}

func (s *Sink) replace(ctx context.Context, l sinks.Load, restored []string) (*txn, error) {
	h, old, err := s.committed(ctx, l)
	if err != nil {
		return nil, err
	}
	for {
		// One that was sent before may still be under way, or have come to its
		// end meanwhile.
		done, err := s.exchanged(ctx, h, old)
		if err != nil {
			return nil, err
		}
		if !done {
			break
		}
		s.forget(l.Job)
		if h, old, err = s.committed(ctx, l); err != nil {
			return nil, err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(h.mayLoad(), h.idle()); err != nil {
		return nil, err
	}
	h.underway[l.Window] = true
	return &txn{home: h, load: l, parts: make(map[string]*part), again: &replacement{old: old, restored: restored}}, nil
}

// committed finds the load of exactly that window.
func (s *Sink) committed(ctx context.Context, l sinks.Load) (*home, record, error) {
	if l.Window.Empty() {
		return nil, record{}, refuse("name a window that was loaded", "the window is empty")
	}
	if l.Window.After.Tx != 0 || l.Window.Through.Tx != 0 {
		return nil, record{}, refuse("load a new generation with backstory rebuild", "rows do not tell the transactions that their positions begin with, so that those of one window cannot be told from others")
	}
	h, err := s.home(ctx, l.Job, l.Generation)
	if err != nil {
		return nil, record{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stored == nil {
		if h.stored, err = s.manifests(ctx, l.Job, l.Generation, h.build); err != nil {
			return nil, record{}, err
		}
	}
	i := slices.IndexFunc(h.stored, func(m record) bool { return m.Window == l.Window })
	if i < 0 {
		return nil, record{}, fault("remove the ledger, and run again to rebuild it from the dataset", "no such load is committed")
	}
	return h, h.stored[i], nil
}

// exchangeID names the transaction that replaces a load for the next time.
func (s *Sink) exchangeID(ctx context.Context, h *home, old record) (string, error) {
	into, err := s.control(ctx, loadsTable)
	if err != nil {
		return "", err
	}
	return h.loadID(old.Window, into) + "_r" + strconv.Itoa(old.Replaced+1), nil
}

// exchanged waits for transactions that were sent, and tells whether one of
// them has replaced the load.
func (s *Sink) exchanged(ctx context.Context, h *home, old record) (bool, error) {
	id, err := s.exchangeID(ctx, h, old)
	if err != nil {
		return false, err
	}
	for attempt := 1; ; attempt++ {
		job, err := s.find(ctx, id+"_a"+strconv.Itoa(attempt))
		if job == nil || err != nil {
			return false, err
		}
		status, err := s.await(ctx, job)
		if err != nil || status.Err() == nil {
			return err == nil, err
		}
	}
}

// instead puts the load, whose files are complete, in place of the committed one.
func (t *txn) instead(ctx context.Context, m sinks.Manifest) error {
	h, s, old := t.home, t.home.sink, t.again.old
	now := record{Manifest: m, Replaced: old.Replaced + 1, Spans: t.spans, at: after(old.at)}
	staged := t.stagingNames()
	c, err := t.exchange(now, staged)
	if err != nil {
		return err
	}
	if err := t.stage(ctx, staged, m.Fingerprint); err != nil {
		return err
	}
	s.step("exchange rows")
	t.sent = true
	if err := t.runScript(ctx, c, m.Fingerprint); err != nil {
		// What is known to have failed is not tried again under that ID.
		if known := (*jobError)(nil); errors.As(err, &known) {
			err = errors.Join(err, s.dropAll(ctx, staged))
		}
		return err
	}
	s.step("drop staging tables")
	if err := s.dropAll(ctx, staged); err != nil {
		return err
	}
	err = t.release()
	t.done = true
	h.replaced(now)
	return err
}

// after gives the time, or a moment after t where the clock was set back: no
// two manifests of a window are of one time.
func after(t time.Time) time.Time {
	now := time.Now().Truncate(time.Microsecond)
	if !now.After(t) {
		now = t.Add(time.Microsecond)
	}
	return now
}

// exchange makes the transaction.
func (t *txn) exchange(now record, staged map[string]string) (*script, error) {
	h, s, old := t.home, t.home.sink, t.again.old
	c := s.newScript()
	all, err := h.removals(old, t.again.restored)
	if err != nil {
		return nil, err
	}
	for _, from := range all {
		name := h.nameOf(from.table)
		if !from.any {
			c.expect(name, from.conditions, from.rows, from.fewer, "rows of the window to take away")
		}
		c.delete(name, from.conditions)
	}
	for _, p := range t.order {
		conditions, err := s.staged(s.partitionOf(p.table), t.spans[p.table.Name])
		if err != nil {
			return nil, err
		}
		from := staged[p.table.Name]
		c.expect(from, conditions, p.writer.Rows(), false, "rows of the window to add")
		c.insert(p.table, from, p.into.name, conditions)
	}
	if err := c.exchange(h, old, now); err != nil {
		return nil, err
	}
	c.end()
	return c, c.check()
}

// nameOf is tableName for who has not locked the home.
func (h *home) nameOf(table string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tableName(table)
}

// replaced is committed for a load that has taken the place of another.
func (h *home) replaced(now record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.underway, now.Window)
	for i := range h.stored {
		if h.stored[i].Window == now.Window {
			h.stored[i] = now
		}
	}
	for _, lt := range now.Tables {
		h.filled[lt.Name] = true
	}
}

// runScript runs the transaction, once.
func (t *txn) runScript(ctx context.Context, c *script, fingerprint string) error {
	s := t.home.sink
	id, err := s.exchangeID(ctx, t.home, t.again.old)
	if err != nil {
		return err
	}
	labels := t.labels(&target{name: loadsTable}, fingerprint)
	labels[labelScript] = c.fingerprint()
	_, err = s.settle(ctx, work{
		id: id, what: "replace the rows of the window",
		submit: func(ctx context.Context, id string) (*bigquery.Job, error) {
			q := s.client.Query(c.text.String())
			q.JobID, q.Location = id, s.client.Location
			q.Labels, q.JobTimeout = s.jobLabels(labels), s.o.JobTimeout
			return q.Run(ctx)
		},
		check: func(config bigquery.JobConfig) error {
			q, ok := config.(*bigquery.QueryConfig)
			if !ok || q.Labels[labelScript] != labels[labelScript] {
				return refuse("run again when the other process is done", "another process replaces the window")
			}
			return nil
		},
	})
	if why, _ := reasons(err); slices.Contains(why, "invalidQuery") {
		return refuse("run again: another transaction at the same moment passes by itself; where a table does not hold what was loaded into it, backstory repair mends it", "%w", err)
	}
	return err
}
