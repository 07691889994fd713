package schedules

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// Entry is a job and when it runs.
type Entry struct {
	Job string
	// Schedule is a line that ParseTimes takes; "" means that the job never
	// runs by itself. Zone is where its hours are; nil means the local zone.
	Schedule string
	Zone     *time.Location
	// Jitter spreads the beginnings of runs over that long after their time,
	// and never beyond the next.
	Jitter time.Duration
	// Timeout ends a run that takes longer; 0 means never. What is loaded until
	// then stays.
	Timeout time.Duration
	// Retries is how often a run is tried again that failed in a way that may
	// pass; less than 0 means never, 0 DefaultRetries.
	Retries int
	// Run does one run. When stop is closed it may finish what it has begun, and
	// begins nothing new.
	Run func(ctx context.Context, stop <-chan struct{}) (*Report, error)
	// Last, if not nil, tells when the last good run was, zero where there was
	// none or it was left unfinished: then, or if a time has passed since, a run
	// begins with the worker. It is asked once.
	Last func(ctx context.Context) (time.Time, error)
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
	// Retry is when it is tried again, zero if it is not: it succeeded, it
	// would fail again, or it is due anyway.
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
	// Failures counts the runs that failed since the last good one; those that
	// found the job held by another worker, and those that were cut off by the
	// end of this one, are not among them.
	Failures int
	// Skipped counts the times that had no run of their own.
	Skipped int64
	// HeldFrom is when the first of the runs began that were held back since one that
	// was not, zero where the last was not.
	HeldFrom time.Time
}

// last is when the last good run was, zero where that is not known.
func (e *Entry) last(ctx context.Context) (last time.Time, err error) {
	defer caught(&err)
	if e.Last == nil {
		return wallClock(), nil
	}
	return e.Last(ctx)
}

// do does one run.
func (e *Entry) do(ctx context.Context, stop <-chan struct{}) (rep *Report, err error) {
	if e.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, e.Timeout, &timeoutError{e.Timeout})
		defer cancel()
	}
	defer func() {
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = fmt.Errorf("%w: %w", cause, err)
		}
	}()
	defer caught(&err)
	return e.Run(ctx, stop)
}

// timeoutError says that a run was ended by its timeout.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("the run was ended by its timeout of %s", e.after)
}

// Hint says what to do about the error.
func (e *timeoutError) Hint() string {
	return "what is loaded stays, and the next run goes on from there; raise the job's timeout if that is too slow"
}

// PanicError is a defect that a run came upon.
type PanicError struct {
	Value any
	// Stack is that of the goroutine that panicked.
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Hint says what to do about the error.
func (e *PanicError) Hint() string {
	return "this is a defect of Backstory: please report it with the stack in the log; nothing that is loaded is lost"
}

// caught makes a panic an error; it is to be deferred.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = &PanicError{Value: v, Stack: debug.Stack()}
	}
}
