package ledgertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// Each lease of a job has a greater number than all before it, of both of the
// job's leases, also after the ledger was closed.
func testNumbers(t *testing.T, p Place) {
	var last int64
	take := func(l schedules.Ledger) {
		t.Helper()
		s, err := l.Lock(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if s.Number() <= last {
			t.Errorf("number of a lease: got %d after %d", s.Number(), last)
		}
		last = s.Number()
		if err := s.Release(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		l := p.Open(t)
		take(l)
		take(l.Next())
		take(l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	live := lease(t, p.open(t), job)
	next := lease(t, p.open(t).Next(), job)
	if live.Number() <= last || next.Number() <= live.Number() {
		t.Errorf("numbers of two leases at once: got %d and %d after %d", live.Number(), next.Number(), last)
	}
}

// Whoever comes back after somebody else has had the lease changes nothing,
// and is told who it was.
func testFencing(t *testing.T, p Place) {
	l, other := p.open(t), p.open(t)
	old, err := l.Lock(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	save(t, old, schedules.Change{Plan: []schedules.Planned{planned(window(0, 10))}, Fingerprint: "old"})
	if err := old.Held(t.Context()); err != nil {
		t.Fatalf("a lease that is held: %v", err)
	}
	if err := old.Release(); err != nil {
		t.Fatal(err)
	}
	now := lease(t, other, job)
	save(t, now, schedules.Change{Finish: []schedules.Loaded{loaded(window(0, 10))}})
	want := state(t, other, job)
	changes := map[string]schedules.Change{
		"nothing": {}, "windows": {Plan: []schedules.Planned{planned(window(10, 20))}, Finish: []schedules.Loaded{loaded(window(30, 40))}},
		"rules": {Fingerprint: "older", Tables: someTables()}, "reset": {Reset: true}, "again": {Again: []source.Window{window(0, 10)}},
		"promote": {Promote: true}, "run": {Begin: &schedules.Run{Kind: "run"}},
	}
	for name, c := range changes {
		if err := old.Save(t.Context(), c); !errors.Is(err, schedules.ErrHeld) {
			t.Errorf("save %s under a lease that was lost: got %v", name, err)
		}
	}
	if err := old.Held(t.Context()); !errors.Is(err, schedules.ErrHeld) {
		t.Errorf("a lease that was lost: got %v", err)
	} else if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || hint.Hint() == "" {
		t.Errorf("a lease that was lost: got no hint with %v", err)
	}
	if lost := old.Lost(); lost != nil {
		select {
		case <-lost:
		case <-time.After(time.Minute):
			t.Error("nobody is told that the lease was lost")
		}
	}
	if diff := cmp.Diff(want, state(t, l, job), equal); diff != "" {
		t.Errorf("state after changes under a lease that was lost (-want +got):\n%s", diff)
	}
	if err := now.Held(t.Context()); err != nil {
		t.Errorf("the present lease: %v", err)
	}
	if err := old.Release(); err != nil {
		t.Errorf("release a lease that was lost: %v", err)
	}
	if _, err := p.open(t).Lock(t.Context(), job); !errors.Is(err, schedules.ErrHeld) {
		t.Errorf("lock after somebody has released a lease that he had lost: got %v", err)
	}
	save(t, now, schedules.Change{Signature: "still here"})
}

// Windows tells everything of each window, page by page.
func testWindows(t *testing.T, p Place) {
	l := p.open(t)
	s := lease(t, l, job)
	const n = 9000
	var plan []schedules.Planned
	var want []schedules.WindowRecord
	for i := range int64(n) {
		plan = append(plan, schedules.Planned{Window: window(10*i, 10*(i+1)), Events: 7})
		want = append(want, schedules.WindowRecord{Window: plan[i].Window, Events: 7})
	}
	start := time.Now()
	save(t, s, schedules.Change{Plan: plan})
	done := loaded(plan[3].Window)
	done.Quarantined, done.Discarded, done.Forgotten, done.Duration = 2, 1, 3, 1500*time.Millisecond
	save(t, s, schedules.Change{Finish: []schedules.Loaded{done}, Again: []source.Window{done.Window}})
	save(t, lease(t, l.Next(), job), schedules.Change{Plan: plan[:1]})
	want[3] = schedules.WindowRecord{
		Window: done.Window, Duration: done.Duration, Again: true, Events: done.Events, Rows: done.Rows, Bytes: done.Bytes,
		Stored: done.Stored, Extra: done.Extra, Quarantined: 2, Discarded: 1, Forgotten: 3,
	}
	read := func(after int64) (got []schedules.WindowRecord) {
		t.Helper()
		err := l.Windows(t.Context(), job, at(after), func(w schedules.WindowRecord) error {
			if len(got)%3000 == 0 {
				state(t, l, job) // the ledger may be used meanwhile
			}
			if w.Planned.Before(start.Add(-time.Second)) || w.Loaded.IsZero() != (w.Window != done.Window) {
				t.Errorf("%s: planned %s, loaded %s", w.Window, w.Planned, w.Loaded)
			}
			w.Planned, w.Loaded = time.Time{}, time.Time{}
			got = append(got, w)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for after, first := range map[int64]int{0: 0, 39: 3, 40: 4, 45: 4, 10*n - 1: n - 1, 10 * n: n} {
		if diff := cmp.Diff(want[first:], read(after), equal); diff != "" {
			t.Errorf("windows that end after %d (-want +got):\n%s", after, diff)
		}
	}
	stop := errors.New("enough")
	calls := 0
	err := l.Windows(t.Context(), job, at(0), func(schedules.WindowRecord) error {
		calls++
		return stop
	})
	if err != stop || calls != 1 {
		t.Errorf("windows until one is enough: got %v after %d", err, calls)
	}
	if err := l.Windows(t.Context(), "never", at(0), func(schedules.WindowRecord) error { return stop }); err != nil {
		t.Errorf("windows of a job never heard of: got %v", err)
	}
}

// Of many who want the lease at the same moment, one gets it.
func testLockAtOnce(t *testing.T, p Place) {
	var wg sync.WaitGroup
	won := make(chan schedules.Lease, 8)
	for range cap(won) {
		l := p.open(t)
		wg.Go(func() {
			s, err := l.Lock(t.Context(), job)
			if err == nil {
				won <- s
			} else if !errors.Is(err, schedules.ErrHeld) {
				t.Errorf("lock: %v", err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d have the lease", len(won))
	}
	close(won)
	for s := range won {
		if err := s.Release(); err != nil {
			t.Error(err)
		}
	}
}
