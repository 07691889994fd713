package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"backstory/source"

	"github.com/jackc/pgx/v5"
)

// fence is the set of transactions that may still make an event appear below
// a position that was the newest visible one before the fence was raised.
//
// An INSERT locks its table (RowExclusiveLock, held to the end of the
// transaction) before it evaluates the column default that draws the
// position; and a commit becomes visible before its locks are released. So
// every position drawn so far is either visible, or will never be, or its
// transaction holds such a lock when the fence is raised. When none of these
// transactions is left, every hole below the newest position is there for
// good. Transactions that come later draw higher positions and are not
// waited for. CREATE INDEX CONCURRENTLY waits for old lockers in the same
// way (postgres/postgres: WaitForLockers in src/backend/storage/lmgr/lmgr.c).
//
// Writers that draw a position by themselves, before the INSERT, escape this.
// For them the strict fence waits for all transactions of the database, and
// until no transaction id that was given out is still running.
type fence struct {
	conn   *pgx.Conn
	table  string
	strict bool

	waiting transactions
	// seen are those that were running at the last look.
	seen transactions
	// horizon is the first transaction id not given out when a strict fence
	// was raised; behind is set until all ids before it are done with.
	horizon string
	behind  bool
}

// transactions are known by what pg_locks calls virtualtransaction, which is
// used once, as a backend counts its transactions. The value tells whether
// the transaction has been prepared for a commit in two phases, and so has
// no backend any more.
type transactions map[string]bool

// strike takes those out that are not running any more. One that is gone may
// have been prepared instead of ended, and goes on under another name before
// PostgreSQL 14. Which one cannot be told, so all that were prepared since
// the last look are then waited for.
func (f *fence) strike(running transactions) {
	renamed := false
	for t, prepared := range f.waiting {
		if _, ok := running[t]; !ok {
			delete(f.waiting, t)
			renamed = renamed || !prepared
		}
	}
	for t, prepared := range running {
		if _, ok := f.seen[t]; renamed && prepared && !ok {
			f.waiting[t] = true
		}
	}
	f.seen = running
}

// relations are the table, its partitions, children and theirs, and the
// tables beneath it if it is a view.
const relations = `
WITH RECURSIVE relations(oid) AS (
	SELECT $1::text::regclass::oid
	UNION
	SELECT below.oid FROM relations r JOIN LATERAL (
		SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = r.oid
		UNION ALL
		SELECT d.refobjid FROM pg_rewrite w JOIN pg_depend d
			ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
		WHERE w.ev_class = r.oid
	) below ON true
)`

// writers are the transactions that hold a lock which a writer takes. Every
// role may read pg_locks.
const writers = relations + `
SELECT virtualtransaction, pid IS NULL FROM pg_locks
WHERE locktype = 'relation' AND granted AND pid IS DISTINCT FROM pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND relation IN (SELECT oid FROM relations)
  AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`

// everyone adds the transactions of all clients of the database: each holds
// a lock on its own virtual transaction. Backends without a user are the
// server's own.
const everyone = writers + `
UNION
SELECT l.virtualtransaction, false FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
  AND a.datname = current_database() AND a.usesysid IS NOT NULL`

// raise takes note of the transactions that are running now. It must be
// called after the newest position was read.
func (f *fence) raise(ctx context.Context) error {
	if f.strict {
		err := f.conn.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text").Scan(&f.horizon)
		if err != nil {
			return err
		}
	}
	running, err := f.running(ctx)
	if err != nil {
		return err
	}
	f.waiting, f.seen = maps.Clone(running), running
	return f.checkHorizon(ctx)
}

// poll strikes out the transactions that have ended.
func (f *fence) poll(ctx context.Context) error {
	running, err := f.running(ctx)
	if err != nil {
		return err
	}
	f.strike(running)
	return f.checkHorizon(ctx)
}

func (f *fence) empty() bool { return len(f.waiting) == 0 && !f.behind }

// running gives the transactions that the fence is about.
func (f *fence) running(ctx context.Context) (transactions, error) {
	query := writers
	if f.strict {
		query = everyone
	}
	rows, err := f.conn.Query(ctx, query, f.table)
	if err != nil {
		return nil, err
	}
	running := make(transactions)
	var t string
	var prepared bool
	_, err = pgx.ForEachRow(rows, []any{&t, &prepared}, func() error {
		running[t] = running[t] || prepared
		return nil
	})
	return running, err
}

// checkHorizon finds out whether a transaction id from before the strict
// fence is still running, in any database.
func (f *fence) checkHorizon(ctx context.Context) error {
	if !f.strict {
		return nil
	}
	return f.conn.QueryRow(ctx,
		"SELECT pg_snapshot_xmin(pg_current_snapshot()) < $1::text::xid8", f.horizon).Scan(&f.behind)
}

// describeHolders tells what may be known of transactions. Of other users'
// sessions that is little without the role pg_monitor. What holds back the
// horizon of a strict fence is named too.
const describeHolders = `
SELECT coalesce(l.pid, 0), coalesce(a.application_name, ''), coalesce(a.usename, p.owner, '')::text,
       coalesce(a.state, ''), coalesce(a.xact_start, p.prepared), coalesce(p.gid, '')
FROM (SELECT DISTINCT virtualtransaction, pid FROM pg_locks) l
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
LEFT JOIN (pg_locks x JOIN pg_prepared_xacts p ON p.transaction = x.transactionid AND x.pid IS NULL)
	ON x.virtualtransaction = l.virtualtransaction AND l.pid IS NULL
WHERE l.virtualtransaction = ANY($1)
   OR $2 <> '' AND l.pid <> pg_backend_pid() AND a.backend_xid IS NOT NULL
ORDER BY 5, 1, 6`

// holders describes the transactions that are still waited for.
func (f *fence) holders(ctx context.Context) ([]source.Holder, error) {
	horizon := ""
	if f.behind {
		horizon = f.horizon
	}
	rows, err := f.conn.Query(ctx, describeHolders, slices.Collect(maps.Keys(f.waiting)), horizon)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (source.Holder, error) {
		var h source.Holder
		var since *time.Time
		err := row.Scan(&h.PID, &h.Application, &h.User, &h.State, &since, &h.Prepared)
		if since != nil {
			h.Since = since.UTC()
		}
		return h, err
	})
}
