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
	"backstory/schedules/ledgersql"
	"backstory/source"

	_ "modernc.org/sqlite" // the driver of database/sql
)

// Ledger is a schedules.Ledger in a file.
type Ledger struct {
	ledgersql.Ledger
	db *database
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
	// What is deleted is overwritten. With FULL the last transaction could be undone by a loss of power.
	q := url.Values{"_pragma": {"busy_timeout(10000)", "synchronous(EXTRA)", "secure_delete(ON)"}, "_txlock": {"immediate"}}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return nil, explain(err, "open ledger %s", path)
	}
	db.SetMaxOpenConns(1)
	d := &database{path: path, db: db, dialect: ledgersql.Dialect{Schema: "main", Indexed: indexed}}
	if err := d.prepare(ctx); err != nil {
		db.Close()
		return nil, explain(err, "open ledger %s", path)
	}
	return &Ledger{ledgersql.Ledger{Database: d}, d}, nil
}

// Next is the ledger of the generations that rebuilds make.
func (l *Ledger) Next() schedules.Ledger {
	return &nextLedger{Ledger{ledgersql.Ledger{Database: l.db, Ahead: 1}, l.db}}
}

// nextLedger is a view of a Ledger, which it does not close.
type nextLedger struct{ Ledger }

func (*nextLedger) Close() error { return nil }

// Close closes the file.
func (l *Ledger) Close() error { return l.db.db.Close() }

// database is the file.
type database struct {
	path    string
	db      *sql.DB
	dialect ledgersql.Dialect
}

// indexed names the index: SQLite keeps no figures on tables that would tell
// it that few windows are pending.
func indexed(index string) string { return " INDEXED BY " + index }

// Read runs fn in a transaction that takes no lock until it reads.
func (d *database) Read(ctx context.Context, fn func(*ledgersql.Tx) error) error {
	if err := d.dialect.Do(ctx, d.db, &sql.TxOptions{ReadOnly: true}, fn); err != nil {
		return explain(err, "read ledger %s", d.path)
	}
	return nil
}

// Write runs fn in a transaction that is alone from its beginning.
func (d *database) Write(ctx context.Context, fn func(*ledgersql.Tx) error) error {
	if err := d.dialect.Do(ctx, d.db, nil, fn); err != nil {
		return explain(err, "write ledger %s", d.path)
	}
	return nil
}

// scrub has the file lose what a ledger that did not overwrite what it deletes
// has left in it.
func (d *database) scrub(ctx context.Context) error {
	if _, err := d.db.ExecContext(ctx, "VACUUM"); err != nil {
		return explain(err, "write ledger %s", d.path)
	}
	return nil
}

// prepare makes the tables in a new file and checks those of an old one.
func (d *database) prepare(ctx context.Context) error {
	var have int
	if err := d.db.QueryRowContext(ctx, countTables).Scan(&have); err != nil {
		return err
	}
	if have == 0 {
		return d.create(ctx)
	}
	var version int
	if err := d.db.QueryRowContext(ctx, `SELECT format FROM ledger`).Scan(&version); err != nil {
		return err
	}
	if version > format {
		return source.Setup("use the newest Backstory that has worked on it", "its format is %d, and this Backstory knows formats up to %d", version, format)
	}
	var check string
	if err := d.db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&check); err != nil {
		return err
	}
	if check != "ok" || version < 1 {
		return fmt.Errorf("%w: %s", ledgersql.ErrDamaged, check)
	}
	if version < format {
		return d.migrate(ctx)
	}
	return nil
}

// countTables counts tables and indexes.
const countTables = `SELECT count(*) FROM sqlite_master`

// create makes the tables, unless another process was faster.
func (d *database) create(ctx context.Context) error {
	return d.dialect.Do(ctx, d.db, nil, func(t *ledgersql.Tx) error {
		var have int
		if err := t.Row(ctx, countTables).Scan(&have); err != nil || have > 0 {
			return err
		}
		_, err := t.Exec(ctx, tables)
		return err
	})
}
