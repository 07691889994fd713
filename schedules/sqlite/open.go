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

// format is the version of the tables below. A Backstory that writes another
// one brings older ledgers up to it when it opens them.
const format = 1

const tables = `
CREATE TABLE ledger (format INTEGER NOT NULL);
INSERT INTO ledger VALUES (1);
CREATE TABLE job (
	name TEXT PRIMARY KEY,
	generation INTEGER NOT NULL DEFAULT 1,
	fingerprint TEXT NOT NULL DEFAULT '',
	tables TEXT NOT NULL DEFAULT '[]', signature TEXT NOT NULL DEFAULT '',
	first TEXT NOT NULL DEFAULT '', last TEXT NOT NULL DEFAULT '',
	windows INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0, row_count INTEGER NOT NULL DEFAULT 0,
	bytes INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0, extra INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- Every window there ever was: state is planned or loaded.
CREATE TABLE window (
	job TEXT NOT NULL, generation INTEGER NOT NULL,
	after_tx INTEGER NOT NULL, after_seq INTEGER NOT NULL,
	through_tx INTEGER NOT NULL, through_seq INTEGER NOT NULL,
	state TEXT NOT NULL, events INTEGER NOT NULL,
	row_count INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
	stored INTEGER NOT NULL DEFAULT 0, extra INTEGER NOT NULL DEFAULT 0,
	planned_at TEXT NOT NULL, loaded_at TEXT NOT NULL DEFAULT '', ms INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, generation, after_tx, after_seq)
) WITHOUT ROWID;
CREATE INDEX window_pending ON window (job, generation, state) WHERE state = 'planned';
-- What is loaded, as few ranges as possible.
CREATE TABLE loaded (
	job TEXT NOT NULL, generation INTEGER NOT NULL,
	after_tx INTEGER NOT NULL, after_seq INTEGER NOT NULL,
	through_tx INTEGER NOT NULL, through_seq INTEGER NOT NULL,
	PRIMARY KEY (job, generation, after_tx, after_seq)
) WITHOUT ROWID;
CREATE TABLE run (
	id INTEGER PRIMARY KEY, job TEXT NOT NULL, kind TEXT NOT NULL,
	started TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '',
	windows INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX run_job ON run (job, id);
`

// Ledger is a schedules.Ledger in a file.
type Ledger struct {
	path string
	db   *sql.DB
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
	return nil
}

// count tells how many tables and indexes there are.
func count(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&n)
	return n, err
}

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
