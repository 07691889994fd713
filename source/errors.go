package source

import (
	"errors"
	"fmt"
	"time"
)

// Transient marks err as a failure that may pass when the work is done
// again. It returns nil for nil.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return &transient{err}
}

// IsTransient tells whether err, or one it wraps, was marked by Transient.
func IsTransient(err error) bool {
	var t *transient
	return errors.As(err, &t)
}

type transient struct{ err error }

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// SetupError is a store, or another thing that Backstory works with, that
// cannot be used as it is configured: it is not there, not permitted, or not
// of the layout that was named.
type SetupError struct {
	Err error
	// Advice is one sentence that says what to do.
	Advice string
}

func (e *SetupError) Error() string { return e.Err.Error() }
func (e *SetupError) Unwrap() error { return e.Err }

// Hint says what to do about the error.
func (e *SetupError) Hint() string { return e.Advice }

// Setup makes a SetupError; format and args are fmt.Errorf's.
func Setup(hint, format string, args ...any) error {
	return &SetupError{Err: fmt.Errorf(format, args...), Advice: hint}
}

// EventError is one event that could not be read, decoded or understood.
type EventError struct {
	Position Position
	Stream   string
	Type     string
	// Schema is the event's schema version, 0 where it is not known.
	Schema int
	// Step is what was being done: decrypt, decompress, parse, upcast...
	Step string
	// Path leads to the member concerned, "" for the whole event.
	Path string
	Err  error
	// Advice is one sentence that says what to do, or "".
	Advice string
}

func (e *EventError) Error() string {
	s := fmt.Sprintf("%s event %s of stream %s (%s", e.Step, e.Position, e.Stream, e.Type)
	if e.Schema > 0 {
		s += fmt.Sprintf(", schema version %d", e.Schema)
	}
	s += ")"
	if e.Path != "" {
		s += " at " + e.Path
	}
	return s + ": " + e.Err.Error()
}

func (e *EventError) Unwrap() error { return e.Err }

// Hint says what to do about the error.
func (e *EventError) Hint() string { return e.Advice }

// QuietError is work that was not begun, or given up, because the hours have
// begun in which the store is to be left alone. It is no failure: what was
// not read will be read later.
type QuietError struct {
	// Until is when the hours end.
	Until time.Time
}

func (e *QuietError) Error() string {
	return "read events: these are quiet hours, until " + e.Until.Format("Mon 15:04 MST")
}

// Hint says what to do about the error.
func (e *QuietError) Hint() string { return "wait until then, or read now with --hurry" }

// Mannered is a Source that keeps quiet hours: Read returns a *QuietError then,
// also when they begin while a window is read.
type Mannered interface {
	// Quiet gives until when nothing is to be read, zero when it may be now.
	Quiet() time.Time
	// Hurry lifts the quiet hours for as long as the source is open.
	Hurry()
}

// Problem is a mistake in a configuration.
type Problem struct {
	// Path leads to the key concerned, one key a step, from where the
	// configuration stands.
	Path    []string
	Message string
	// Hint is one sentence that says what to do, or "".
	Hint string
}
