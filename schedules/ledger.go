package schedules

import (
	"context"
	"errors"
	"io"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// ErrHeld is what Lock returns while somebody else holds the job's lease.
var ErrHeld = errors.New("somebody else holds the lease")

// Ledger is the record of every window of every job. It may be used by
// several goroutines at once.
type Ledger interface {
	// Lock takes the lease of a job, or returns an error that wraps ErrHeld
	// and says who has it. The lease ends with Release, or with the process.
	Lock(ctx context.Context, job string) (Lease, error)
	// State gives what is known of a job; that of a job never heard of is empty.
	State(ctx context.Context, job string) (*State, error)
	io.Closer
}

// Lease is the right to work on one job.
type Lease interface {
	// Save makes a change durable, all of it or nothing.
	Save(ctx context.Context, c Change) error
	// Release gives the lease back.
	Release() error
}

// State is what the ledger knows of a job.
type State struct {
	Job        string
	Generation int
	// Fingerprint names the rules the rows were made with, "" before the
	// first load.
	Fingerprint string
	// Loaded are the ranges that are loaded, in order and merged: between
	// two of them lies something that is not.
	Loaded []source.Window
	// Pending are the windows that are planned and not loaded, in order.
	Pending []Planned
	// First and Last are the lowest and highest events that are loaded.
	First, Last sinks.Anchor
	Totals      Totals
	Tables      []*transform.Table
	// Signature is the sink's, from when ledger and sink last agreed; "" if
	// they must be compared.
	Signature string
	// Runs are the last runs, newest first.
	Runs []Run
}

// Totals count what is loaded.
type Totals struct {
	Windows int64 `json:"windows"`
	Events  int64 `json:"events"`
	Rows    int64 `json:"rows"`
	// Bytes counts the payloads' bytes as JSON text, Stored those the sink
	// has made of them.
	Bytes  int64 `json:"bytes"`
	Stored int64 `json:"stored"`
	Extra  int64 `json:"extra"`
}

// Planned is a window that is to be loaded.
type Planned struct {
	source.Window
	// Events is about how many events it holds.
	Events int64 `json:"events"`
}

// Loaded is a window that was loaded.
type Loaded struct {
	source.Window
	sinks.Summary
	Rows     int64
	Stored   int64
	Duration time.Duration
}

// Run is one run of a job.
type Run struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"` // run or backfill
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Windows  int64     `json:"windows"`
	Events   int64     `json:"events"`
	// Error says why the run failed, "" if it did not.
	Error string `json:"error,omitempty"`
}

// Change is what Save makes durable at once. Zero members change nothing.
type Change struct {
	// Plan adds windows that are to be loaded.
	Plan []Planned
	// Finish marks windows as loaded, planned before or not.
	Finish []Loaded
	// Tables replaces the job's tables.
	Tables []*transform.Table
	// Fingerprint names the rules from now on.
	Fingerprint string
	// Signature replaces the sink's signature.
	Signature string
	// Begin records a run that begins; End one that has ended, by its ID.
	Begin, End *Run
}
