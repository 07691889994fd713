package ledgersql

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// pageWindows is how many windows are read at a time.
const pageWindows = 4096

// Windows gives the windows of the generation that end after a position. They
// are read page by page, so that fn may use the ledger and take its time; if
// the generation changes meanwhile, that is an error which may pass.
func (l *Ledger) Windows(ctx context.Context, job string, after source.Position, fn func(schedules.WindowRecord) error) error {
	from := source.Position{Seq: math.MinInt64}
	for generation := 0; ; {
		var page []schedules.WindowRecord
		err := l.Read(ctx, func(t *Tx) error {
			now, err := l.generation(ctx, t, job, "")
			if err != nil {
				return err
			}
			if generation != 0 && now != generation {
				return source.Transient(fmt.Errorf("read windows of job %s: generation %d has taken the place of %d meanwhile", job, now, generation))
			}
			generation = now
			page, err = t.page(ctx, job, generation, from, after)
			return err
		})
		if err != nil {
			return err
		}
		for _, w := range page {
			if err := fn(w); err != nil {
				return err
			}
		}
		if len(page) < pageWindows {
			return nil
		}
		from = page[len(page)-1].Through // windows of a generation do not overlap
	}
}

// page reads windows that begin at or after from and end after a position.
func (t *Tx) page(ctx context.Context, job string, generation int, from, after source.Position) (page []schedules.WindowRecord, err error) {
	err = t.Rows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, planned_at, loaded_at, ms, again,
			events, row_count, bytes, stored, extra, quarantined, discarded, forgotten
		FROM ledger.window WHERE job = $1 AND generation = $2 AND (after_tx, after_seq) >= ($3, $4) AND (through_tx, through_seq) > ($5, $6)
		ORDER BY after_tx, after_seq LIMIT $7`,
		[]any{job, generation, int64(from.Tx), from.Seq, int64(after.Tx), after.Seq, pageWindows}, func(rows *sql.Rows) error {
			var w schedules.WindowRecord
			var afterTx, throughTx, ms int64
			var planned, loaded string
			if err := rows.Scan(&afterTx, &w.After.Seq, &throughTx, &w.Through.Seq, &planned, &loaded, &ms, &w.Again,
				&w.Events, &w.Rows, &w.Bytes, &w.Stored, &w.Extra, &w.Quarantined, &w.Discarded, &w.Forgotten); err != nil {
				return err
			}
			w.After.Tx, w.Through.Tx = uint64(afterTx), uint64(throughTx)
			w.Planned, w.Loaded = moment(planned), moment(loaded)
			w.Duration = time.Duration(ms) * time.Millisecond
			page = append(page, w)
			return nil
		})
	return page, err
}
