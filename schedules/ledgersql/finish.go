package ledgersql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"
)

var errNotLoaded = errors.New("it is not loaded")

// finish marks a window as loaded, once: a window that is marked already
// counts no second time.
func (s *change) finish(ctx context.Context, w schedules.Loaded) error {
	var state string
	var tx, seq int64
	err := s.Row(ctx, `SELECT state, through_tx, through_seq FROM ledger.window WHERE job = $1 AND generation = $2 AND after_tx = $3 AND after_seq = $4`,
		s.key(w.Window)...).Scan(&state, &tx, &seq)
	known := source.Position{Tx: uint64(tx), Seq: seq}
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	case known != w.Through:
		return fmt.Errorf("%s is %s and overlaps it", source.Window{After: w.After, Through: known}, state)
	case state == "loaded":
		return nil
	}
	values := append(s.key(w.Window), int64(w.Through.Tx), w.Through.Seq, w.Events, w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded, s.now, w.Duration.Milliseconds(), w.Forgotten)
	if _, err := s.Exec(ctx, `INSERT INTO ledger.window (job, generation, after_tx, after_seq, through_tx, through_seq, state,
			events, row_count, bytes, stored, extra, quarantined, discarded, planned_at, loaded_at, ms, forgotten)
		VALUES ($1, $2, $3, $4, $5, $6, 'loaded', $7, $8, $9, $10, $11, $12, $13, $14, $14, $15, $16)
		ON CONFLICT (job, generation, after_tx, after_seq) DO UPDATE SET state = 'loaded', events = excluded.events,
			row_count = excluded.row_count, bytes = excluded.bytes, stored = excluded.stored, extra = excluded.extra,
			quarantined = excluded.quarantined, discarded = excluded.discarded, loaded_at = excluded.loaded_at, ms = excluded.ms, forgotten = excluded.forgotten`,
		values...); err != nil {
		return err
	}
	if err := s.cover(ctx, w.Window); err != nil {
		return err
	}
	return s.count(ctx, w)
}

// cover adds a window to the ranges that are loaded, joining its neighbours.
func (s *change) cover(ctx context.Context, w source.Window) error {
	touching := []source.Window{w}
	err := s.windows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, 0 FROM ledger.loaded WHERE job = $1 AND generation = $2
		AND (after_tx, after_seq) <= ($3, $4) AND (through_tx, through_seq) >= ($5, $6)`,
		[]any{s.job, s.generation, int64(w.Through.Tx), w.Through.Seq, int64(w.After.Tx), w.After.Seq},
		func(v source.Window, _ int64) { touching = append(touching, v) })
	if err != nil {
		return err
	}
	for _, v := range touching[1:] {
		if v.Overlaps(w) {
			return fmt.Errorf("%s is loaded and overlaps it", v)
		}
		if _, err := s.Exec(ctx, `DELETE FROM ledger.loaded WHERE job = $1 AND generation = $2 AND after_tx = $3 AND after_seq = $4`, s.key(v)...); err != nil {
			return err
		}
	}
	for _, v := range schedules.Union(touching) {
		if _, err := s.Exec(ctx, `INSERT INTO ledger.loaded (job, generation, after_tx, after_seq, through_tx, through_seq) VALUES ($1, $2, $3, $4, $5, $6)`,
			append(s.key(v), int64(v.Through.Tx), v.Through.Seq)...); err != nil {
			return err
		}
	}
	return nil
}

// count adds a window to the totals and to the first and last event.
func (s *change) count(ctx context.Context, w schedules.Loaded) error {
	var firstText, lastText string
	if err := s.Row(ctx, `SELECT first, last FROM ledger.generation WHERE job = $1 AND number = $2`, s.job, s.generation).Scan(&firstText, &lastText); err != nil {
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
		if firstText, err = anchorText(w.First); err != nil {
			return err
		}
	}
	if w.Events > 0 && (lastText == "" || w.Last.Position.Compare(last.Position) > 0) {
		if lastText, err = anchorText(w.Last); err != nil {
			return err
		}
	}
	_, err = s.Exec(ctx, `UPDATE ledger.generation SET first = $3, last = $4, windows = windows + 1, events = events + $5, row_count = row_count + $6,
		bytes = bytes + $7, stored = stored + $8, extra = extra + $9, quarantined = quarantined + $10, discarded = discarded + $11 WHERE job = $1 AND number = $2`,
		s.job, s.generation, firstText, lastText, w.Events, w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded)
	return err
}

// loadedAt is true for the loaded window that at gives the values of.
const loadedAt = ` WHERE job = $1 AND generation = $2 AND after_tx = $3 AND after_seq = $4 AND through_tx = $5 AND through_seq = $6 AND state = 'loaded'`

func (s *change) at(w source.Window) []any {
	return append(s.key(w), int64(w.Through.Tx), w.Through.Seq)
}

// mark marks a loaded window as one that is to be loaded again.
func (s *change) mark(ctx context.Context, w source.Window) error {
	n, err := s.Exec(ctx, `UPDATE ledger.window SET again = 1`+loadedAt, s.at(w)...)
	if err == nil && n != 1 {
		err = errNotLoaded
	}
	return err
}

// replace takes a loaded window as it was loaded again: the totals change by
// the difference.
func (s *change) replace(ctx context.Context, w schedules.Loaded) error {
	var events, rows, bytes, stored, extra, quarantined, discarded int64
	err := s.Row(ctx, `SELECT events, row_count, bytes, stored, extra, quarantined, discarded FROM ledger.window`+loadedAt, s.at(w.Window)...).
		Scan(&events, &rows, &bytes, &stored, &extra, &quarantined, &discarded)
	if errors.Is(err, sql.ErrNoRows) {
		return errNotLoaded
	}
	if err != nil {
		return err
	}
	if _, err := s.Exec(ctx, `UPDATE ledger.window SET events = $7, row_count = $8, bytes = $9, stored = $10, extra = $11, quarantined = $12, discarded = $13,
			loaded_at = $14, ms = $15, forgotten = $16, again = 0`+loadedAt,
		append(s.at(w.Window), w.Events, w.Rows, w.Bytes, w.Stored, w.Extra, w.Quarantined, w.Discarded, s.now, w.Duration.Milliseconds(), w.Forgotten)...); err != nil {
		return err
	}
	_, err = s.Exec(ctx, `UPDATE ledger.generation SET events = events + $3, row_count = row_count + $4, bytes = bytes + $5, stored = stored + $6,
		extra = extra + $7, quarantined = quarantined + $8, discarded = discarded + $9 WHERE job = $1 AND number = $2`, s.job, s.generation,
		w.Events-events, w.Rows-rows, w.Bytes-bytes, w.Stored-stored, w.Extra-extra, w.Quarantined-quarantined, w.Discarded-discarded)
	return err
}

// windows calls fn with the windows that a statement gives, and with the
// number behind each.
func (t *Tx) windows(ctx context.Context, statement string, args []any, fn func(w source.Window, n int64)) error {
	return t.Rows(ctx, statement, args, func(rows *sql.Rows) error {
		var afterTx, throughTx, n int64
		var w source.Window
		if err := rows.Scan(&afterTx, &w.After.Seq, &throughTx, &w.Through.Seq, &n); err != nil {
			return err
		}
		w.After.Tx, w.Through.Tx = uint64(afterTx), uint64(throughTx)
		fn(w, n)
		return nil
	})
}

func anchorText(a sinks.Anchor) (string, error) {
	text, err := json.Marshal(a)
	return string(text), err
}

func parseAnchor(text string) (sinks.Anchor, error) {
	var a sinks.Anchor
	if text == "" {
		return a, nil
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("%w: anchor %q: %w", ErrDamaged, text, err)
	}
	return a, nil
}
