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

// lease is the right to write of one generation of a job.
type lease struct {
	ledger *Ledger
	job    string
	file   *lockFile
}

// Lock takes the lease of a job: a lock on a file beside the ledger, which
// the system takes back when the process ends, however it ends.
func (l *Ledger) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	path := l.path + "." + job
	if l.next > 0 {
		path += ".next"
	}
	file, err := takeLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	err = l.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO job (name) VALUES (?) ON CONFLICT DO NOTHING`, job)
		return err
	})
	if err != nil {
		file.release()
		return nil, explain(err, "write ledger %s", l.path)
	}
	return &lease{ledger: l, job: job, file: file}, nil
}

// Release gives the lease back.
func (s *lease) Release() error { return s.file.release() }

// Save makes a change durable in one transaction.
func (s *lease) Save(ctx context.Context, c schedules.Change) error {
	err := s.ledger.write(ctx, func(tx *sql.Tx) error { return s.save(ctx, tx, c) })
	if err != nil {
		return explain(err, "write ledger %s", s.ledger.path)
	}
	return nil
}

func (s *lease) save(ctx context.Context, tx *sql.Tx, c schedules.Change) error {
	if c.Generation != 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE job SET generation = ? WHERE name = ?`, c.Generation-s.ledger.next, s.job); err != nil {
			return err
		}
	}
	generation, err := s.ledger.generation(ctx, tx, s.job)
	if err != nil {
		return err
	}
	if c.Reset {
		if err := s.forget(ctx, tx, "= ?", generation); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO generation (job, number) VALUES (?, ?) ON CONFLICT DO NOTHING`, s.job, generation); err != nil {
		return err
	}
	if err := s.saveWindows(ctx, tx, generation, c); err != nil {
		return err
	}
	if err := s.saveRules(ctx, tx, generation, c); err != nil {
		return err
	}
	if err := s.saveRuns(ctx, tx, c); err != nil {
		return err
	}
	if !c.Promote {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE job SET generation = ? WHERE name = ?`, generation, s.job); err != nil {
		return err
	}
	return s.forget(ctx, tx, "<> ?", generation)
}

// forget deletes what is known of generations.
func (s *lease) forget(ctx context.Context, tx *sql.Tx, which string, generation int) error {
	for _, from := range []string{"generation WHERE job = ? AND number ", "window WHERE job = ? AND generation ", "loaded WHERE job = ? AND generation "} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+from+which, s.job, generation); err != nil {
			return err
		}
	}
	return nil
}

func (s *lease) saveWindows(ctx context.Context, tx *sql.Tx, generation int, c schedules.Change) error {
	now := stamp(time.Now())
	for _, w := range c.Plan {
		if _, err := tx.ExecContext(ctx, `INSERT INTO window (job, generation, after_tx, after_seq, through_tx, through_seq, state, events, planned_at)
			VALUES (?, ?, ?, ?, ?, ?, 'planned', ?, ?)`,
			s.job, generation, int64(w.After.Tx), w.After.Seq, int64(w.Through.Tx), w.Through.Seq, w.Events, now); err != nil {
			return fmt.Errorf("plan %s: %w", w.Window, err)
		}
	}
	for _, w := range c.Finish {
		if err := s.finish(ctx, tx, generation, w, now); err != nil {
			return fmt.Errorf("finish %s: %w", w.Window, err)
		}
	}
	for _, w := range c.Again {
		res, err := tx.ExecContext(ctx, `UPDATE window SET again = 1`+atWindow, s.at(generation, w)...)
		if err == nil {
			err = oneRow(res)
		}
		if err != nil {
			return fmt.Errorf("mark %s: %w", w, err)
		}
	}
	for _, w := range c.Replace {
		if err := s.replace(ctx, tx, generation, w, now); err != nil {
			return fmt.Errorf("replace %s: %w", w.Window, err)
		}
	}
	return nil
}

func (s *lease) saveRules(ctx context.Context, tx *sql.Tx, generation int, c schedules.Change) error {
	set := func(column, value string) error {
		_, err := tx.ExecContext(ctx, "UPDATE generation SET "+column+" = ? WHERE job = ? AND number = ?", value, s.job, generation)
		return err
	}
	if c.Tables != nil {
		text, err := json.Marshal(c.Tables)
		if err != nil {
			return err
		}
		if err := set("tables", string(text)); err != nil {
			return err
		}
	}
	if c.Fingerprint != "" {
		superseded, err := json.Marshal(c.Superseded)
		if err != nil {
			return err
		}
		if err := errors.Join(set("fingerprint", c.Fingerprint), set("rules", string(c.Rules)), set("superseded", string(superseded))); err != nil {
			return err
		}
	}
	if c.Signature != "" {
		return set("signature", c.Signature)
	}
	return nil
}

func (s *lease) saveRuns(ctx context.Context, tx *sql.Tx, c schedules.Change) error {
	if r := c.Begin; r != nil {
		res, err := tx.ExecContext(ctx, `INSERT INTO run (job, kind, started) VALUES (?, ?, ?)`, s.job, r.Kind, stamp(r.Started))
		if err != nil {
			return err
		}
		if r.ID, err = res.LastInsertId(); err != nil {
			return err
		}
	}
	if r := c.End; r != nil {
		_, err := tx.ExecContext(ctx, `UPDATE run SET finished = ?, windows = ?, events = ?, error = ? WHERE id = ? AND job = ?`,
			stamp(r.Finished), r.Windows, r.Events, r.Error, r.ID, s.job)
		return err
	}
	return nil
}

// finish marks a window as loaded, once: a window that is marked already
// counts no second time.
func (s *lease) finish(ctx context.Context, tx *sql.Tx, generation int, w schedules.Loaded, now string) error {
	var state string
	var tx64, seq int64
	err := tx.QueryRowContext(ctx, `SELECT state, through_tx, through_seq FROM window WHERE job = ? AND generation = ? AND after_tx = ? AND after_seq = ?`,
		s.job, generation, int64(w.After.Tx), w.After.Seq).Scan(&state, &tx64, &seq)
	known := source.Position{Tx: uint64(tx64), Seq: seq}
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case known != w.Through:
		return fmt.Errorf("%s is %s and overlaps it", source.Window{After: w.After, Through: known}, state)
	case state == "loaded":
		return nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO window (job, generation, after_tx, after_seq, through_tx, through_seq, state, events,
			row_count, bytes, stored, extra, quarantined, discarded, planned_at, loaded_at, ms) VALUES (?, ?, ?, ?, ?, ?, 'loaded', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET state = 'loaded', events = excluded.events,
			row_count = excluded.row_count, bytes = excluded.bytes, stored = excluded.stored, extra = excluded.extra,
			quarantined = excluded.quarantined, discarded = excluded.discarded, loaded_at = excluded.loaded_at, ms = excluded.ms`,
		s.job, generation, int64(w.After.Tx), w.After.Seq, int64(w.Through.Tx), w.Through.Seq, w.Events,
		w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded, now, now, w.Duration.Milliseconds()); err != nil {
		return err
	}
	if err := s.cover(ctx, tx, generation, w.Window); err != nil {
		return err
	}
	return s.count(ctx, tx, generation, w)
}

// replace takes a loaded window as it was loaded again: the totals change by
// the difference.
func (s *lease) replace(ctx context.Context, tx *sql.Tx, generation int, w schedules.Loaded, now string) error {
	key := s.at(generation, w.Window)
	var events, rows, bytes, stored, extra, quarantined, discarded int64
	err := tx.QueryRowContext(ctx, `SELECT events, row_count, bytes, stored, extra, quarantined, discarded FROM window`+atWindow, key...).
		Scan(&events, &rows, &bytes, &stored, &extra, &quarantined, &discarded)
	if errors.Is(err, sql.ErrNoRows) {
		return errNotLoaded
	}
	if err != nil {
		return err
	}
	values := append([]any{w.Events, w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded, now, w.Duration.Milliseconds()}, key...)
	if _, err := tx.ExecContext(ctx, `UPDATE window SET events = ?, row_count = ?, bytes = ?, stored = ?, extra = ?, quarantined = ?, discarded = ?, loaded_at = ?, ms = ?, again = 0`+atWindow,
		values...); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE generation SET events = events + ?, row_count = row_count + ?, bytes = bytes + ?, stored = stored + ?,
		extra = extra + ?, quarantined = quarantined + ?, discarded = discarded + ? WHERE job = ? AND number = ?`,
		w.Events-events, w.Rows-rows, w.Bytes-bytes, w.Stored-stored, w.Extra-extra, w.Quarantined-quarantined, w.Discarded-discarded, s.job, generation)
	return err
}

// atWindow is true for the loaded window that at gives the values of.
const atWindow = ` WHERE job = ? AND generation = ? AND after_tx = ? AND after_seq = ? AND through_tx = ? AND through_seq = ? AND state = 'loaded'`

func (s *lease) at(generation int, w source.Window) []any {
	return []any{s.job, generation, int64(w.After.Tx), w.After.Seq, int64(w.Through.Tx), w.Through.Seq}
}

var errNotLoaded = errors.New("it is not loaded")

// oneRow refuses a change that has changed nothing.
func oneRow(res sql.Result) error {
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errNotLoaded
}

// cover adds a window to the ranges that are loaded, joining its neighbours.
func (s *lease) cover(ctx context.Context, tx *sql.Tx, generation int, w source.Window) error {
	rows, err := tx.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, 0 FROM loaded WHERE job = ? AND generation = ?
		AND (after_tx, after_seq) <= (?, ?) AND (through_tx, through_seq) >= (?, ?)`,
		s.job, generation, int64(w.Through.Tx), w.Through.Seq, int64(w.After.Tx), w.After.Seq)
	if err != nil {
		return err
	}
	touching := []source.Window{w}
	if err := eachWindow(rows, func(v source.Window, _ int64) { touching = append(touching, v) }); err != nil {
		return err
	}
	for _, v := range touching[1:] {
		if v.Overlaps(w) {
			return fmt.Errorf("%s is loaded and overlaps it", v)
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM loaded WHERE job = ? AND generation = ? AND after_tx = ? AND after_seq = ?`,
			s.job, generation, int64(v.After.Tx), v.After.Seq); err != nil {
			return err
		}
	}
	for _, v := range schedules.Union(touching) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO loaded VALUES (?, ?, ?, ?, ?, ?)`,
			s.job, generation, int64(v.After.Tx), v.After.Seq, int64(v.Through.Tx), v.Through.Seq); err != nil {
			return err
		}
	}
	return nil
}

// count adds a window to the job's totals and to the first and last event.
func (s *lease) count(ctx context.Context, tx *sql.Tx, generation int, w schedules.Loaded) error {
	var firstText, lastText string
	if err := tx.QueryRowContext(ctx, `SELECT first, last FROM generation WHERE job = ? AND number = ?`, s.job, generation).Scan(&firstText, &lastText); err != nil {
		return err
	}
	first, err := parseAnchor(firstText)
	if err != nil {
		return err
	}
	last, err := parseAnchor(lastText)
	if err != nil {
		return err
	}
	if w.Events > 0 && (firstText == "" || w.First.Position.Compare(first.Position) < 0) {
		firstText = anchorText(w.First)
	}
	if w.Events > 0 && (lastText == "" || w.Last.Position.Compare(last.Position) > 0) {
		lastText = anchorText(w.Last)
	}
	_, err = tx.ExecContext(ctx, `UPDATE generation SET first = ?, last = ?, windows = windows + 1, events = events + ?, row_count = row_count + ?,
		bytes = bytes + ?, stored = stored + ?, extra = extra + ?, quarantined = quarantined + ?, discarded = discarded + ? WHERE job = ? AND number = ?`,
		firstText, lastText, w.Events, w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded, s.job, generation)
	return err
}

func anchorText(a sinks.Anchor) string {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // an Anchor is plain text and numbers
	}
	return string(text)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
