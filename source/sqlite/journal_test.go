package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"backstory/source/sqlite"
)

// TestHotJournal copies a store whose writer ends in the middle of a
// transaction that has reached the file: what was never committed must not be
// read as events.
func TestHotJournal(t *testing.T) {
	path, db := create(t, "PRAGMA journal_mode=DELETE", libraryTable)
	db.SetMaxOpenConns(1)
	exec(t, db, `INSERT INTO stored_events SELECT 's', value, 'm:T', '{}' FROM `+series, 500)
	exec(t, db, "PRAGMA cache_size=2")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`INSERT INTO stored_events SELECT 'phantom', value, 'm:T', zeroblob(300) FROM `+series, 5000); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(t.TempDir(), "store.sqlite")
	for from, to := range map[string]string{path: dead, path + "-journal": dead + "-journal"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var c sqlite.Config
	c.Path = dead
	s, err := sqlite.Open(t.Context(), c)
	if err == nil {
		s.Close()
		t.Fatal("opened a store with a hot journal")
	}
	wantSetup(t, err, "readonly", "let the application open its store once")
}
