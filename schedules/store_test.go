package schedules_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"backstory/source/postgres/pgtest"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// An entry is an event as the stores below keep it.
type entry struct {
	id           int64
	kind, coupon string
}

// entryAt gives the event at a position. In the middle of the history rare
// events bring members and types that a small sample does not see.
func entryAt(id int64) entry {
	e := entry{id: id, kind: "Cart.Opened"}
	switch {
	case id > 250 && id%73 == 0:
		e.coupon = fmt.Sprintf("C%d", id)
	case id > 330 && id%67 == 0:
		e.kind = "Cart.Paid"
	case id%3 == 0:
		e.kind = "Cart.Closed"
	}
	return e
}

// streamAt is the stream of the event at a position.
func streamAt(id int64) string { return fmt.Sprintf("cart-%d", id%7) }

func (e entry) body() string {
	if e.coupon == "" {
		return fmt.Sprintf(`{"sku": "S%d", "lines": [{"qty": %d}]}`, e.id, e.id%5)
	}
	return fmt.Sprintf(`{"sku": "S%d", "lines": [{"qty": 1, "gift": true}], "coupon": %q}`, e.id, e.coupon)
}

// A store is a database that some application writes to.
type store struct {
	driver, address string // as an order has them
	db              *sql.DB
	tables          int
}

const columns = ` (id bigint PRIMARY KEY, stream text, seq bigint, kind text, body text)`

func newStore(t testing.TB, driver string) *store {
	t.Helper()
	if driver == "postgres" {
		return openStore(t, driver, pgtest.Database(t))
	}
	return openStore(t, driver, filepath.Join(scratch(t), "store.db"))
}

// openStore opens the database at an address.
func openStore(t testing.TB, driver, address string) *store {
	t.Helper()
	s := &store{driver: driver, address: address}
	name, address := "sqlite", s.address+"?_pragma=busy_timeout(20000)&_pragma=synchronous(off)"
	if driver == "postgres" {
		name, address = "pgx", s.address
	}
	db, err := sql.Open(name, address)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	s.db = db
	return s
}

// newTable makes a table with the events up to a position.
func (s *store) newTable(through int64) (string, error) {
	s.tables++
	name := fmt.Sprintf("log_%d", s.tables)
	if _, err := s.db.Exec("CREATE TABLE " + name + columns); err != nil {
		return "", err
	}
	return name, s.extend(name, 0, through)
}

// extend adds the events of (after, through].
func (s *store) extend(table string, after, through int64) error {
	var b strings.Builder
	b.WriteString("INSERT INTO " + table + " VALUES ")
	for id := after + 1; id <= through; id++ {
		e := entryAt(id)
		if id > after+1 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%d, '%s', %d, '%s', '%s')", id, streamAt(id), id, e.kind, e.body())
	}
	_, err := s.db.Exec(b.String())
	return err
}

// scratch is a folder for what need not survive a loss of power, in memory
// where that is to be had.
func scratch(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "backstory")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
