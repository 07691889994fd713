package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"
)

// shownRuns is how many of the last runs State gives.
const shownRuns = 10

// State gives what is known of a job.
func (l *Ledger) State(ctx context.Context, job string) (*schedules.State, error) {
	s := &schedules.State{Job: job}
	// One transaction: a window that is finished meanwhile must not be
	// neither loaded nor pending.
	c, err := l.db.Conn(ctx)
	if err != nil {
		return nil, explain(err, "%s", l.path)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	defer c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	if s.Generation, err = l.generation(ctx, c, job); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	if err := runs(ctx, c, s); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	var rules, superseded, tables, first, last string
	err = c.QueryRowContext(ctx, `SELECT fingerprint, rules, superseded, tables, signature, first, last,
			windows, events, row_count, bytes, stored, extra, quarantined, discarded
		FROM generation WHERE job = ? AND number = ?`, job, s.Generation).Scan(&s.Fingerprint, &rules, &superseded, &tables, &s.Signature, &first, &last,
		&s.Totals.Windows, &s.Totals.Events, &s.Totals.Rows, &s.Totals.Bytes, &s.Totals.Stored, &s.Totals.Extra,
		&s.Totals.Quarantined, &s.Totals.Discarded)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return nil, explain(err, "%s", l.path)
	}
	if rules != "" {
		s.Rules = json.RawMessage(rules)
	}
	if err := json.Unmarshal([]byte(superseded), &s.Superseded); err != nil {
		return nil, explain(fmt.Errorf("%w: superseded rules of job %s: %w", errDamaged, job, err), "%s", l.path)
	}
	if err := json.Unmarshal([]byte(tables), &s.Tables); err != nil {
		return nil, explain(fmt.Errorf("%w: tables of job %s: %w", errDamaged, job, err), "%s", l.path)
	}
	if s.First, err = parseAnchor(first); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	if s.Last, err = parseAnchor(last); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	if err := windows(ctx, c, s); err != nil {
		return nil, explain(err, "%s", l.path)
	}
	return s, nil
}

// generation gives the number of the generation that is meant.
func (l *Ledger) generation(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, job string) (int, error) {
	live := 1
	err := db.QueryRowContext(ctx, `SELECT generation FROM job WHERE name = ?`, job).Scan(&live)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	return live + l.next, nil
}

func windows(ctx context.Context, c *sql.Conn, s *schedules.State) error {
	loaded, err := c.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, 0 FROM loaded
		WHERE job = ? AND generation = ? ORDER BY after_tx, after_seq`, s.Job, s.Generation)
	if err != nil {
		return err
	}
	err = eachWindow(loaded, func(w source.Window, _ int64) { s.Loaded = append(s.Loaded, w) })
	if err != nil {
		return err
	}
	pending, err := c.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, events FROM window INDEXED BY window_pending
		WHERE job = ? AND generation = ? AND state = 'planned' ORDER BY after_tx, after_seq`, s.Job, s.Generation)
	if err != nil {
		return err
	}
	err = eachWindow(pending, func(w source.Window, events int64) {
		s.Pending = append(s.Pending, schedules.Planned{Window: w, Events: events})
	})
	if err != nil {
		return err
	}
	return attention(ctx, c, s)
}

// attention reads which windows have events in quarantine or are to be loaded
// again.
func attention(ctx context.Context, c *sql.Conn, s *schedules.State) error {
	const where = ` FROM window INDEXED BY window_attention WHERE job = ? AND generation = ? AND (quarantined > 0 OR again > 0) ORDER BY after_tx, after_seq`
	quarantined, err := c.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, quarantined`+where, s.Job, s.Generation)
	if err != nil {
		return err
	}
	err = eachWindow(quarantined, func(w source.Window, events int64) {
		if events > 0 {
			s.Quarantined = append(s.Quarantined, schedules.Quarantined{Window: w, Events: events})
		}
	})
	if err != nil {
		return err
	}
	again, err := c.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, again`+where, s.Job, s.Generation)
	if err != nil {
		return err
	}
	return eachWindow(again, func(w source.Window, marked int64) {
		if marked > 0 {
			s.Again = append(s.Again, w)
		}
	})
}

func eachWindow(rows *sql.Rows, fn func(w source.Window, events int64)) error {
	defer rows.Close()
	for rows.Next() {
		var afterTx, throughTx, events int64
		var w source.Window
		if err := rows.Scan(&afterTx, &w.After.Seq, &throughTx, &w.Through.Seq, &events); err != nil {
			return err
		}
		w.After.Tx, w.Through.Tx = uint64(afterTx), uint64(throughTx)
		fn(w, events)
	}
	return rows.Err()
}

func runs(ctx context.Context, c *sql.Conn, s *schedules.State) error {
	rows, err := c.QueryContext(ctx, `SELECT id, kind, started, finished, windows, events, error FROM run
		WHERE job = ? ORDER BY id DESC LIMIT ?`, s.Job, shownRuns)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r schedules.Run
		var started, finished string
		if err := rows.Scan(&r.ID, &r.Kind, &started, &finished, &r.Windows, &r.Events, &r.Error); err != nil {
			return err
		}
		r.Started, _ = time.Parse(time.RFC3339Nano, started)
		r.Finished, _ = time.Parse(time.RFC3339Nano, finished)
		s.Runs = append(s.Runs, r)
	}
	return rows.Err()
}

func parseAnchor(text string) (sinks.Anchor, error) {
	var a sinks.Anchor
	if text == "" {
		return a, nil
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("%w: anchor %q: %w", errDamaged, text, err)
	}
	return a, nil
}
