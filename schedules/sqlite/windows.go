package sqlite

import (
	"context"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// Windows gives the windows of the generation that end after a position.
func (l *Ledger) Windows(ctx context.Context, job string, after source.Position, fn func(schedules.WindowRecord) error) error {
	if err := l.windows(ctx, job, after, fn); err != nil {
		return explain(err, "%s", l.path)
	}
	return nil
}

func (l *Ledger) windows(ctx context.Context, job string, after source.Position, fn func(schedules.WindowRecord) error) error {
	generation, err := l.generation(ctx, l.db, job)
	if err != nil {
		return err
	}
	rows, err := l.db.QueryContext(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, planned_at, loaded_at, ms, again,
			events, row_count, bytes, stored, extra, quarantined, discarded
		FROM window WHERE job = ? AND generation = ? AND (through_tx, through_seq) > (?, ?) ORDER BY after_tx, after_seq`,
		job, generation, int64(after.Tx), after.Seq)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w schedules.WindowRecord
		var afterTx, throughTx, ms int64
		var planned, loaded string
		if err := rows.Scan(&afterTx, &w.After.Seq, &throughTx, &w.Through.Seq, &planned, &loaded, &ms, &w.Again,
			&w.Events, &w.Rows, &w.Bytes, &w.Stored, &w.Extra, &w.Quarantined, &w.Discarded); err != nil {
			return err
		}
		w.After.Tx, w.Through.Tx = uint64(afterTx), uint64(throughTx)
		w.Planned, _ = time.Parse(time.RFC3339Nano, planned)
		w.Loaded, _ = time.Parse(time.RFC3339Nano, loaded)
		w.Duration = time.Duration(ms) * time.Millisecond
		if err := fn(w); err != nil {
			return err
		}
	}
	return rows.Err()
}
