// Package ledgersql is what ledgers in SQL databases have in common: the
// statements, the meaning of a change, leases by number, and the file that a
// ledger is carried in from one database to another. What is particular to a
// database (its tables, who may write when, its errors) is with the packages
// that open one.
package ledgersql

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"backstory/schedules"
)

// Format is the version of the tables that the statements here are for. They
// are: job, lease, generation, window, loaded, run and receipt.
const Format = 3

// ErrDamaged is what a ledger holds that no Backstory has written.
var ErrDamaged = errors.New("it is damaged")

// Database is a database with a ledger in it. Both methods run fn in a
// transaction and say in their errors which ledger it is.
type Database interface {
	// Read lets fn see one state of the database, which it must not change.
	Read(ctx context.Context, fn func(*Tx) error) error
	// Write keeps what fn has done, all of it or nothing. Where the connection
	// is lost, fn may be called again, and may then find that it was kept.
	Write(ctx context.Context, fn func(*Tx) error) error
}

// Dialect is in what the statements differ.
type Dialect struct {
	// Schema is where the tables are, quoted.
	Schema string
	// ForUpdate ends a SELECT whose rows nobody else may change, or take for
	// changing, until the transaction ends; "" where a transaction that
	// writes is alone.
	ForUpdate string
	// Indexed makes a statement use an index of a table; nil where the
	// database knows best.
	Indexed func(index string) string
}

// Do runs fn in a transaction. database/sql rolls it back as soon as ctx is
// over, and then knows it no more: what is said is why ctx is over.
func (d *Dialect) Do(ctx context.Context, db *sql.DB, o *sql.TxOptions, fn func(*Tx) error) error {
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	err = fn(&Tx{tx, d})
	if err == nil && (o == nil || !o.ReadOnly) {
		err = tx.Commit()
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Tx is a transaction. In its statements, tables stand behind "ledger.", as in
// ledger.window, wherever they are, and parameters are $1, $2 and so on.
type Tx struct {
	tx      *sql.Tx
	dialect *Dialect
}

func (t *Tx) text(statement string) string {
	return strings.ReplaceAll(statement, "ledger.", t.dialect.Schema+".")
}

// Exec runs a statement and tells how many rows it has changed.
func (t *Tx) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	res, err := t.tx.ExecContext(ctx, t.text(statement), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Row runs a statement that gives a row.
func (t *Tx) Row(ctx context.Context, statement string, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, t.text(statement), args...)
}

// Rows calls fn with each row of what a statement gives.
func (t *Tx) Rows(ctx context.Context, statement string, args []any, fn func(*sql.Rows) error) error {
	rows, err := t.tx.QueryContext(ctx, t.text(statement), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *Tx) indexed(index string) string {
	if t.dialect.Indexed == nil {
		return ""
	}
	return t.dialect.Indexed(index)
}

// Ledger is all of a schedules.Ledger but who may work on a job.
type Ledger struct {
	Database
	// Ahead is how far above a job's live generation the one lies that is
	// meant: 0, or 1 for the one that a rebuild makes.
	Ahead int
}

// generation gives the number of the generation that is meant. Where lock is
// given, nobody else changes anything of the job until the transaction ends.
func (l *Ledger) generation(ctx context.Context, t *Tx, job, lock string) (int, error) {
	live := 1
	err := t.Row(ctx, `SELECT generation FROM ledger.job WHERE name = $1`+lock, job).Scan(&live)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	return live + l.Ahead, nil
}

var _ schedules.Portable = (*Ledger)(nil)
