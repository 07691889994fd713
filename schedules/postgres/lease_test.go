package postgres_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/schedules/postgres"
	"backstory/source"
	"backstory/source/postgres/pgtest"
)

// lockSoon takes the lease as soon as it can be had.
func lockSoon(t *testing.T, l *postgres.Ledger, job string) schedules.Lease {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		s, err := l.Lock(t.Context(), job)
		if err == nil {
			return s
		}
		if !errors.Is(err, schedules.ErrHeld) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func signature(t *testing.T, l *postgres.Ledger, job string) string {
	t.Helper()
	s, err := l.State(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	return s.Signature
}

// A process that is stopped for longer than its lease comes back to find that
// another has it, and changes nothing.
func TestPaused(t *testing.T) {
	url := pgtest.Database(t)
	h := hold(t, url, postgres.DefaultSchema, "shop")
	if got := h.save(t, "first"); got != "false <nil>" {
		t.Fatalf("save under a lease: got %s", got)
	}
	if err := h.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	l := open(t, postgres.Config{URL: url})
	s := lockSoon(t, l, "shop")
	if s.Number() != 2 {
		t.Errorf("number of the lease that was taken over: got %d, want 2", s.Number())
	}
	if err := h.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := h.save(t, "after a long sleep"); !strings.HasPrefix(got, "true ") || !strings.Contains(got, "lease 1 was lost") {
		t.Errorf("save after the lease was taken over: got %s", got)
	}
	if got := signature(t, l, "shop"); got != "first" {
		t.Errorf("signature: got %q", got)
	}
	if err := errors.Join(s.Held(t.Context()), s.Save(t.Context(), schedules.Change{Signature: "second"}), s.Release()); err != nil {
		t.Error(err)
	}
}

// A process that is stopped for a while, and whose lease nobody wanted, goes on.
func TestPausedAlone(t *testing.T) {
	url := pgtest.Database(t)
	h := hold(t, url, postgres.DefaultSchema, "shop")
	if err := h.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(short + short/2)
	if err := h.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := h.save(t, "still here"); got != "false <nil>" {
		t.Errorf("save after the lease has run out: got %s", got)
	}
}

// A lease lives for as long as it is renewed, and not longer than Release.
func TestRenewed(t *testing.T) {
	url := pgtest.Database(t)
	l, other := open(t, postgres.Config{URL: url, Lease: short}), open(t, postgres.Config{URL: url})
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < 3*short; time.Sleep(short / 20) {
		if _, err := other.Lock(t.Context(), "shop"); !errors.Is(err, schedules.ErrHeld) {
			t.Fatalf("lock a job whose lease is renewed, after %s: got %v", time.Since(begun), err)
		}
	}
	if err := s.Release(); err != nil {
		t.Fatal(err)
	}
	next, err := other.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatalf("lock a job that was given back: %v", err)
	}
	if err := next.Release(); err != nil {
		t.Error(err)
	}
}

// Somebody who works is told that his lease was taken over.
func TestLost(t *testing.T) {
	url := pgtest.Database(t)
	l := open(t, postgres.Config{URL: url, Lease: short})
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	do(t, url, `UPDATE backstory.lease SET number = number + 1, token = 'x', holder = 'process 7 elsewhere since yesterday'`)
	select {
	case <-s.Lost():
	case <-time.After(time.Minute):
		t.Fatal("nobody is told that the lease was lost")
	}
	if err := s.Held(t.Context()); !errors.Is(err, schedules.ErrHeld) || !strings.Contains(err.Error(), "process 7 elsewhere since yesterday") {
		t.Errorf("a lease that was lost: got %v", err)
	}
	if err := s.Release(); err != nil {
		t.Error(err)
	}
	var rows int
	row(t, url, `SELECT count(*) FROM backstory.lease WHERE number = 2`, &rows)
	if rows != 1 {
		t.Error("the lease of somebody else was changed")
	}
}

// While the server is restarted, a save waits for it and is made once.
func TestRestart(t *testing.T) {
	server := pgtest.Start(t)
	l := open(t, postgres.Config{URL: server.Database(t)})
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	saved := make(chan error)
	run := schedules.Run{Kind: "run"}
	go func() {
		w := source.Window{Through: source.Position{Seq: 10}}
		saved <- s.Save(t.Context(), schedules.Change{Plan: []schedules.Planned{{Window: w}}, Begin: &run})
	}()
	select {
	case err := <-saved:
		t.Fatalf("save while the server is down: got %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	server.Restart(t)
	if err := <-saved; err != nil {
		t.Fatalf("save after the server was restarted: %v", err)
	}
	got, err := l.State(t.Context(), "shop")
	if err != nil || len(got.Pending) != 1 || len(got.Runs) != 1 || got.Runs[0].ID != run.ID {
		t.Errorf("state: got %+v, %v", got, err)
	}
	if err := s.Release(); err != nil {
		t.Error(err)
	}
}

// A server that does not come back is told of once the lease could have ended.
func TestGone(t *testing.T) {
	server := pgtest.Start(t)
	l := open(t, postgres.Config{URL: server.URL, Lease: short})
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	for name, err := range map[string]error{
		"save": s.Save(t.Context(), schedules.Change{Signature: "x"}), "held": s.Held(t.Context()), "release": s.Release(),
	} {
		var setup *source.SetupError
		if !errors.As(err, &setup) || setup.Hint() == "" || errors.Is(err, schedules.ErrHeld) {
			t.Errorf("%s while the server is gone: got %v", name, err)
		}
	}
	server.Restart(t)
}
