package sqlite

import (
	"context"

	"backstory/schedules/ledgersql"
	"backstory/source"
)

// format is the version of the tables below. A Backstory that writes another
// one brings older ledgers up to it when it opens them.
const format = ledgersql.Format

const tables = `
CREATE TABLE ledger (format INTEGER NOT NULL);
INSERT INTO ledger VALUES (3);
-- A job and the number of its live generation.
CREATE TABLE job (name TEXT PRIMARY KEY, generation INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
` + generationTable + `
-- Every window there ever was: state is planned or loaded.
CREATE TABLE window (
	job TEXT NOT NULL, generation INTEGER NOT NULL,
	after_tx INTEGER NOT NULL, after_seq INTEGER NOT NULL,
	through_tx INTEGER NOT NULL, through_seq INTEGER NOT NULL,
	state TEXT NOT NULL, events INTEGER NOT NULL,
	row_count INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
	stored INTEGER NOT NULL DEFAULT 0, extra INTEGER NOT NULL DEFAULT 0,
	planned_at TEXT NOT NULL, loaded_at TEXT NOT NULL DEFAULT '', ms INTEGER NOT NULL DEFAULT 0,
	quarantined INTEGER NOT NULL DEFAULT 0, discarded INTEGER NOT NULL DEFAULT 0, again INTEGER NOT NULL DEFAULT 0, forgotten INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, generation, after_tx, after_seq)
) WITHOUT ROWID;
CREATE INDEX window_pending ON window (job, generation, state) WHERE state = 'planned';
` + attentionIndex + `
-- What is loaded, as few ranges as possible.
CREATE TABLE loaded (
	job TEXT NOT NULL, generation INTEGER NOT NULL,
	after_tx INTEGER NOT NULL, after_seq INTEGER NOT NULL,
	through_tx INTEGER NOT NULL, through_seq INTEGER NOT NULL,
	PRIMARY KEY (job, generation, after_tx, after_seq)
) WITHOUT ROWID;
` + leaseTable + runTable + receiptTable

// generationTable holds what is known of each generation as a whole.
const generationTable = `
CREATE TABLE generation (
	job TEXT NOT NULL, number INTEGER NOT NULL,
	fingerprint TEXT NOT NULL DEFAULT '', rules TEXT NOT NULL DEFAULT '', superseded TEXT NOT NULL DEFAULT 'null',
	tables TEXT NOT NULL DEFAULT '[]', signature TEXT NOT NULL DEFAULT '',
	first TEXT NOT NULL DEFAULT '', last TEXT NOT NULL DEFAULT '',
	windows INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0, row_count INTEGER NOT NULL DEFAULT 0,
	bytes INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0, extra INTEGER NOT NULL DEFAULT 0,
	quarantined INTEGER NOT NULL DEFAULT 0, discarded INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, number)
) WITHOUT ROWID;
`

// attentionIndex finds the windows with events in quarantine, and those that
// are to be loaded again.
const attentionIndex = `
CREATE INDEX window_attention ON window (job, generation) WHERE quarantined > 0 OR again > 0;
`

// leaseTable holds the last lease of each job: next is 1 for that of the
// generation which a rebuild makes, else 0; number grows with every lease.
const leaseTable = `
CREATE TABLE lease (
	job TEXT NOT NULL, next INTEGER NOT NULL, number INTEGER NOT NULL, holder TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (job, next)
) WITHOUT ROWID;
`

// runTable holds every run, counted by job.
const runTable = `
CREATE TABLE run (
	job TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL,
	started TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '',
	windows INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (job, id)
) WITHOUT ROWID;
`

// receiptTable holds what was forgotten of each job; streams are digests.
const receiptTable = `
CREATE TABLE receipt (
	job TEXT NOT NULL, id INTEGER NOT NULL, asked TEXT NOT NULL, done TEXT NOT NULL DEFAULT '', streams TEXT NOT NULL,
	row_count INTEGER NOT NULL DEFAULT 0, windows INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (job, id)
) WITHOUT ROWID;
`

// fromFormat1 brings a ledger of format 1, which knew one generation of each
// job, to format 2.
const fromFormat1 = generationTable + `
INSERT INTO generation (job, number, fingerprint, tables, signature, first, last, windows, events, row_count, bytes, stored, extra)
	SELECT name, generation, fingerprint, tables, signature, first, last, windows, events, row_count, bytes, stored, extra FROM job;
CREATE TABLE job2 (name TEXT PRIMARY KEY, generation INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
INSERT INTO job2 SELECT name, generation FROM job;
DROP TABLE job;
ALTER TABLE job2 RENAME TO job;
ALTER TABLE window ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
` + attentionIndex + `
UPDATE ledger SET format = 2;
`

// fromFormat2 brings a ledger of format 2, which knew no lease but the lock on
// a file, to format 3.
const fromFormat2 = leaseTable + `
ALTER TABLE run RENAME TO run2;
DROP INDEX run_job;
` + runTable + `
INSERT INTO run (job, id, kind, started, finished, windows, events, error)
	SELECT job, id, kind, started, finished, windows, events, error FROM run2;
DROP TABLE run2;
ALTER TABLE window ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
` + receiptTable + `
UPDATE ledger SET format = 3;
`

// steps bring a ledger from the format of their index to the one after it.
var steps = [format]string{1: fromFormat1, 2: fromFormat2}

// migrate brings an older ledger up to format, once.
func (d *database) migrate(ctx context.Context) error {
	err := d.dialect.Do(ctx, d.db, nil, func(t *ledgersql.Tx) error {
		var version int // by now another process may have been here
		if err := t.Row(ctx, `SELECT format FROM ledger.ledger`).Scan(&version); err != nil {
			return err
		}
		for ; version < format; version++ {
			if _, err := t.Exec(ctx, steps[version]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return source.Setup("run the job once with the right to write to the ledger", "bring it to format %d: %w", format, err)
	}
	return nil
}
