package postgres_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"backstory/schedules"
	"backstory/schedules/ledgertest"
	"backstory/schedules/postgres"
	"backstory/source"
	"backstory/source/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// A wire leads to the server, hears what is asked of it, and is cut when told
// to.
type wire struct {
	cut   atomic.Int64 // so many answers to a COMMIT are lost
	lost  atomic.Int64
	conns sync.WaitGroup

	mu    sync.Mutex
	asked []string // statements
	named []string // names of prepared statements
}

// newWire gives the URL of a socket that leads to the server through the wire.
func newWire(t *testing.T, to string) (*wire, string) {
	t.Helper()
	c, err := pgx.ParseConfig(to)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "wire")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	w.conns.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			w.conns.Go(func() { w.carry(client, filepath.Join(c.Host, ".s.PGSQL.5432")) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		w.conns.Wait()
		os.RemoveAll(dir)
	})
	return w, "postgres://" + url.PathEscape(c.User) + "@/" + c.Database + "?host=" + url.QueryEscape(dir)
}

// carry carries messages to the server and bytes back. An answer to a COMMIT
// that is to be lost is waited for, as it comes when all is done, and the
// connection is closed.
func (w *wire) carry(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("unix", to)
	if err != nil {
		return
	}
	defer server.Close()
	var lose atomic.Bool
	w.conns.Go(func() {
		defer client.Close()
		buf := make([]byte, 1<<16)
		for {
			n, err := server.Read(buf)
			if err != nil || lose.Load() {
				return
			}
			client.Write(buf[:n])
		}
	})
	in := bufio.NewReader(client)
	for typed := false; ; typed = true { // the first message has no type
		message, err := readMessage(in, typed)
		if err != nil {
			return
		}
		if typed && w.hear(message[0], string(message[5:])) {
			lose.Store(true)
			w.lost.Add(1)
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// readMessage reads one message of a client
// (https://www.postgresql.org/docs/current/protocol-message-formats.html).
func readMessage(in *bufio.Reader, typed bool) ([]byte, error) {
	head := 4
	if typed {
		head = 5
	}
	message := make([]byte, head)
	if _, err := io.ReadFull(in, message); err != nil {
		return nil, err
	}
	message = append(message, make([]byte, int(binary.BigEndian.Uint32(message[head-4:]))-4)...)
	_, err := io.ReadFull(in, message[head:])
	return message, err
}

// hear notes what a message asks for, and tells whether its answer is to be
// lost.
func (w *wire) hear(kind byte, body string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch kind {
	case 'Q':
		w.asked = append(w.asked, strings.TrimSuffix(body, "\x00"))
		return strings.EqualFold(w.asked[len(w.asked)-1], "commit") && w.cut.Add(-1) >= 0
	case 'P':
		name, statement, _ := strings.Cut(body, "\x00")
		statement, _, _ = strings.Cut(statement, "\x00")
		w.asked = append(w.asked, statement)
		if name != "" {
			w.named = append(w.named, name)
		}
	}
	return false
}

// Where the answer to a COMMIT is lost, a change is still made once, and a
// lease still ours.
func TestLostCommit(t *testing.T) {
	to := pgtest.Database(t)
	w, url := newWire(t, to)
	l := open(t, postgres.Config{URL: url})
	w.cut.Store(1)
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatalf("lock, whose answer was lost: %v", err)
	}
	if s.Number() != 1 {
		t.Errorf("number of the lease: got %d, want 1", s.Number())
	}
	at := func(n int64) source.Position { return source.Position{Seq: n} }
	for i := range int64(3) {
		w.cut.Store(1)
		run := schedules.Run{Kind: "run"}
		window := source.Window{After: at(i), Through: at(i + 1)}
		c := schedules.Change{Begin: &run, Plan: []schedules.Planned{{Window: window}}}
		if err := s.Save(t.Context(), c); err != nil {
			t.Fatalf("save, whose answer was lost: %v", err)
		}
		if run.ID != i+1 {
			t.Errorf("id of a run: got %d, want %d", run.ID, i+1)
		}
	}
	got, err := l.State(t.Context(), "shop")
	if err != nil || len(got.Pending) != 3 || len(got.Runs) != 3 {
		t.Errorf("state: got %+v, %v", got, err)
	}
	w.cut.Store(1)
	if err := errors.Join(s.Held(t.Context()), s.Release()); err != nil {
		t.Error(err)
	}
	if n := w.lost.Load(); n != 5 {
		t.Errorf("%d answers were lost, want 5", n)
	}
}

// Nothing is left behind in a session that a pooler of transactions would take
// away, or give to somebody else: no prepared statement, no setting, no lock.
func TestNoSessionState(t *testing.T) {
	to := pgtest.Database(t)
	w, url := newWire(t, to)
	l := open(t, postgres.Config{URL: url})
	ledgertest.Fill(t, l)
	ledgertest.Export(t, l)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) < 50 || len(w.named) > 0 {
		t.Errorf("heard %d statements, and that %q were prepared", len(w.asked), w.named)
	}
	lasting := regexp.MustCompile(`(?i)\bset (session|[a-z_]+_timeout)|\blisten\b|\bprepare\b|pg_(try_)?advisory_lock|\btemp(orary)? table`)
	for _, text := range w.asked {
		if lasting.MatchString(text) {
			t.Errorf("%s: that outlives its transaction", text)
		}
	}
}
