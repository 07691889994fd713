-- A ledger of format 1. It must open for ever: do not change it.
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
INSERT INTO job VALUES ('shop', 1, '9f2a', '[{"name":"cart_opened","event":"Cart.Opened","version":2,"columns":[{"name":"position","type":{"kind":"int64"},"required":true,"encoding":"delta"}]}]', 'a1b2',
	'{"position":"1","stream":"cart-1","stream_version":1,"type":"Cart.Opened"}', '{"position":"250","stream":"cart-9","stream_version":4,"type":"Cart.Paid"}',
	2, 150, 151, 55000, 9000, 3);
INSERT INTO window VALUES ('shop', 1, 0, 0, 0, 100, 'loaded', 100, 101, 40000, 6000, 3, '2026-01-31T10:00:00.5Z', '2026-01-31T10:00:02.25Z', 1750);
INSERT INTO window VALUES ('shop', 1, 0, 100, 0, 200, 'planned', 99, 0, 0, 0, 0, '2026-01-31T10:00:00.5Z', '', 0);
INSERT INTO window VALUES ('shop', 1, 0, 200, 0, 250, 'loaded', 50, 50, 15000, 3000, 0, '2026-01-31T10:00:00.5Z', '2026-01-31T10:00:03Z', 800);
INSERT INTO loaded VALUES ('shop', 1, 0, 0, 0, 100);
INSERT INTO loaded VALUES ('shop', 1, 0, 200, 0, 250);
INSERT INTO run VALUES (1, 'shop', 'run', '2026-01-31T10:00:00.123456789Z', '2026-01-31T10:00:03Z', 1, 100, '');
INSERT INTO run VALUES (2, 'shop', 'backfill', '2026-01-31T11:00:00Z', '2026-01-31T11:00:03Z', 1, 50, 'load (100,200]: parse event 120 of stream cart-3 (Cart.Paid): unexpected end');
