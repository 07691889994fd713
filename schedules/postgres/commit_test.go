package postgres_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"backstory/schedules"
	"backstory/schedules/postgres"
	"backstory/source"
	"backstory/source/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// A wire leads to the server, and is cut when told to.
type wire struct {
	cut   atomic.Int64 // so many answers to a COMMIT are lost
	lost  atomic.Int64
	conns sync.WaitGroup
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

// carry carries bytes both ways. An answer to a COMMIT that is to be lost is
// waited for, as it comes when all is done, and the connection is closed.
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
	buf := make([]byte, 1<<16)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("commit")) && w.cut.Add(-1) >= 0 {
			lose.Store(true)
			w.lost.Add(1)
		}
		if _, err := io.Copy(server, bytes.NewReader(buf[:n])); err != nil {
			return
		}
	}
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
