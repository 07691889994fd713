package schedules_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// A contested ledger gives leases that are lost when somebody says so.
type contested struct {
	schedules.Ledger
	lost chan struct{}
	// asked says that Held finds out; else only Lost does.
	asked atomic.Bool
}

func (c *contested) Lock(ctx context.Context, job string) (schedules.Lease, error) {
	l, err := c.Ledger.Lock(ctx, job)
	return &contestedLease{l, c}, err
}

type contestedLease struct {
	schedules.Lease
	from *contested
}

var errTaken = errors.Join(errors.New("lease 1 was lost"), schedules.ErrHeld)

func (l *contestedLease) Lost() <-chan struct{} { return l.from.lost }

func (l *contestedLease) Held(ctx context.Context) error {
	if l.from.asked.Load() {
		return errTaken
	}
	return l.Lease.Held(ctx)
}

func (l *contestedLease) Save(ctx context.Context, c schedules.Change) error {
	if l.from.asked.Load() {
		return errTaken
	}
	return l.Lease.Save(ctx, c)
}

// A run that has lost its lease commits no window, and whoever comes next
// loads all that is left.
func TestLostBeforeCommit(t *testing.T) {
	r := newRig(t)
	r.append(45, "Added", "sku")
	var c *contested
	var commits atomic.Int64
	j := r.job(t, func(j *schedules.Job) {
		c = &contested{Ledger: j.Ledger, lost: make(chan struct{})}
		j.Ledger, j.Workers = c, 1
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepCommit && commits.Add(1) == 3 {
				c.asked.Store(true)
			}
		}
	})
	if _, err := j.Run(t.Context()); !errors.Is(err, schedules.ErrHeld) {
		t.Fatalf("run that has lost its lease: got %v", err)
	}
	if n := len(r.numbers(t)); n != 20 {
		t.Errorf("it has loaded %d events, want 20: those of the two windows before", n)
	}
	if s := r.state(t); s.Totals.Windows != 2 || len(s.Pending) != 3 {
		t.Errorf("ledger: got %d windows loaded and %d pending", s.Totals.Windows, len(s.Pending))
	}
	r.run(t)
	r.expectOnce(t)
}

// A slow source takes so long to read the window (20,30] that the lease is
// lost meanwhile.
type slow struct {
	source.Source
	ledger *contested
}

func (s slow) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	if w != window(20, 30) {
		return s.Source.Read(ctx, w, fn)
	}
	s.ledger.asked.Store(true)
	close(s.ledger.lost)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return errors.New("nobody has ended the reading")
	}
}

// A run that is told that its lease is lost ends where it is, and says why.
func TestLostWhileReading(t *testing.T) {
	r := newRig(t)
	r.append(45, "Added", "sku")
	j := r.job(t, func(j *schedules.Job) {
		c := &contested{Ledger: j.Ledger, lost: make(chan struct{})}
		j.Ledger, j.Source, j.Workers = c, slow{j.Source, c}, 1
	})
	_, err := j.Run(t.Context())
	if !errors.Is(err, schedules.ErrHeld) || errors.Is(err, context.Canceled) {
		t.Fatalf("run that was told that its lease is lost: got %v", err)
	}
	if n := len(r.numbers(t)); n != 20 {
		t.Errorf("it has loaded %d events, want 20", n)
	}
	r.run(t)
	r.expectOnce(t)
}

// A rebuild that has lost its lease does not take the place of what there is.
func TestLostBeforeSwap(t *testing.T) {
	r := newRig(t)
	r.append(25, "Added", "sku")
	r.run(t)
	var c *contested
	j := r.job(t, func(j *schedules.Job) {
		c = &contested{Ledger: j.Ledger, lost: make(chan struct{})}
		j.Ledger = c
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepSwap {
				c.asked.Store(true)
			}
		}
	})
	if _, err := j.Rebuild(t.Context(), schedules.RebuildOptions{}); !errors.Is(err, schedules.ErrHeld) {
		t.Fatalf("rebuild that has lost its lease: got %v", err)
	}
	if n, err := r.place.Open(nil).Live(t.Context(), jobName); n != 1 || err != nil {
		t.Errorf("live generation: got %d, %v, want 1", n, err)
	}
	r.run(t)
	r.expectOnce(t)
}
