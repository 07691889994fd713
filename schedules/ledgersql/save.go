package ledgersql

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// change is a change on its way into one generation of a job.
type change struct {
	*Tx
	job        string
	generation int
	now        string
}

// Save makes a change, unless the lease of that number was lost: then it
// changes nothing and returns a *HeldError.
func (l *Ledger) Save(ctx context.Context, t *Tx, job string, number int64, c schedules.Change) error {
	generation, err := l.generation(ctx, t, job, t.dialect.ForUpdate)
	if err != nil {
		return err
	}
	if err := l.Check(ctx, t, job, number); err != nil {
		return err
	}
	if c.Generation != 0 {
		if _, err := t.Exec(ctx, `UPDATE ledger.job SET generation = $1 WHERE name = $2`, c.Generation-l.Ahead, job); err != nil {
			return err
		}
		generation = c.Generation
	}
	s := &change{Tx: t, job: job, generation: generation, now: stamp(time.Now())}
	if c.Reset {
		if err := s.forget(ctx, "="); err != nil {
			return err
		}
	}
	if _, err := t.Exec(ctx, `INSERT INTO ledger.generation (job, number) VALUES ($1, $2) ON CONFLICT DO NOTHING`, job, generation); err != nil {
		return err
	}
	if err := s.saveWindows(ctx, c); err != nil {
		return err
	}
	if err := s.saveRules(ctx, c); err != nil {
		return err
	}
	if err := s.saveRuns(ctx, c); err != nil {
		return err
	}
	if err := s.saveReceipts(ctx, c); err != nil {
		return err
	}
	if !c.Promote {
		return nil
	}
	if _, err := t.Exec(ctx, `UPDATE ledger.job SET generation = $1 WHERE name = $2`, generation, job); err != nil {
		return err
	}
	return s.forget(ctx, "<>")
}

// forget deletes what is known of the generation, or of all others.
func (s *change) forget(ctx context.Context, is string) error {
	for _, rows := range []string{"generation WHERE job = $1 AND number ", "window WHERE job = $1 AND generation ", "loaded WHERE job = $1 AND generation "} {
		if _, err := s.Exec(ctx, "DELETE FROM ledger."+rows+is+" $2", s.job, s.generation); err != nil {
			return err
		}
	}
	return nil
}

func (s *change) saveWindows(ctx context.Context, c schedules.Change) error {
	if err := s.plan(ctx, c.Plan); err != nil {
		return err
	}
	for _, w := range c.Finish {
		if err := s.finish(ctx, w); err != nil {
			return fmt.Errorf("finish %s: %w", w.Window, err)
		}
	}
	for _, w := range c.Again {
		if err := s.mark(ctx, w); err != nil {
			return fmt.Errorf("mark %s: %w", w, err)
		}
	}
	for _, w := range c.Replace {
		if err := s.replace(ctx, w); err != nil {
			return fmt.Errorf("replace %s: %w", w.Window, err)
		}
	}
	return nil
}

func (s *change) plan(ctx context.Context, windows []schedules.Planned) error {
	rows := make([][]any, len(windows))
	for i, w := range windows {
		rows[i] = append(s.key(w.Window), int64(w.Through.Tx), w.Through.Seq, "planned", w.Events, s.now)
	}
	into := `window (job, generation, after_tx, after_seq, through_tx, through_seq, state, events, planned_at)`
	if at, err := s.insert(ctx, into, rows); err != nil {
		return fmt.Errorf("plan %s: %w", windows[at].Window, err)
	}
	return nil
}

// together is how many rows one statement adds at most. SQLite takes 32,766
// parameters, PostgreSQL 65,535.
const together = 200

// insert adds rows, or gives the index of one that is among those it could not
// add.
func (t *Tx) insert(ctx context.Context, into string, rows [][]any) (at int, err error) {
	for ; at < len(rows); at += together {
		some := rows[at:min(at+together, len(rows))]
		var values strings.Builder
		var args []any
		for i, row := range some {
			sign := ", ("
			if i == 0 {
				sign = "("
			}
			for _, v := range row {
				args = append(args, v)
				fmt.Fprintf(&values, "%s$%d", sign, len(args))
				sign = ", "
			}
			values.WriteString(")")
		}
		if _, err := t.Exec(ctx, "INSERT INTO ledger."+into+" VALUES "+values.String(), args...); err != nil {
			return at, err
		}
	}
	return 0, nil
}

// key gives the values of the first four columns of a window.
func (s *change) key(w source.Window) []any {
	return []any{s.job, s.generation, int64(w.After.Tx), w.After.Seq}
}

func (s *change) saveRules(ctx context.Context, c schedules.Change) error {
	set := func(columns string, values ...any) error {
		_, err := s.Exec(ctx, "UPDATE ledger.generation SET "+columns+" WHERE job = $1 AND number = $2", append([]any{s.job, s.generation}, values...)...)
		return err
	}
	if c.Tables != nil {
		text, err := json.Marshal(c.Tables)
		if err != nil {
			return err
		}
		if err := set("tables = $3", string(text)); err != nil {
			return err
		}
	}
	if c.Fingerprint != "" {
		superseded, err := json.Marshal(c.Superseded)
		if err != nil {
			return err
		}
		if err := set("fingerprint = $3, rules = $4, superseded = $5", c.Fingerprint, string(c.Rules), string(superseded)); err != nil {
			return err
		}
	}
	if c.Signature != "" {
		return set("signature = $3", c.Signature)
	}
	return nil
}

func (s *change) saveRuns(ctx context.Context, c schedules.Change) error {
	if r := c.Begin; r != nil {
		err := s.Row(ctx, `INSERT INTO ledger.run (job, id, kind, started)
			SELECT $1, coalesce(max(id), 0) + 1, $2, $3 FROM ledger.run WHERE job = $1 RETURNING id`, s.job, r.Kind, stamp(r.Started)).Scan(&r.ID)
		if err != nil {
			return err
		}
	}
	if r := c.End; r != nil {
		_, err := s.Exec(ctx, `UPDATE ledger.run SET finished = $3, windows = $4, events = $5, error = $6 WHERE job = $1 AND id = $2`,
			s.job, r.ID, stamp(r.Finished), r.Windows, r.Events, plain(r.Error))
		return err
	}
	return nil
}

// plain takes out of a text what no database keeps.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
