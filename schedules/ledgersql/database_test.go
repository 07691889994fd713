package ledgersql_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"backstory/schedules/ledgersql"
	"backstory/schedules/sqlite"
)

// TestOverBeforeCommit ends the context of a transaction whose work is done:
// it is an interruption like any other, and nothing is kept.
func TestOverBeforeCommit(t *testing.T) {
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	count := func(tx *ledgersql.Tx) (n int, err error) {
		err = tx.Row(context.Background(), `SELECT count(*) FROM ledger.job`).Scan(&n)
		return n, err
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = l.Write(ctx, func(tx *ledgersql.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO ledger.job (name) VALUES ('late')`); err != nil {
			return err
		}
		cancel()
		for { // until it is rolled back
			if _, err := count(tx); err != nil {
				return nil
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("write until the context is over: got %v, want %v", err, context.Canceled)
	}
	err = l.Read(t.Context(), func(tx *ledgersql.Tx) error {
		n, err := count(tx)
		if n != 0 {
			t.Errorf("%d jobs are kept", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
