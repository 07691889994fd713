package sqlite

import (
	"errors"

	sqlite3 "modernc.org/sqlite/lib"
)

// connect opens the file at path. A store in WAL mode whose -wal is empty but
// cannot be used, for want of rights in the folder, is read as it stands. Not
// so a store with a journal: one that a crashed writer has left behind says
// how to undo what is in the file and was never committed.
func connect(path string, h *headers) (*conn, error) {
	file, err := inspect(path, h)
	if err != nil {
		return nil, err
	}
	c, err := open(path, file)
	var le *liteError
	if errors.As(err, &le) && file.wal && !file.still && walSize(path) <= 0 {
		switch le.primary() {
		case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
			file.still = true
			return open(path, file)
		}
	}
	return c, err
}

// open makes a connection and reads something, as SQLite finds out only then
// whether it can.
func open(path string, file fileState) (*conn, error) {
	uri, err := file.uri(path)
	if err != nil {
		return nil, err
	}
	c, err := dial(uri)
	if err != nil {
		return nil, err
	}
	c.file = file
	for _, pragma := range []string{"PRAGMA schema_version", "PRAGMA encoding"} {
		if err := c.each(pragma, func(q *stmt) { c.wide = string(q.bytes(0)) != "UTF-8" }); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}
