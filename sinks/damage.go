package sinks

import (
	"context"
	"fmt"

	"backstory/source"
)

// Mender is a Reader that can take parts of tables out of the way which are
// not as loads have left them, so that the loads can be done again.
type Mender interface {
	// Damage lists the parts of tables that are missing, changed in size, or
	// that no load accounts for: all that Inventory.Check would stumble over
	// one by one. It reads no rows.
	Damage(ctx context.Context, job string, generation int) ([]*DamageError, error)
	// Mend takes parts away, by the names that a DamageError gives as File,
	// all at once for readers. What is there of them is moved to a place that
	// readers do not see, and never deleted. Loads that had rows in them lack
	// these until each is put in place again by Replace; mark them in the
	// ledger first. It gives where each was moved, "" where nothing was there,
	// and is idempotent.
	Mend(ctx context.Context, job string, generation int, files []string) (moved []string, err error)
	// Shared gives all windows that have rows in any of the parts that hold
	// rows of w in a table, and the names of those parts.
	Shared(ctx context.Context, job string, generation int, table string, w source.Window) (windows []source.Window, files []string, err error)
}

// DamageError is a part of a table, such as a file, that is not as loads have
// left it. It is an ErrDisagree.
type DamageError struct {
	Table string
	// File names the part: a file's path relative to the sink's root, with
	// forward slashes.
	File string
	// Windows are those of the loads that have rows in it, none where no load
	// knows of it.
	Windows []source.Window
	Err     error
	// Advice is one sentence that says what to do.
	Advice string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("read %s of table %s: %v", e.File, e.Table, e.Err)
}

// Unwrap gives the cause, and ErrDisagree.
func (e *DamageError) Unwrap() []error { return []error{ErrDisagree, e.Err} }

// Hint says what to do about the error.
func (e *DamageError) Hint() string { return e.Advice }

// CountError is a table that has another number of rows than were loaded into
// it. It is an ErrDisagree.
type CountError struct {
	Table     string
	Want, Got int64 // rows
	Err       error // what is wrong, in words
	// Advice is one sentence that says what to do.
	Advice string
}

func (e *CountError) Error() string { return e.Err.Error() }

// Unwrap gives the cause, and ErrDisagree.
func (e *CountError) Unwrap() []error { return []error{ErrDisagree, e.Err} }

// Hint says what to do about the error.
func (e *CountError) Hint() string { return e.Advice }

// Damages gives the DamageErrors that an error of Rows joins, and whether
// there is nothing else in it.
func Damages(err error) (found []*DamageError, all bool) {
	switch e := err.(type) {
	case nil:
		return nil, true
	case *DamageError:
		return []*DamageError{e}, true
	case interface{ Unwrap() []error }:
		all = true
		for _, part := range e.Unwrap() {
			more, whole := Damages(part)
			found, all = append(found, more...), all && whole
		}
		return found, all && len(found) > 0
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return Damages(inner)
		}
	}
	return nil, false
}
