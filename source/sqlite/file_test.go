package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/sqlite"

	"golang.org/x/sync/errgroup"
)

func wantSetup(t *testing.T, err error, text, hint string) {
	t.Helper()
	var setup *source.SetupError
	if !errors.As(err, &setup) {
		t.Fatalf("got %v, want a setup error", err)
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(setup.Hint(), hint) {
		t.Errorf("got %q with hint %q, want %q and %q in them", err, setup.Hint(), text, hint)
	}
	if source.IsTransient(err) {
		t.Errorf("%v is marked as transient", err)
	}
}

func TestCannotOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := shopKey(t)
	for name, c := range map[string]struct {
		config     sqlite.Config
		text, hint string
	}{
		"no such file":   {sqlite.Config{Path: filepath.Join(dir, "none.db")}, "no such file", "check path:"},
		"no such folder": {sqlite.Config{Path: filepath.Join(dir, "none/none.db")}, "no such file", "check path:"},
		"a folder":       {sqlite.Config{Path: dir}, "it is a folder", "database file in it"},
		"a device":       {sqlite.Config{Path: "/dev/null"}, "no regular file", "database file"},
		"text":           {sqlite.Config{Path: write("text", strings.Repeat("hello ", 50))}, "no SQLite database", "check path:"},
		"short text":     {sqlite.Config{Path: write("short", "hello")}, "no SQLite database", "check path:"},
		"half a header":  {sqlite.Config{Path: write("half", "SQLite format 3\x00")}, "no SQLite database", "check path:"},
		"damaged":        {sqlite.Config{Path: write("damaged", "SQLite format 3\x00"+strings.Repeat("\xff", 4096))}, "damaged", "SQLite"},
		"empty file":     {sqlite.Config{Path: write("empty", "")}, "no table has the columns of layout eventsourcing (there are: none)", "table:"},
		"zlib unsaid":    {sqlite.Config{Path: stores + "shop-zlib/shop.sqlite"}, "data of event 1 is not a JSON object", "compress: zlib"},
		"cipher unsaid":  {sqlite.Config{Path: stores + "shop-aes/shop.sqlite"}, "data of event 1 is not a JSON object", "cipher: aes-gcm"},
		"zlib missing": {sqlite.Config{Path: stores + "shop-aes/shop.sqlite", Config: layout.Config{State: layout.State{
			Cipher: layout.AESGCM, Key: key}}}, "data of event 1 is not a JSON object", "compress: zlib"},
		"wrong key": {sqlite.Config{Path: stores + "shop-aes/shop.sqlite", Config: layout.Config{State: layout.State{
			Cipher: layout.AESGCM, Key: "AAECAwQFBgcICQoLDA0ODw==", Compress: layout.Zlib}}}, "decrypt event 1", "CIPHER_KEY"},
		"zlib too much": {sqlite.Config{Path: stores + "shop/shop.sqlite", Config: layout.Config{State: layout.State{
			Compress: layout.Zlib}}}, "decompress event 1", "leave state.compress out"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "damaged" {
				// SQLite says either that it is none or that it is damaged.
				c.text, c.hint = "open store", "file is"
			}
			_, err := sqlite.Open(t.Context(), c.config)
			wantSetup(t, err, c.text, c.hint)
		})
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 5 {
		t.Errorf("got files %v, want none to be made", entries)
	}
}

func TestCannotUseTable(t *testing.T) {
	path, _ := create(t, `CREATE TABLE log (id INTEGER PRIMARY KEY, stream TEXT, seq INT, kind TEXT, body TEXT, price REAL)`,
		`CREATE TABLE plain (id INTEGER PRIMARY KEY) WITHOUT ROWID`, snapshots,
		`CREATE TABLE low (id INTEGER PRIMARY KEY, stream TEXT, seq INT, kind TEXT, body TEXT)`, `INSERT INTO low (id) VALUES (-5), (5)`,
		`CREATE TABLE unplaced (id INT, stream TEXT, seq INT, kind TEXT, body TEXT)`, `INSERT INTO unplaced (id) VALUES (5), (NULL)`,
		`CREATE TABLE words (id INT, stream TEXT, seq INT, kind TEXT, body TEXT)`, `INSERT INTO words (id) VALUES ('five')`,
		`CREATE VIEW broken AS SELECT * FROM nowhere`,
		`CREATE TABLE a_events (originator_id TEXT, originator_version INT, topic TEXT, state BLOB)`,
		`CREATE TABLE b_events (originator_id TEXT, originator_version INT, topic TEXT, state BLOB)`)
	table := func(name string) layout.Config { return ownColumns(name) }
	position := table("log")
	position.Columns.Position = "price"
	column := table("log")
	column.Columns.Data = "payload"
	for name, c := range map[string]struct {
		config     layout.Config
		text, hint string
	}{
		"no such table":         {table("nothing"), "find table nothing: there is no such table", "check table:"},
		"several candidates":    {layout.Config{}, "several tables have the columns of layout eventsourcing: a_events, b_events", "table:"},
		"snapshots":             {layout.Config{Table: "stored_snapshots"}, "missing notification_id", "snapshots are not events"},
		"not of the layout":     {layout.Config{Table: "log"}, "missing originator_id", "layout: columns"},
		"no such column":        {column, "no column payload (for data)", "has the columns id, stream, seq"},
		"position is a float":   {position, "column price is of type REAL", "another type"},
		"position holds text":   {table("words"), "column id holds text", "integer column"},
		"positions below one":   {table("low"), "event at id -5", "begins at 1"},
		"an event unplaced":     {table("unplaced"), "events whose id is null", "never null"},
		"a view that is broken": {table("broken"), "no column id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlite.Open(t.Context(), sqlite.Config{Path: path, Config: c.config})
			wantSetup(t, err, c.text, c.hint)
		})
	}
}

// series is a table of the values from 1 to its parameter.
const series = `(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?) SELECT value FROM n)`

// TestReadsBesideWriter follows a writer that commits now and then. What it
// commits is read once and in order, and never torn.
func TestReadsBesideWriter(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			path, db := create(t, "PRAGMA journal_mode="+mode, "PRAGMA busy_timeout=10000", libraryTable)
			s := open(t, sqlite.Config{Path: path})
			const commits = 150
			writer, writing := errgroup.WithContext(t.Context())
			writer.Go(func() error {
				for i := range commits {
					_, err := db.Exec(`INSERT INTO stored_events SELECT ?, value, 'm:T', '{"pad":"' || hex(zeroblob(200)) || '"}'
						FROM `+series, fmt.Sprintf("%032d", i), 20)
					if err != nil {
						return err
					}
				}
				return nil
			})
			var after source.Position
			for after.Seq < commits*20 {
				if writing.Err() != nil && writer.Wait() != nil {
					break
				}
				w, err := s.Watermark(t.Context())
				if err != nil && !source.IsTransient(err) {
					t.Fatal(err)
				}
				if w.Safe.Seq%20 != 0 {
					t.Fatalf("got watermark %s in the middle of a commit", w.Safe)
				}
				next := after.Seq
				err = s.Read(t.Context(), source.Window{After: after, Through: w.Safe}, func(e *source.Event) error {
					if next++; e.Position.Seq != next {
						return fmt.Errorf("got event %s, want %d", e.Position, next)
					}
					return nil
				})
				switch {
				case source.IsTransient(err):
					continue
				case err != nil:
					t.Fatal(err)
				case w.Safe.Compare(after) > 0:
					after = w.Safe
				}
			}
			if err := writer.Wait(); err != nil {
				t.Fatal(err)
			}
			if after.Seq != commits*20 {
				t.Errorf("got to %s, want %d", after, commits*20)
			}
		})
	}
}

// closedStore makes a store in WAL mode that nobody has open.
func closedStore(t *testing.T, events int) string {
	t.Helper()
	path, db := create(t, "PRAGMA journal_mode=WAL", libraryTable)
	exec(t, db, `INSERT INTO stored_events SELECT 's', value, 'm:T', '{}' FROM `+series, events)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func files(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestLeavesNothing sees that a store at rest is read without making files
// beside it, from a folder that may not be written to.
func TestLeavesNothing(t *testing.T) {
	path := closedStore(t, 10)
	if err := os.Chmod(filepath.Dir(path), 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Dir(path), 0o755)
	s := open(t, sqlite.Config{Path: path})
	n := 0
	if err := s.Read(t.Context(), all, func(*source.Event) error { n++; return nil }); err != nil || n != 10 {
		t.Errorf("got %d events (%v), want 10", n, err)
	}
	if got := files(t, path); got != 1 {
		t.Errorf("got %d files, want the store only", got)
	}
}

// TestAwakes writes to a store that was opened at rest.
func TestAwakes(t *testing.T) {
	path := closedStore(t, 10)
	s := open(t, sqlite.Config{Path: path})
	_, db := create(t)
	exec(t, db, "ATTACH ? AS store", path)
	exec(t, db, `INSERT INTO store.stored_events VALUES ('s', 11, 'm:T', '{}')`)
	if w, err := s.Watermark(t.Context()); err != nil || w.Safe.Seq != 11 {
		t.Errorf("got watermark %+v (%v) after a commit to the -wal, want 11", w, err)
	}
	exec(t, db, "PRAGMA store.wal_checkpoint(TRUNCATE)")
	exec(t, db, "DETACH store")
	if w, err := s.Watermark(t.Context()); err != nil || w.Safe.Seq != 11 {
		t.Errorf("got watermark %+v (%v) after a checkpoint, want 11", w, err)
	}
}

// TestChangedMeanwhile writes to the file while it is read as one at rest:
// what was read cannot be relied on.
func TestChangedMeanwhile(t *testing.T) {
	path := closedStore(t, 10)
	s := open(t, sqlite.Config{Path: path})
	first := true
	read := func() error {
		return s.Read(t.Context(), all, func(*source.Event) error {
			if first {
				first = false
				_, db := create(t)
				exec(t, db, "ATTACH ? AS store", path)
				exec(t, db, `UPDATE store.stored_events SET topic = 'm:U'`)
				exec(t, db, "DETACH store") // the last to close writes the -wal back
			}
			return nil
		})
	}
	if err := read(); !source.IsTransient(err) {
		t.Errorf("got %v, want a transient error", err)
	}
	if err := read(); err != nil {
		t.Errorf("got %v the second time, want none", err)
	}
}

// TestReplaced puts another store in the place of an open one.
func TestReplaced(t *testing.T) {
	path, other := closedStore(t, 10), closedStore(t, 30)
	s := open(t, sqlite.Config{Path: path})
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if w, err := s.Watermark(t.Context()); err != nil || w.Safe.Seq != 30 {
		t.Errorf("got watermark %+v (%v), want that of the new store, 30", w, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := s.Watermark(t.Context())
	wantSetup(t, err, "no such file", "check path:")
}

func TestClosed(t *testing.T) {
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: closedStore(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Watermark(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v from a closed source", err)
	}
}

// TestLongStatement ends a statement that would take too long.
func TestLongStatement(t *testing.T) {
	path, _ := create(t, `CREATE VIEW log AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 1000000000)
		SELECT id, 's' AS stream, 1 AS seq, 'K' AS kind, '{}' AS body FROM n`)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := sqlite.Open(ctx, sqlite.Config{Path: path, Config: ownColumns("log")})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %v, want %v", err, time.Since(start), context.DeadlineExceeded)
	}
}
