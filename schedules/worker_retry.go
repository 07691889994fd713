package schedules

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"backstory/sinks"
	"backstory/source"
)

// DefaultRetries is how often a run is tried again that failed in a way that
// may pass: for about half an hour.
const DefaultRetries = 10

// A run that failed in a way that may pass is tried again after pauses that
// double, from the shortest to the longest; one that found the job held by
// another worker after one that is always the same.
const (
	shortestPause = 5 * time.Second
	longestPause  = 5 * time.Minute
	heldPause     = 30 * time.Second
)

// retryPause is how long to wait after that many tries. A part of it is chance, so
// that those who were hit by one failure do not come back all at once.
func retryPause(tries int) time.Duration {
	pause := shortestPause
	for range tries - 1 {
		if pause *= 2; pause >= longestPause {
			pause = longestPause
			break
		}
	}
	return pause - rand.N(pause/4)
}

// kind is what the end of a run asks for.
type kind int

const (
	succeeded kind = iota
	passing        // it may succeed if it is tried again
	lasting        // it would fail again: configuration, rules, data
	held           // somebody else works on the job
	stopped        // it was cut off by the end of the worker
)

// kindOf tells what to do after a run that ended with err. An error that says
// Lasting() bool of itself is believed.
func kindOf(err error) kind {
	var (
		says     interface{ Lasting() bool }
		rules    *RulesError
		disagree *DisagreeError
		rebuilt  *QuarantineError
		event    *source.EventError
		panicked *PanicError
	)
	switch {
	case err == nil:
		return succeeded
	case errors.Is(err, ErrStopped):
		return stopped
	case errors.Is(err, ErrHeld), errors.Is(err, sinks.ErrHeld):
		return held
	case source.IsTransient(err), errors.Is(err, context.DeadlineExceeded):
		return passing
	case errors.As(err, &says):
		if !says.Lasting() {
			return passing
		}
		return lasting
	case errors.As(err, &rules), errors.As(err, &disagree), errors.As(err, &rebuilt), errors.As(err, &event),
		errors.As(err, &panicked), errors.Is(err, sinks.ErrDisagree):
		return lasting
	}
	return passing // the disk is full, the network is away, a permission is missing: somebody may mend it
}
