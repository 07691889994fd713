package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"backstory/schedules/ledgersql"
	"backstory/source"
)

// tables are those of format 3, the first that there was on PostgreSQL. What
// they mean is said in the SQLite ledger's.
const tables = `
CREATE TABLE ledger.ledger (format BIGINT NOT NULL);
INSERT INTO ledger.ledger VALUES (3);
CREATE TABLE ledger.job (name TEXT PRIMARY KEY, generation BIGINT NOT NULL DEFAULT 1);
CREATE TABLE ledger.generation (
	job TEXT NOT NULL, number BIGINT NOT NULL,
	fingerprint TEXT NOT NULL DEFAULT '', rules TEXT NOT NULL DEFAULT '', superseded TEXT NOT NULL DEFAULT 'null',
	tables TEXT NOT NULL DEFAULT '[]', signature TEXT NOT NULL DEFAULT '',
	first TEXT NOT NULL DEFAULT '', last TEXT NOT NULL DEFAULT '',
	windows BIGINT NOT NULL DEFAULT 0, events BIGINT NOT NULL DEFAULT 0, row_count BIGINT NOT NULL DEFAULT 0,
	bytes BIGINT NOT NULL DEFAULT 0, stored BIGINT NOT NULL DEFAULT 0, extra BIGINT NOT NULL DEFAULT 0,
	quarantined BIGINT NOT NULL DEFAULT 0, discarded BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (job, number)
);
CREATE TABLE ledger.window (
	job TEXT NOT NULL, generation BIGINT NOT NULL,
	after_tx BIGINT NOT NULL, after_seq BIGINT NOT NULL,
	through_tx BIGINT NOT NULL, through_seq BIGINT NOT NULL,
	state TEXT NOT NULL, events BIGINT NOT NULL,
	row_count BIGINT NOT NULL DEFAULT 0, bytes BIGINT NOT NULL DEFAULT 0,
	stored BIGINT NOT NULL DEFAULT 0, extra BIGINT NOT NULL DEFAULT 0,
	planned_at TEXT NOT NULL, loaded_at TEXT NOT NULL DEFAULT '', ms BIGINT NOT NULL DEFAULT 0,
	quarantined BIGINT NOT NULL DEFAULT 0, discarded BIGINT NOT NULL DEFAULT 0, again BIGINT NOT NULL DEFAULT 0, forgotten BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (job, generation, after_tx, after_seq)
);
CREATE INDEX window_pending ON ledger.window (job, generation) WHERE state = 'planned';
CREATE INDEX window_attention ON ledger.window (job, generation) WHERE quarantined > 0 OR again > 0;
CREATE TABLE ledger.loaded (
	job TEXT NOT NULL, generation BIGINT NOT NULL,
	after_tx BIGINT NOT NULL, after_seq BIGINT NOT NULL,
	through_tx BIGINT NOT NULL, through_seq BIGINT NOT NULL,
	PRIMARY KEY (job, generation, after_tx, after_seq)
);
-- A lease ends at expires_at unless it is renewed. token knows its holder
-- again, and saves counts what was saved under it: who lost the connection in
-- a COMMIT finds out by these what became of it.
CREATE TABLE ledger.lease (
	job TEXT NOT NULL, next BIGINT NOT NULL, number BIGINT NOT NULL, holder TEXT NOT NULL DEFAULT '',
	token TEXT NOT NULL DEFAULT '', saves BIGINT NOT NULL DEFAULT 0, expires_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
	PRIMARY KEY (job, next)
);
CREATE TABLE ledger.run (
	job TEXT NOT NULL, id BIGINT NOT NULL, kind TEXT NOT NULL,
	started TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '',
	windows BIGINT NOT NULL DEFAULT 0, events BIGINT NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (job, id)
);
CREATE TABLE ledger.receipt (
	job TEXT NOT NULL, id BIGINT NOT NULL, asked TEXT NOT NULL, done TEXT NOT NULL DEFAULT '', streams TEXT NOT NULL,
	row_count BIGINT NOT NULL DEFAULT 0, windows BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (job, id)
);
`

// oneMaker keeps those apart who would make the tables at the same moment, or
// take in an exported ledger. It is a number that means nothing else.
const oneMaker = `SELECT pg_advisory_xact_lock(7023451891120435)`

// prepare makes the tables where there are none, if it is to, and checks those
// that there are. It tells whether there are any now.
func (d *database) prepare(ctx context.Context, create bool) (there bool, err error) {
	there, err = d.check(ctx)
	if err != nil || there || !create {
		return there, err
	}
	err = d.open(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, d.create)
	return err == nil, err
}

// open is again without patience: that the server is not there is soon told.
func (d *database) open(ctx context.Context, o *sql.TxOptions, fn func(context.Context, *ledgersql.Tx) error) error {
	if err := d.try(ctx, o, func(t *ledgersql.Tx) error { return fn(ctx, t) }); err != nil {
		return d.explain(ctx, "open", err)
	}
	return nil
}

// check tells whether the tables are there, and refuses those of another time.
func (d *database) check(ctx context.Context) (there bool, err error) {
	err = d.open(ctx, &sql.TxOptions{ReadOnly: true}, func(ctx context.Context, t *ledgersql.Tx) error {
		if there, err = d.there(ctx, t); err != nil || !there {
			return err
		}
		var version int
		if err := t.Row(ctx, `SELECT format FROM ledger.ledger`).Scan(&version); err != nil {
			return err
		}
		switch {
		case version > ledgersql.Format:
			return source.Setup("use the newest Backstory that has worked on it", "open %s: its format is %d, and this Backstory knows formats up to %d", d.name(), version, ledgersql.Format)
		case version < ledgersql.Format:
			return fmt.Errorf("%w: there is no format %d on PostgreSQL", ledgersql.ErrDamaged, version)
		}
		return nil
	})
	return there, err
}

func (d *database) there(ctx context.Context, t *ledgersql.Tx) (there bool, err error) {
	err = t.Row(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'ledger')`, d.schema).Scan(&there)
	return there, err
}

// create makes the tables, unless another process was faster. The schema may
// be there already, made by somebody who may make one.
func (d *database) create(ctx context.Context, t *ledgersql.Tx) error {
	if _, err := t.Exec(ctx, oneMaker); err != nil {
		return err
	}
	if there, err := d.there(ctx, t); err != nil || there {
		return err
	}
	var schema bool
	if err := t.Row(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, d.schema).Scan(&schema); err != nil {
		return err
	}
	if !schema {
		if _, err := t.Exec(ctx, `CREATE SCHEMA `+d.dialect.Schema); err != nil {
			return err
		}
	}
	_, err := t.Exec(ctx, tables)
	return err
}

// scrub writes the tables anew that may have named what is forgotten: rows
// that were changed stay in the old ones' pages until others take their place.
func (d *database) scrub(ctx context.Context) error {
	for _, table := range []string{"generation", "run"} {
		if _, err := d.db.ExecContext(ctx, "VACUUM FULL "+d.dialect.Schema+"."+table); err != nil {
			return d.explain(ctx, "scrub", err)
		}
	}
	return nil
}
