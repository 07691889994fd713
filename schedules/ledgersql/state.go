package ledgersql

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// shownRuns is how many of the last runs State gives.
const shownRuns = 10

// State gives what is known of a job. It is all of one moment: a window that
// is finished meanwhile is either loaded or pending.
func (l *Ledger) State(ctx context.Context, job string) (s *schedules.State, err error) {
	err = l.Read(ctx, func(t *Tx) error {
		s, err = l.state(ctx, t, job)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (l *Ledger) state(ctx context.Context, t *Tx, job string) (_ *schedules.State, err error) {
	s := &schedules.State{Job: job}
	if s.Generation, err = l.generation(ctx, t, job, ""); err != nil {
		return nil, err
	}
	if err := t.runs(ctx, s); err != nil {
		return nil, err
	}
	if err := t.receipts(ctx, s); err != nil {
		return nil, err
	}
	var rules, superseded, tables, first, last string
	err = t.Row(ctx, `SELECT fingerprint, rules, superseded, tables, signature, first, last,
			windows, events, row_count, bytes, stored, extra, quarantined, discarded
		FROM ledger.generation WHERE job = $1 AND number = $2`, job, s.Generation).Scan(&s.Fingerprint, &rules, &superseded, &tables, &s.Signature, &first, &last,
		&s.Totals.Windows, &s.Totals.Events, &s.Totals.Rows, &s.Totals.Bytes, &s.Totals.Stored, &s.Totals.Extra,
		&s.Totals.Quarantined, &s.Totals.Discarded)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	if rules != "" {
		s.Rules = json.RawMessage(rules)
	}
	if err := json.Unmarshal([]byte(superseded), &s.Superseded); err != nil {
		return nil, fmt.Errorf("%w: superseded rules of job %s: %w", ErrDamaged, job, err)
	}
	if err := json.Unmarshal([]byte(tables), &s.Tables); err != nil {
		return nil, fmt.Errorf("%w: tables of job %s: %w", ErrDamaged, job, err)
	}
	if s.First, err = parseAnchor(first); err != nil {
		return nil, err
	}
	if s.Last, err = parseAnchor(last); err != nil {
		return nil, err
	}
	return s, t.stateWindows(ctx, s)
}

func (t *Tx) stateWindows(ctx context.Context, s *schedules.State) error {
	of := []any{s.Job, s.Generation}
	err := t.windows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, 0 FROM ledger.loaded
		WHERE job = $1 AND generation = $2 ORDER BY after_tx, after_seq`, of,
		func(w source.Window, _ int64) { s.Loaded = append(s.Loaded, w) })
	if err != nil {
		return err
	}
	err = t.windows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, events FROM ledger.window`+t.indexed("window_pending")+`
		WHERE job = $1 AND generation = $2 AND state = 'planned' ORDER BY after_tx, after_seq`, of,
		func(w source.Window, events int64) {
			s.Pending = append(s.Pending, schedules.Planned{Window: w, Events: events})
		})
	if err != nil {
		return err
	}
	// Windows with events in quarantine, or that are to be loaded again.
	where := ` FROM ledger.window` + t.indexed("window_attention") + ` WHERE job = $1 AND generation = $2 AND (quarantined > 0 OR again > 0) ORDER BY after_tx, after_seq`
	err = t.windows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, quarantined`+where, of, func(w source.Window, events int64) {
		if events > 0 {
			s.Quarantined = append(s.Quarantined, schedules.Quarantined{Window: w, Events: events})
		}
	})
	if err != nil {
		return err
	}
	return t.windows(ctx, `SELECT after_tx, after_seq, through_tx, through_seq, again`+where, of, func(w source.Window, marked int64) {
		if marked > 0 {
			s.Again = append(s.Again, w)
		}
	})
}

func (t *Tx) runs(ctx context.Context, s *schedules.State) error {
	return t.Rows(ctx, `SELECT id, kind, started, finished, windows, events, error FROM ledger.run
		WHERE job = $1 ORDER BY id DESC LIMIT $2`, []any{s.Job, shownRuns}, func(rows *sql.Rows) error {
		var r schedules.Run
		var started, finished string
		if err := rows.Scan(&r.ID, &r.Kind, &started, &finished, &r.Windows, &r.Events, &r.Error); err != nil {
			return err
		}
		r.Started, r.Finished = moment(started), moment(finished)
		s.Runs = append(s.Runs, r)
		return nil
	})
}

// moment reads what stamp wrote, zero where there is nothing.
func moment(text string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, text)
	return t
}
