package sqlite

import (
	"context"
	"errors"
	"fmt"

	"backstory/schedules"
	"backstory/schedules/ledgersql"
	"backstory/source"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const rebuild = "the file is damaged or no ledger: move it away and run again; it is rebuilt from what the sink holds"

// explain says what was being done when err happened, and what to do about
// it: a damaged file is a *schedules.DisagreeError, one that cannot be used
// is a setup error. format and args are fmt.Errorf's.
func explain(err error, format string, args ...any) error {
	wrapped := fmt.Errorf(format+": %w", append(args, err)...)
	var setup *source.SetupError
	if errors.As(err, &setup) {
		return wrapped
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		if errors.Is(err, ledgersql.ErrDamaged) {
			return &schedules.DisagreeError{Reason: wrapped.Error(), Advice: rebuild}
		}
		return wrapped
	}
	advice := "look at the file and at its folder"
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR:
		return &schedules.DisagreeError{Reason: wrapped.Error(), Advice: rebuild}
	case sqlite3.SQLITE_INTERRUPT:
		return fmt.Errorf(format+": %w", append(args, context.Canceled)...)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY:
		advice = "make the file and its folder readable and writable for this user"
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		advice = "the disk may be full: make room, and run again; nothing is half loaded"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		advice = "another program holds the file; wait for it to end"
	}
	return &source.SetupError{Err: wrapped, Advice: advice}
}
