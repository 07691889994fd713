package sqlite

import (
	"context"
	"errors"
	"fmt"

	"backstory/source"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteError is an error of SQLite's (https://sqlite.org/rescode.html).
type liteError struct {
	code int32 // extended
	text string
}

func (e *liteError) Error() string { return e.text }

// primary is the code without its extension.
func (e *liteError) primary() int32 { return e.code & 0xff }

func (c *conn) err(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db)&0xff == rc&0xff {
		rc = sqlite3.Xsqlite3_extended_errcode(c.tls, c.db)
		text = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &liteError{rc, text}
}

// explain says where an error of SQLite's happened, what to do, and whether
// it may pass.
func (s *Source) explain(ctx context.Context, doing string, err error) error {
	var le *liteError
	if !errors.As(err, &le) {
		return err
	}
	wrapped := fmt.Errorf("%s %s: %w", doing, s.path, err)
	if le.code == sqlite3.SQLITE_READONLY_ROLLBACK {
		return &source.SetupError{Err: wrapped,
			Advice: "a writer ended in the middle of a transaction; let the application open its store once, which undoes it"}
	}
	switch le.primary() {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return source.Transient(&source.SetupError{Err: wrapped, Advice: "a writer holds the file; run again when it is done"})
	case sqlite3.SQLITE_INTERRUPT:
		if ctx.Err() != nil {
			return fmt.Errorf("%s %s: %w", doing, s.path, ctx.Err())
		}
		return source.Transient(wrapped)
	case sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_IOERR:
		return source.Transient(wrapped)
	case sqlite3.SQLITE_NOTADB:
		return &source.SetupError{Err: wrapped, Advice: "the file is encrypted or no SQLite database; check path:"}
	case sqlite3.SQLITE_CORRUPT:
		return &source.SetupError{Err: wrapped, Advice: "the file is damaged; check it with sqlite3 FILE 'PRAGMA integrity_check'"}
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return &source.SetupError{Err: wrapped,
			Advice: "give the user the right to read the file and the -wal and -shm beside it, or to write in its folder"}
	case sqlite3.SQLITE_ERROR:
		return &source.SetupError{Err: wrapped, Advice: "the table changed since it was opened; check table: and columns:"}
	}
	return wrapped
}
