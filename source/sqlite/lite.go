package sqlite

import (
	"context"
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is a connection to a database file. It speaks to the C interface as
// modernc.org/sqlite/lib translates it (https://sqlite.org/cintro.html), and
// not through database/sql, which takes twice as long for a row and allocates
// seven times for it. It is for one goroutine at a time, but for interrupt.
type conn struct {
	tls   *libc.TLS
	db    uintptr
	out   uintptr // room for one pointer that SQLite gives back
	stmts map[string]*stmt
	// wide says that text is kept as UTF-16 and must be converted.
	wide bool
	file fileState
}

// busyMillis is how long SQLite waits for a lock that a writer holds.
const busyMillis = 5000

// dial opens a database by its URI, read-only.
func dial(uri string) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), stmts: make(map[string]*stmt)}
	c.out = libc.Xmalloc(c.tls, 8)
	name, err := libc.CString(uri)
	if err != nil || c.out == 0 {
		c.close()
		return nil, fmt.Errorf("open %s: out of memory", uri)
	}
	defer libc.Xfree(c.tls, name)
	// Without SQLite's own mutex, as a connection has one user at a time.
	const flags = sqlite3.SQLITE_OPEN_READONLY | sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_NOMUTEX
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = libc.AtomicLoadPUintptr(c.out)
	if rc != sqlite3.SQLITE_OK {
		err := c.err(rc)
		c.close()
		return nil, err
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, busyMillis)
	return c, nil
}

func (c *conn) close() {
	for _, s := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, s.handle)
	}
	if c.db != 0 {
		sqlite3.Xsqlite3_close_v2(c.tls, c.db)
	}
	if c.out != 0 {
		libc.Xfree(c.tls, c.out)
	}
	c.tls.Close()
}

// interruptOn makes a statement that runs on c end when ctx does, until the
// function returned is called.
func (c *conn) interruptOn(ctx context.Context) (stop func()) {
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		tls := libc.NewTLS()
		defer tls.Close()
		sqlite3.Xsqlite3_interrupt(tls, c.db)
	})
	return func() {
		if !cancel() {
			<-done
		}
	}
}

// stmt is a prepared statement, owned by its connection.
type stmt struct {
	c      *conn
	handle uintptr
}

// prepare gives the statement for a query, prepared once a connection. The
// statement must be reset before it is prepared again.
func (c *conn) prepare(query string) (*stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	text, err := libc.CString(query)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	if rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, text, -1, c.out, 0); rc != sqlite3.SQLITE_OK {
		return nil, c.err(rc)
	}
	s := &stmt{c: c, handle: libc.AtomicLoadPUintptr(c.out)}
	c.stmts[query] = s
	return s, nil
}

// bind sets the parameters from the first on.
func (s *stmt) bind(args ...int64) {
	for i, v := range args {
		sqlite3.Xsqlite3_bind_int64(s.c.tls, s.handle, int32(i+1), v)
	}
}

// step goes to the next row and tells whether there is one.
func (s *stmt) step() (bool, error) {
	switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.handle); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.err(rc)
	}
}

// reset ends the statement and gives up its locks.
func (s *stmt) reset() { sqlite3.Xsqlite3_reset(s.c.tls, s.handle) }

// class is how SQLite stores one value (https://sqlite.org/datatype3.html).
type class int32

const (
	classInteger class = sqlite3.SQLITE_INTEGER
	classFloat   class = sqlite3.SQLITE_FLOAT
	classText    class = sqlite3.SQLITE_TEXT
	classBlob    class = sqlite3.SQLITE_BLOB
	classNull    class = sqlite3.SQLITE_NULL
)

func (k class) String() string {
	return map[class]string{classInteger: "an integer", classFloat: "a float",
		classText: "text", classBlob: "a blob", classNull: "null"}[k]
}

// class gives the storage class of column i; it must be asked before the value.
func (s *stmt) class(i int) class {
	return class(sqlite3.Xsqlite3_column_type(s.c.tls, s.handle, int32(i)))
}

func (s *stmt) int64(i int) int64 {
	return sqlite3.Xsqlite3_column_int64(s.c.tls, s.handle, int32(i))
}

// bytes gives the bytes of column i, a blob or text. They are SQLite's own:
// valid until the next step and never to be written to, as they may be a
// constant of the statement.
func (s *stmt) bytes(i int) []byte {
	var p uintptr
	if s.c.wide && s.class(i) == classText {
		p = sqlite3.Xsqlite3_column_text(s.c.tls, s.handle, int32(i))
	} else {
		p = sqlite3.Xsqlite3_column_blob(s.c.tls, s.handle, int32(i))
	}
	n := sqlite3.Xsqlite3_column_bytes(s.c.tls, s.handle, int32(i))
	if p == 0 || n == 0 {
		return nil
	}
	return libc.GoBytes(p, int(n))
}
