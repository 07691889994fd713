package schedules

import (
	"context"
	"log/slog"
	"time"
)

// Worker runs entries by their schedules until it is told to stop: one run of
// an entry at a time, and not more than Concurrent of all.
type Worker struct {
	Entries []Entry
	// Concurrent is how many runs there are at a time; 0 means 1.
	Concurrent int
	// Grace is how long runs may go on after Serve was told to stop; 0 means
	// DefaultGrace.
	Grace time.Duration
	// Clock is what time it is; nil means the system's clock.
	Clock Clock
	Log   *slog.Logger
	// Told, if not nil, hears of each run as it begins and as it ends, in the
	// goroutine that runs it.
	Told func(Outcome)
}

// DefaultGrace is how long a stopping worker waits for its runs.
const DefaultGrace = 25 * time.Second

// Entry is a job and when it runs.
type Entry struct {
	Job string
	// Schedule is a line that CheckSchedule takes; "" means that the job never
	// runs by itself. Zone is where its hours are; nil means the local zone.
	Schedule string
	Zone     *time.Location
	// Jitter spreads the beginnings of runs over that long after their time.
	Jitter time.Duration
	// Timeout ends a run that takes longer; 0 means never. What is loaded until
	// then stays.
	Timeout time.Duration
	// Retries is how often a run is tried again that failed in a way that may
	// pass; less than 0 means never, 0 DefaultRetries.
	Retries int
	// Run does one run.
	Run func(ctx context.Context) (*Report, error)
}

// Clock is what time it is, and how to wait.
type Clock interface {
	Now() time.Time
	// After is a channel that is sent to once, after d.
	After(d time.Duration) <-chan time.Time
}

// Outcome is a run that begins or has ended.
type Outcome struct {
	Job string
	// Due is when it should have begun; Started and Ended are when it did, and
	// Ended is zero while it is under way.
	Due, Started, Ended time.Time
	// Attempt counts from 1 within one due time.
	Attempt int
	// Report is what it has done, nil where it could not begin.
	Report *Report
	Err    error
	// Retry is when it is tried again, zero if it is not.
	Retry time.Time
}

// JobState is how an entry stands.
type JobState struct {
	Job      string
	Schedule string
	// Next is when it is due next, zero for never.
	Next time.Time
	// Running is the run under way, Last the one that ended last, Good the
	// last that succeeded; nil where there is none.
	Running, Last, Good *Outcome
	// Failures counts the runs that failed since the last good one.
	Failures int
}
