package ledgersql

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/sinks"
)

// saveReceipts keeps what is asked to be forgotten, and blanks what tells of
// it, in all generations.
func (s *change) saveReceipts(ctx context.Context, c schedules.Change) error {
	if r := c.Forget; r != nil {
		streams, err := json.Marshal(r.Streams)
		if err != nil {
			return err
		}
		done := ""
		if !r.Done.IsZero() {
			done = stamp(r.Done)
		}
		err = s.Row(ctx, `INSERT INTO ledger.receipt (job, id, asked, done, streams, row_count, windows)
			SELECT $1, coalesce(max(id), 0) + 1, $2, $3, $4, $5, $6 FROM ledger.receipt WHERE job = $1 RETURNING id`,
			s.job, stamp(r.Asked), done, string(streams), r.Rows, r.Windows).Scan(&r.ID)
		if err != nil {
			return err
		}
	}
	if len(c.Erase) > 0 {
		if err := s.eraseAnchors(ctx, c.Erase); err != nil {
			return err
		}
		if err := s.eraseErrors(ctx, c.Erase); err != nil {
			return err
		}
	}
	if !c.Forgot {
		return nil
	}
	_, err := s.Exec(ctx, `UPDATE ledger.receipt SET done = $2 WHERE job = $1 AND done = ''`, s.job, s.now)
	return err
}

// eraseAnchors takes names of streams out of the first and last events.
func (s *change) eraseAnchors(ctx context.Context, names []string) error {
	type ends struct {
		number      int
		first, last string
	}
	var all []ends
	err := s.Rows(ctx, `SELECT number, first, last FROM ledger.generation WHERE job = $1`, []any{s.job}, func(rows *sql.Rows) error {
		var e ends
		err := rows.Scan(&e.number, &e.first, &e.last)
		all = append(all, e)
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range all {
		for _, text := range []*string{&e.first, &e.last} {
			a, err := parseAnchor(*text)
			if err != nil {
				return err
			}
			if a == (sinks.Anchor{}) || !slices.Contains(names, a.Stream) {
				continue
			}
			a.Stream = ""
			if *text, err = anchorText(a); err != nil {
				return err
			}
		}
		if _, err := s.Exec(ctx, `UPDATE ledger.generation SET first = $3, last = $4 WHERE job = $1 AND number = $2`, s.job, e.number, e.first, e.last); err != nil {
			return err
		}
	}
	return nil
}

// eraseErrors takes names of streams, also as quoted text has them, out of what
// failed runs have said.
func (s *change) eraseErrors(ctx context.Context, names []string) error {
	said := make(map[int64]string)
	var forms []string // as errors show them, those first that others may be parts of
	for _, name := range names {
		quoted := strconv.Quote(name)
		forms = append(forms, plain(name), quoted[1:len(quoted)-1])
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	err := s.Rows(ctx, `SELECT id, error FROM ledger.run WHERE job = $1 AND error <> ''`, []any{s.job}, func(rows *sql.Rows) error {
		var id int64
		var text string
		err := rows.Scan(&id, &text)
		for _, name := range forms {
			if strings.Contains(text, name) {
				text = strings.ReplaceAll(text, name, "(forgotten)")
				said[id] = text
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for id, text := range said {
		if _, err := s.Exec(ctx, `UPDATE ledger.run SET error = $3 WHERE job = $1 AND id = $2`, s.job, id, text); err != nil {
			return err
		}
	}
	return nil
}

// receipts reads what was forgotten of a job.
func (t *Tx) receipts(ctx context.Context, s *schedules.State) error {
	return t.Rows(ctx, `SELECT id, asked, done, streams, row_count, windows FROM ledger.receipt WHERE job = $1 ORDER BY id`, []any{s.Job}, func(rows *sql.Rows) error {
		var r schedules.Receipt
		var asked, done, streams string
		if err := rows.Scan(&r.ID, &asked, &done, &streams, &r.Rows, &r.Windows); err != nil {
			return err
		}
		r.Asked, _ = time.Parse(time.RFC3339Nano, asked)
		r.Done, _ = time.Parse(time.RFC3339Nano, done)
		if err := json.Unmarshal([]byte(streams), &r.Streams); err != nil {
			return fmt.Errorf("%w: receipt %d of job %s: %w", ErrDamaged, r.ID, s.Job, err)
		}
		s.Receipts = append(s.Receipts, r)
		return nil
	})
}
