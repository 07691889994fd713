package schedules

import (
	"fmt"

	"backstory/source"
)

// DisagreeError says that ledger, sink and source do not tell the same
// story: something was deleted, restored, exchanged or damaged. Nothing has
// been loaded since.
type DisagreeError struct {
	// Job is "" where all jobs are concerned.
	Job    string
	Reason string
	// Advice is one sentence that says what to do.
	Advice string
}

func (e *DisagreeError) Error() string {
	if e.Job == "" {
		return e.Reason
	}
	return fmt.Sprintf("job %s: %s", e.Job, e.Reason)
}

// Hint says what to do about the error.
func (e *DisagreeError) Hint() string { return e.Advice }

// RulesError says that the rules have changed since rows were loaded, so that
// old rows and new ones would not agree.
type RulesError struct {
	Job      string
	Old, New string // fingerprints
	// Reason says what stands in the way of going on, "" where the rules that
	// the rows were made with are not known any more.
	Reason string
}

func (e *RulesError) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "these are not in the ledger, or cannot be followed as things are now"
	}
	return fmt.Sprintf("job %s: its tables were loaded under other rules (%s, now %s): %s", e.Job, e.Old, e.New, reason)
}

// Hint says what to do about the error.
func (e *RulesError) Hint() string {
	return "load all of it anew under the present rules with backstory rebuild " + e.Job + ", or put the rules back as they were"
}

// QuarantineError says that a rebuild has stopped before its swap, as too many
// events of the new generation are in quarantine. It is kept, and goes on from
// there.
type QuarantineError struct {
	Job             string
	Events, Allowed int64
	First           *source.EventError // nil where it is not known
}

func (e *QuarantineError) Error() string {
	s := fmt.Sprintf("job %s: the new tables are not swapped in: %d events of them are in quarantine, and %d may be", e.Job, e.Events, e.Allowed)
	if e.First != nil {
		s += "; the first: " + e.First.Error()
	}
	return s
}

// Hint says what to do about the error.
func (e *QuarantineError) Hint() string {
	at := "POSITION"
	if e.First != nil {
		at = e.First.Position.String()
	}
	return "backstory explain " + at + " shows it step by step; mend the rules and rebuild again, or take the new tables as they are with --force. Readers see the old ones until then"
}

// LineError is a line of an exported ledger that cannot be taken in.
type LineError struct {
	Line int // counted from 1
	Err  error
	// Advice is one sentence that says what to do.
	Advice string
}

func (e *LineError) Error() string { return fmt.Sprintf("import line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Hint says what to do about the error.
func (e *LineError) Hint() string { return e.Advice }
