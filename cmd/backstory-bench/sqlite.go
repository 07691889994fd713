package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver named sqlite
)

// sqliteStore gives the path of a SQLite store of generated events, which is
// made where it is not there yet.
func sqliteStore(ctx context.Context, o options) (string, error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, fmt.Sprintf("events-%d-v%d.sqlite", o.events, version))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(os.Stderr, "generating %d events in SQLite\n", o.events)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	half := path + ".half"
	if err := os.Remove(half); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := fillSQLite(ctx, half, o.events); err != nil {
		return "", fmt.Errorf("generate events: %w", err)
	}
	return path, os.Rename(half, path)
}

// fillSQLite makes the table of eventsourcing 9.3 (eventsourcing/sqlite.py)
// and its events. The notification id is the rowid.
func fillSQLite(ctx context.Context, path string, events int) (err error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, s := range []string{
		"PRAGMA synchronous=OFF",
		"PRAGMA journal_mode=OFF",
		`CREATE TABLE stored_events (
			originator_id TEXT,
			originator_version INTEGER,
			topic TEXT,
			state BLOB,
			PRIMARY KEY (originator_id, originator_version))`,
	} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	g := newGenerator()
	for at := 0; at < events; at += batch {
		if err := fillBatch(ctx, db, g, min(batch, events-at)); err != nil {
			return err
		}
	}
	// As the library leaves it.
	_, err = db.ExecContext(ctx, "PRAGMA journal_mode=WAL")
	return err
}

// batch is how many events a transaction writes.
const batch = 50_000

func fillBatch(ctx context.Context, db *sql.DB, g *generator, events int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert, err := tx.PrepareContext(ctx, "INSERT INTO stored_events VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for range events {
		r := g.next()
		if _, err := insert.ExecContext(ctx, hex.EncodeToString(r.Stream[:]), r.Version, r.Topic, r.State); err != nil {
			return err
		}
	}
	return errors.Join(insert.Close(), tx.Commit())
}
