package ledgersql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"backstory/schedules"
)

// Holder says who takes a lease now.
func Holder() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("process %d on %s since %s", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
}

// HeldError says who holds a lease.
type HeldError struct {
	// Holder is what Holder has said there.
	Holder string
	// Lost is the number of the lease that was ours and is not any more, 0
	// where we never had it.
	Lost int64
	// Until is when it ends if it is not renewed, zero where it ends with
	// its holder.
	Until time.Time
}

func (e *HeldError) Error() string {
	s := schedules.ErrHeld.Error()
	if e.Lost > 0 {
		s = fmt.Sprintf("lease %d was lost: %s", e.Lost, s)
	}
	if e.Holder != "" {
		s += ": " + e.Holder
	}
	return s
}

func (e *HeldError) Unwrap() error { return schedules.ErrHeld }

// Hint says what to do about the error.
func (e *HeldError) Hint() string {
	switch {
	case e.Lost > 0:
		return "this process was stopped, or cut off from the ledger, for longer than its lease, and gave up; whoever took the job over goes on with it, and nothing is lost or doubled"
	case !e.Until.IsZero():
		return "wait for the other run to end; if it has died, its lease ends by itself at " + e.Until.UTC().Format(time.RFC3339)
	}
	return "wait for the other run to end; nothing needs to be cleaned up"
}

// LockJob keeps others from changing anything of a job until the transaction
// ends. The job is known from then on.
func (l *Ledger) LockJob(ctx context.Context, t *Tx, job string) error {
	if _, err := t.Exec(ctx, `INSERT INTO ledger.job (name) VALUES ($1) ON CONFLICT DO NOTHING`, job); err != nil {
		return err
	}
	_, err := l.generation(ctx, t, job, t.dialect.ForUpdate)
	return err
}

// Take gives the lease of a job, which is locked, to a holder, whoever has it,
// and gives its number.
func (l *Ledger) Take(ctx context.Context, t *Tx, job, holder string) (number int64, err error) {
	// One series of numbers for both leases of a job.
	err = t.Row(ctx, `SELECT coalesce(max(number), 0) + 1 FROM ledger.lease WHERE job = $1`, job).Scan(&number)
	if err != nil {
		return 0, err
	}
	_, err = t.Exec(ctx, `INSERT INTO ledger.lease (job, next, number, holder) VALUES ($1, $2, $3, $4)
		ON CONFLICT (job, next) DO UPDATE SET number = excluded.number, holder = excluded.holder`, job, l.Ahead, number, holder)
	return number, err
}

// Check returns a *HeldError if the lease of that number is not the last one
// that was taken.
func (l *Ledger) Check(ctx context.Context, t *Tx, job string, number int64) error {
	var last int64
	var holder string
	err := t.Row(ctx, `SELECT number, holder FROM ledger.lease WHERE job = $1 AND next = $2`, job, l.Ahead).Scan(&last, &holder)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if last != number {
		return &HeldError{Holder: holder, Lost: number}
	}
	return nil
}
