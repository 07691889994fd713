package schedules

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// ErrHeld is wrapped by the errors of Lock while somebody else holds the job's
// lease, and by those of a lease that somebody else has taken over.
var ErrHeld = errors.New("somebody else holds the lease")

// Ledger is the record of every window of every job. It may be used by
// several goroutines at once.
type Ledger interface {
	// Lock takes the lease of a job, or returns an error that wraps ErrHeld
	// and says who has it. The lease ends with Release, or with the process:
	// at once, or when it was not renewed for its time.
	Lock(ctx context.Context, job string) (Lease, error)
	// State gives what is known of a job; that of a job never heard of is empty.
	State(ctx context.Context, job string) (*State, error)
	// Windows calls fn with the windows of a job's generation that end after a
	// position, in order, until fn returns an error, which it returns.
	Windows(ctx context.Context, job string, after source.Position, fn func(WindowRecord) error) error
	// Next is the same ledger for the generations that rebuilds make: its
	// leases and states are of a job's generation after the live one, beside
	// which others may work. It ends with the ledger and need not be closed.
	Next() Ledger
	io.Closer
}

// Lease is the right to work on one job. It may be lost: a process that was
// stopped for longer than its lease finds that another has taken over. It may
// be used by several goroutines at once.
type Lease interface {
	// Number is greater than that of every lease of the job before it: the
	// fencing number.
	Number() int64
	// Held returns nil while the lease is ours, and renews it if that is
	// needed; else an error that wraps ErrHeld and says who took it, or one
	// that says why the ledger could not be asked.
	Held(ctx context.Context) error
	// Lost is closed when it is found that the lease was taken over. It is
	// nil where only Held and Save find out.
	Lost() <-chan struct{}
	// Save makes a change durable, all of it or nothing. If the lease was
	// taken over, it changes nothing, and its error wraps ErrHeld.
	Save(ctx context.Context, c Change) error
	// Release gives the lease back, once; one that was lost is not ours to give.
	Release() error
}

// Portable is a Ledger that can be carried into another. docs/operations.md
// says what the lines are.
type Portable interface {
	// Export writes all that the ledger knows, as JSON lines, as of one moment.
	Export(ctx context.Context, w io.Writer) error
	// Import takes in what Export wrote, of this ledger or one of another
	// kind: all of it, or nothing. A ledger that knows a job already refuses,
	// and a line that cannot be read is a *LineError.
	Import(ctx context.Context, r io.Reader) error
}

// State is what the ledger knows of a generation of a job.
type State struct {
	Job        string
	Generation int
	// Fingerprint names the rules the rows are made with, "" before the
	// first load, and Rules are these rules, empty where they are more than
	// can be kept.
	Fingerprint string
	Rules       json.RawMessage
	// Superseded names rules that the generation was loaded under before, and
	// that make the same of what is loaded.
	Superseded []string
	// Loaded are the ranges that are loaded, in order and merged: between
	// two of them lies something that is not.
	Loaded []source.Window
	// Pending are the windows that are planned and not loaded, in order.
	Pending []Planned
	// Quarantined are the loaded windows with events in quarantine, in order.
	Quarantined []Quarantined
	// Again are the loaded windows that are to be loaded again, in order.
	Again []source.Window
	// First and Last are the lowest and highest events that are loaded.
	First, Last sinks.Anchor
	Totals      Totals
	Tables      []*transform.Table
	// Signature is the sink's, from when ledger and sink last agreed; "" if
	// they must be compared.
	Signature string
	// Runs are the last runs, newest first.
	Runs []Run
	// Receipts tell what was forgotten of the job, whatever the generation, in
	// the order in which it was asked for.
	Receipts []Receipt
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
	// Quarantined counts the events that are in quarantine, Discarded those
	// that the rules made nothing of.
	Quarantined int64 `json:"quarantined"`
	Discarded   int64 `json:"discarded"`
}

// Quarantined is a loaded window and how many of its events are in quarantine.
type Quarantined struct {
	source.Window
	Events int64 `json:"events"`
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

	newer int64              // events of versions that no upcaster knows; not kept
	first *source.EventError // why the first event in quarantine is there; not kept
}

// WindowRecord is what the ledger knows of one window.
type WindowRecord struct {
	source.Window
	// Loaded is when it was loaded last, zero while it is only planned.
	Planned, Loaded time.Time
	Duration        time.Duration
	// Again says that it is loaded and to be loaded again.
	Again bool
	// Events is about how many it holds while it is planned, and how many it
	// held once it is loaded; the others count from then on.
	Events, Rows, Bytes, Stored, Extra, Quarantined, Discarded int64
	// Forgotten counts those of Events whose stream is forgotten, so that the
	// source may have as many fewer.
	Forgotten int64
}

// expects tells whether a source may have n events of a window that is loaded:
// as many as it had, or fewer where some are of streams that are forgotten.
func (w WindowRecord) expects(n int64) bool { return n <= w.Events && n >= w.Events-w.Forgotten }

// Run is one run of a job.
type Run struct {
	ID       int64     `json:"id"`
	Kind     string    `json:"kind"` // run, backfill, rebuild or replay
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Windows  int64     `json:"windows"`
	Events   int64     `json:"events"`
	// Error says why the run failed, "" if it did not.
	Error string `json:"error,omitempty"`
}

// interrupted is the Error of a run that was told to end.
const interrupted = "interrupted"

// Interrupted tells whether the run was told to end before it was done, which
// is no failure: the next one goes on.
func (r Run) Interrupted() bool { return r.Error == interrupted }

// Change is what Save makes durable at once, in the order of its members.
// Zero members change nothing.
type Change struct {
	// Reset forgets all that is known of the generation.
	Reset bool
	// Generation gives the live generation of a job of which nothing is known
	// its number.
	Generation int

	// Plan adds windows that are to be loaded.
	Plan []Planned
	// Finish marks windows as loaded, planned before or not.
	Finish []Loaded
	// Again marks loaded windows as such that are to be loaded again, before
	// any of them is. Replace takes them as they were.
	Again   []source.Window
	Replace []Loaded
	// Tables replaces the job's tables.
	Tables []*transform.Table
	// Fingerprint names the rules from now on, Rules are these rules, and
	// Superseded those that they took the place of.
	Fingerprint string
	Rules       json.RawMessage
	Superseded  []string
	// Signature replaces the sink's signature.
	Signature string
	// Begin records a run that begins; End one that has ended, by its ID.
	Begin, End *Run
	// Forget adds a receipt, which is given its ID. Erase are names of streams,
	// which are not kept: where an anchor names one it is blanked, and where a
	// run's error holds one it is cut out.
	Forget *Receipt
	Erase  []string
	// Forgot marks all receipts as done, and has the ledger's own files lose what
	// was erased or replaced before.
	Forgot bool
	// Promote makes the generation, of Next, the live one; what is known of
	// the one that was live is forgotten.
	Promote bool
}
