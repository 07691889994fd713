// Package sqlite keeps the ledger in a SQLite file: the default, since it
// needs nothing but a place to lie. One process at a time works on a job;
// others may read.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"backstory/schedules"
	"backstory/source"

	_ "modernc.org/sqlite" // the driver of database/sql
)

// Ledger is a schedules.Ledger in a file.
type Ledger struct {
	path string
	db   *sql.DB
	// next is how far above a job's live generation the one lies that is meant.
	next int
}

var _ schedules.Ledger = (*Ledger)(nil)

// Open opens the ledger in the file, which it makes if there is none. A file
// that cannot be used is a setup error, one that is damaged a
// *schedules.DisagreeError.
func Open(ctx context.Context, path string) (*Ledger, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, source.Setup("make the folder writable for this user, or put the ledger elsewhere with state:", "open ledger %s: %w", path, err)
	}
	return open(ctx, path)
}

// OpenExisting opens the ledger in the file for reading, or gives nil if
// there is no such file.
func OpenExisting(ctx context.Context, path string) (*Ledger, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return open(ctx, path)
}

func open(ctx context.Context, path string) (*Ledger, error) {
	// With FULL the last transaction could be undone by a loss of power.
	q := url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(EXTRA)"}, "_txlock": {"immediate"}}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, explain(err, "open ledger %s", path)
	}
	db.SetMaxOpenConns(1)
	l := &Ledger{path: path, db: db}
	if err := l.prepare(ctx); err != nil {
		db.Close()
		return nil, explain(err, "open ledger %s", path)
	}
	return l, nil
}

// prepare makes the tables in a new file and checks those of an old one.
func (l *Ledger) prepare(ctx context.Context) error {
	have, err := count(ctx, l.db)
	if err != nil {
		return err
	}
	if have == 0 {
		return l.write(ctx, func(tx *sql.Tx) error {
			// Another process may have been faster.
			if have, err := count(ctx, tx); err != nil || have > 0 {
				return err
			}
			_, err := tx.ExecContext(ctx, tables)
			return err
		})
	}
	var version int
	if err := l.db.QueryRowContext(ctx, `SELECT format FROM ledger`).Scan(&version); err != nil {
		return err
	}
	if version > format {
		return source.Setup("use the newest Backstory that has worked on it", "its format is %d, and this Backstory knows formats up to %d", version, format)
	}
	var check string
	if err := l.db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&check); err != nil {
		return err
	}
	if check != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, check)
	}
	if version < format {
		return l.migrate(ctx)
	}
	return nil
}

// count tells how many tables and indexes there are.
func count(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n)
	return n, err
}

// Next is the ledger of the generations that rebuilds make.
func (l *Ledger) Next() schedules.Ledger {
	return &nextLedger{Ledger{path: l.path, db: l.db, next: 1}}
}

// nextLedger is a view of a Ledger, which it does not close.
type nextLedger struct{ Ledger }

func (*nextLedger) Close() error { return nil }

// Close closes the file.
func (l *Ledger) Close() error { return l.db.Close() }

// write runs fn in a transaction of its own.
func (l *Ledger) write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
