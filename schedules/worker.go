package schedules

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Worker runs entries by their schedules until it is told to stop: one run of
// an entry at a time, and not more than Concurrent of all.
//
// A time that comes while the entry's run is under way has no run of its own:
// one run right after it makes up for all of these. The same goes for times
// that passed while no worker ran.
type Worker struct {
	Entries []Entry
	// Concurrent is how many runs there are at a time; 0 means 1.
	Concurrent int
	// Grace is how long runs may go on after Serve was told to stop; 0 means
	// DefaultGrace.
	Grace time.Duration
	Log   *slog.Logger
	// Told, if not nil, hears of each run as it begins and as it ends, in the
	// goroutine that runs it, and States has it by then. A run of a job begins
	// only after Told has returned from the end of the one before.
	Told func(Outcome)

	mu        sync.Mutex
	followers []*follower   // in the order of the entries
	poke      chan struct{} // something has changed
	stop      chan struct{} // closed when runs shall come to their end
	running   int
	seen      time.Time // the latest time the clock has shown
	waits     sync.WaitGroup
}

// DefaultGrace is how long a stopping worker waits for its runs.
const DefaultGrace = 25 * time.Second

// ErrStopped is wrapped by the error of a run that was cut off, as the worker
// was told to stop and its grace was over. What it had loaded stays.
var ErrStopped = errors.New("the worker was stopped")

// longestWait is how long the worker sleeps at most: after it, it notices that
// the clock was set or that the machine was suspended.
const longestWait = time.Minute

// Serve follows the schedules until ctx is over. Then no run begins any more,
// those under way may finish their windows within Grace, and are cut off after
// it. It returns once all have ended; an error is about the entries, and
// nothing was run. It can be called once.
func (w *Worker) Serve(ctx context.Context) error {
	if err := w.begin(); err != nil {
		return err
	}
	runs, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(w.turn(ctx, runs))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-w.poke:
		}
	}
	w.end(cut)
	return nil
}

func (w *Worker) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	followers, err := follow(w.Entries)
	if err != nil {
		return err
	}
	w.followers, w.poke, w.stop = followers, make(chan struct{}, 1), make(chan struct{})
	return nil
}

// turn begins what is due and tells how long there is nothing more to do.
// Looking for when a job ran last ends with ctx, runs end with runs.
func (w *Worker) turn(ctx, runs context.Context) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := wallClock()
	if now.Before(w.seen) {
		w.log().Warn("the clock was set back", "from", w.seen, "to", now)
		for _, f := range w.followers {
			f.setBack(now)
		}
	}
	w.seen = now
	w.followers = slices.DeleteFunc(w.followers, func(f *follower) bool { return f.gone && !f.busy })
	var ready []*follower
	wait := longestWait
	for _, f := range w.followers {
		if !f.known && !f.busy {
			w.look(ctx, f)
		}
		switch at := f.wakes(); {
		case at.IsZero():
		case at.After(now):
			wait = min(wait, at.Sub(now))
		default:
			ready = append(ready, f)
		}
	}
	// Who has waited longest goes first.
	slices.SortStableFunc(ready, func(a, b *follower) int { return a.wakes().Compare(b.wakes()) })
	for _, f := range ready {
		if w.running == max(w.Concurrent, 1) {
			break // its end pokes
		}
		w.start(runs, f, now)
	}
	return wait
}

// look finds out when a job ran last, and with it, when it is due.
func (w *Worker) look(ctx context.Context, f *follower) {
	entry := f.entry
	f.busy = true
	w.waits.Go(func() {
		last, err := entry.last(ctx)
		if err != nil && ctx.Err() == nil {
			w.log().Warn("the last run is not known", "job", entry.Job, "error", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		f.busy = false
		f.catchUp(last, wallClock())
		w.wake()
	})
}

// start begins a run.
func (w *Worker) start(ctx context.Context, f *follower, now time.Time) {
	entry, o := f.entry, f.start(now)
	w.running++
	w.waits.Go(func() {
		w.log().Debug("run begins", "job", o.Job, "due", o.Due, "attempt", o.Attempt)
		w.tell(o)
		o.Report, o.Err = entry.do(ctx, w.stop)
		o.Ended = wallClock()
		w.mu.Lock()
		o.Retry = f.end(o)
		failures := f.failures
		w.mu.Unlock()
		w.logOutcome(o, failures)
		w.tell(o)
		w.mu.Lock()
		defer w.mu.Unlock()
		f.busy = false
		w.running--
		w.wake()
	})
}

// end lets runs come to their end, and cuts them off when the grace is over.
func (w *Worker) end(cut context.CancelCauseFunc) {
	w.mu.Lock()
	grace := cmp.Or(w.Grace, DefaultGrace)
	running := w.running
	w.mu.Unlock()
	close(w.stop)
	w.log().Info("worker stops", "running", running, "grace", grace.String())
	late := time.AfterFunc(grace, func() {
		w.log().Warn("runs are cut off, as the grace is over", "grace", grace.String())
		cut(ErrStopped)
	})
	defer late.Stop()
	w.waits.Wait()
}

// Reload takes entries and limits in place of the present ones, or nothing of
// them where they have an error. Runs under way end under the old ones. A job
// whose last run has failed is tried at once, as that may be what was mended.
func (w *Worker) Reload(entries []Entry, concurrent int, grace time.Duration) error {
	next, err := follow(entries)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Entries, w.Concurrent, w.Grace = entries, concurrent, grace
	if w.poke == nil {
		return nil // Serve begins with them
	}
	now := wallClock()
	for i, n := range next {
		if j := slices.IndexFunc(w.followers, func(f *follower) bool { return f.entry.Job == n.entry.Job }); j >= 0 {
			w.followers[j].reload(n, now)
			next[i] = w.followers[j]
		}
	}
	for _, f := range w.followers {
		if !slices.Contains(next, f) && f.busy {
			f.gone = true
			next = append(next, f)
		}
	}
	w.followers = next
	w.wake()
	return nil
}

// States tells how the entries stand, in their order. It may be called at any
// time and by several goroutines; what it gives is the caller's.
func (w *Worker) States() []JobState {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := make([]JobState, len(w.followers))
	for i, f := range w.followers {
		states[i] = f.state()
	}
	return states
}

// wake makes Serve take a turn.
func (w *Worker) wake() {
	select {
	case w.poke <- struct{}{}:
	default: // it will anyway
	}
}

func (w *Worker) tell(o Outcome) {
	if w.Told != nil {
		w.Told(o)
	}
}

func (w *Worker) log() *slog.Logger {
	if w.Log != nil {
		return w.Log
	}
	return slog.New(slog.DiscardHandler)
}

// wallClock gives the time as the clock shows it, without the reading that a
// change of the clock does not move.
func wallClock() time.Time { return time.Now().Round(0) }
