// Package postgres keeps the ledger in a PostgreSQL database, for workers
// without a disk of their own. A lease there is a row with a number and a time
// at which it ends by the database's clock; its holder renews it, and whoever
// comes after that time takes it over under the next number.
//
// Nothing is expected of a connection from one transaction to the next, so
// that a pooler such as PgBouncer may stand in between.
package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"backstory/schedules"
	"backstory/schedules/ledgersql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Ledger is a schedules.Ledger in a PostgreSQL database.
type Ledger struct {
	ledgersql.Ledger
	db *database
}

var _ schedules.Ledger = (*Ledger)(nil)

// Open opens the ledger, and makes its tables, and the schema for them, if
// there are none. A database that cannot be used is a setup error, tables that
// are not as they should be a *schedules.DisagreeError.
func Open(ctx context.Context, c Config) (*Ledger, error) {
	l, _, err := open(ctx, c, true)
	return l, err
}

// OpenExisting opens the ledger for reading, or gives nil if there is none.
func OpenExisting(ctx context.Context, c Config) (*Ledger, error) {
	l, found, err := open(ctx, c, false)
	if err != nil || found {
		return l, err
	}
	return nil, l.Close()
}

func open(ctx context.Context, c Config, create bool) (_ *Ledger, found bool, err error) {
	cc, err := parse(c.URL)
	if err != nil {
		return nil, false, err
	}
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	d := &database{
		db: stdlib.OpenDB(*cc), conn: cc, schema: c.Schema, lease: c.Lease,
		dialect: ledgersql.Dialect{Schema: pgx.Identifier{c.Schema}.Sanitize(), ForUpdate: " FOR UPDATE"},
	}
	// One renews the lease while others save and look.
	d.db.SetMaxOpenConns(4)
	d.db.SetConnMaxIdleTime(time.Minute)
	if found, err = d.prepare(ctx, create); err != nil {
		d.db.Close()
		return nil, false, err
	}
	return &Ledger{ledgersql.Ledger{Database: d}, d}, found, nil
}

// Next is the ledger of the generations that rebuilds make.
func (l *Ledger) Next() schedules.Ledger {
	return &nextLedger{Ledger{ledgersql.Ledger{Database: l.db, Ahead: 1}, l.db}}
}

// nextLedger is a view of a Ledger, which it does not close.
type nextLedger struct{ Ledger }

func (*nextLedger) Close() error { return nil }

// Close closes all connections.
func (l *Ledger) Close() error { return l.db.db.Close() }

// database is the schema with the ledger's tables.
type database struct {
	db      *sql.DB
	conn    *pgx.ConnConfig
	schema  string
	lease   time.Duration
	dialect ledgersql.Dialect
}

// name is where the ledger is, without what is secret.
func (d *database) name() string {
	return fmt.Sprintf("ledger %s in database %s", d.schema, d.conn.Database)
}

// attempt bounds one transaction, from here; limits, inside the server. So a
// worker that is stopped in the middle of one does not keep its successor
// waiting for longer.
const (
	attempt = 20 * time.Second
	limits  = `SET LOCAL statement_timeout = '15s'; SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '5s'`
)

// Read runs fn in a transaction that sees the database as of one moment.
func (d *database) Read(ctx context.Context, fn func(*ledgersql.Tx) error) error {
	return d.again(ctx, "read", &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, fn)
}

// Write runs fn in a transaction.
func (d *database) Write(ctx context.Context, fn func(*ledgersql.Tx) error) error {
	return d.again(ctx, "write", &sql.TxOptions{Isolation: sql.LevelReadCommitted}, fn)
}

// tries is how often a transaction is tried at least: a process that was
// stopped in one finds its time over and its connection lost, and still is to
// hear what became of its lease.
const tries = 3

// again runs fn in a transaction, and in another where the server was not to be
// had, for as long as a lease may live.
func (d *database) again(ctx context.Context, doing string, o *sql.TxOptions, fn func(*ledgersql.Tx) error) error {
	deadline := time.Now().Add(d.lease)
	pause := 50 * time.Millisecond
	for n := 1; ; n++ {
		err := d.try(ctx, o, fn)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !passes(err) || n >= tries && time.Now().Add(pause).After(deadline) {
			return d.explain(ctx, doing, err)
		}
		select {
		case <-ctx.Done():
			return d.explain(ctx, doing, err)
		case <-time.After(pause):
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func (d *database) try(ctx context.Context, o *sql.TxOptions, fn func(*ledgersql.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return d.dialect.Do(ctx, d.db, o, func(t *ledgersql.Tx) error {
		if _, err := t.Exec(ctx, limits); err != nil {
			return err
		}
		return fn(t)
	})
}
