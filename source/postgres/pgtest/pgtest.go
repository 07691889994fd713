// Package pgtest starts a throwaway PostgreSQL for tests: a cluster in a
// temporary folder, reached over a Unix socket only, that does not outlive
// the tests. It is for tests and nothing else.
//
// Where TEST_POSTGRES_URL is set, the server it leads to is used instead; its
// user must be allowed to create databases.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL.
type Server struct {
	// URL leads to the maintenance database, as a superuser.
	URL string

	dir     string // of the socket; removed in the end
	data    string // of the cluster
	program string
	args    []string
	as      *syscall.Credential
	process *exec.Cmd // nil: not ours
	exited  chan error
}

// shared is the server of this test binary, started when it is first asked for.
var shared struct {
	sync.Mutex
	server *Server
	err    error
}

// Run runs the tests of a package and then stops the server that they have
// shared through Database. Call it from TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
func Run(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return code
	}
	if err := shared.server.remove(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Start starts a server of the test's own, with further settings such as
// "max_prepared_transactions=5". It is stopped when the test ends.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := start(settings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.remove(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

var databases atomic.Int64

// Database creates an empty database on the server that the package's tests
// share and gives its URL. It is dropped when the test ends.
func Database(tb testing.TB) string {
	tb.Helper()
	shared.Lock()
	if shared.server == nil && shared.err == nil {
		if url := os.Getenv("TEST_POSTGRES_URL"); url != "" {
			shared.server = &Server{URL: url}
		} else {
			shared.server, shared.err = start([]string{"max_prepared_transactions=20"})
		}
	}
	server, err := shared.server, shared.err
	shared.Unlock()
	if err != nil {
		tb.Fatal(err)
	}
	return server.Database(tb)
}

// Database creates an empty database and gives its URL. It is dropped when
// the test ends.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
	s.exec(tb, "CREATE DATABASE "+name)
	tb.Cleanup(func() { s.exec(tb, "DROP DATABASE "+name+" WITH (FORCE)") })
	c, err := pgx.ParseConfig(s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	return withDatabase(s.URL, c.Database, name)
}

// withDatabase puts another database into a URL or key=value string.
func withDatabase(url, from, to string) string {
	if !strings.Contains(url, "://") {
		return url + " dbname=" + to
	}
	base, query, _ := strings.Cut(url, "?")
	base = strings.TrimSuffix(base, "/"+from)
	return strings.TrimSuffix(base, "/") + "/" + to + "?" + query
}

// exec runs a statement in the maintenance database. It has time of its own,
// as it also cleans up after the test's context has ended.
func (s *Server) exec(tb testing.TB, sql string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}
