package schedules

import "fmt"

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
}

func (e *RulesError) Error() string {
	return fmt.Sprintf("job %s: its tables were loaded under other rules (%s, now %s)", e.Job, e.Old, e.New)
}

// Hint says what to do about the error.
func (e *RulesError) Hint() string {
	return "put names, tables, types and layout back as they were, or load into an empty folder under the new rules"
}
