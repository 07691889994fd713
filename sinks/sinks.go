// Package sinks says what a place to load rows into is to Backstory: it
// takes a window's records in a transaction keyed by the window, so that
// loading the same window again never doubles a row. Its sub-packages write
// to real places; this package holds the words they share.
//
// # Testing
//
// Package sinktest is the conformance suite that every sink passes.
package sinks

import (
	"context"
	"errors"
	"io"

	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// ErrCommitted is what Begin returns for a load that is there already.
var ErrCommitted = errors.New("the window is committed already")

// ErrHeld is wrapped by the error of a sink whose job another process is
// working on.
var ErrHeld = errors.New("another process is working on the job")

// ErrDisagree is wrapped by an error that says that a sink does not hold what
// it should: something of it was deleted, changed, damaged, or belongs to
// somebody else. Nothing has been loaded since.
var ErrDisagree = errors.New("the sink does not hold what it should")

// Load identifies what a transaction loads. Two loads of one job and
// generation are equal or their windows do not overlap.
type Load struct {
	Job        string        `json:"job"`
	Generation int           `json:"generation"`
	Window     source.Window `json:"window"`
}

// Sink takes the rows of windows. Begin may be called from several
// goroutines at once for different loads.
type Sink interface {
	// Begin starts loading l. Whatever an earlier, unfinished Begin of the
	// same load left behind is finished or removed first. It returns
	// ErrCommitted if the load is there already.
	Begin(ctx context.Context, l Load) (Txn, error)
	io.Closer
}

// Txn is one load under way, for one goroutine. No reader sees any of it
// before Commit.
type Txn interface {
	// Write adds the rows of r to t. The record is borrowed: it is valid
	// until Write returns.
	Write(ctx context.Context, t *transform.Table, r arrow.Record) error
	// Commit makes the load visible. After a nil error the rows are durable
	// and a later Begin of the same load returns ErrCommitted. After an
	// error the load may or may not be visible; calling Begin again tells.
	Commit(ctx context.Context, s Summary) error
	// Abort gives the load up and removes what was written. It may be called
	// after Commit, and then does nothing.
	Abort() error
}

// Sized is a Txn that knows how much it has stored.
type Sized interface {
	// Stored counts the bytes the sink keeps for the load, once Commit has
	// returned nil.
	Stored() int64
}

// Summary is what the one who loads knows of a load and the sink keeps with
// it, so that the ledger can be rebuilt from the sink.
type Summary struct {
	// Events is the number of events read in the window, Bytes that of their
	// payloads as JSON text.
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes,omitempty"`
	// First and Last identify the first and last event of the window.
	First Anchor `json:"first"`
	Last  Anchor `json:"last"`
	// Extra counts the values that fitted no column and went to _extra.
	Extra int64 `json:"extra,omitempty"`
	// Quarantined counts the events that failed and went to _quarantine,
	// Discarded those that the rules made nothing of.
	Quarantined int64 `json:"quarantined,omitempty"`
	Discarded   int64 `json:"discarded,omitempty"`
	// Forgotten counts the events of streams that are forgotten, and Without
	// are the digests of these streams.
	Forgotten int64              `json:"forgotten,omitempty"`
	Without   []transform.Digest `json:"without,omitempty"`
	// Fingerprint names the rule set the rows were made with, and Superseded
	// those that earlier loads of the generation were made with.
	Fingerprint string   `json:"fingerprint,omitempty"`
	Superseded  []string `json:"superseded,omitempty"`
}

// Anchor identifies an event well enough to tell whether a store is still
// the one that was read: a store that was truncated, restored or exchanged
// has another event, or none, at the position.
type Anchor struct {
	Position      source.Position `json:"position"`
	Stream        string          `json:"stream"`
	StreamVersion int64           `json:"stream_version"`
	Type          string          `json:"type"`
}

// Manifest is the sink's own record of one committed load.
type Manifest struct {
	Load
	Summary
	// Version is the version of Backstory that wrote it.
	Version string        `json:"version"`
	Tables  []LoadedTable `json:"tables"`
}

// LoadedTable is what a load added to one table.
type LoadedTable struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Partitions is how many of the table's partitions were changed, 0 where
	// the sink does not count them.
	Partitions int64  `json:"partitions,omitempty"`
	Files      []File `json:"files,omitempty"`
}

// File is one file of a table, its path relative to the sink's root with
// forward slashes.
type File struct {
	Path string `json:"path"`
	Rows int64  `json:"rows"`
	Content
}

// Content tells a file from one that is damaged.
type Content struct {
	Bytes int64 `json:"bytes"`
	// Checksum is the CRC-32C of all bytes; 0 where it is not known.
	Checksum uint32 `json:"crc32c,omitempty"`
}

// Evolver is a Sink whose committed rows follow a change of their tables.
type Evolver interface {
	// Evolve makes all committed rows of the job agree with the tables, each
	// table at once for its readers, and keeps the tables so that Inventory
	// can give them back. It is idempotent, and finishes what an earlier,
	// interrupted call began. No load of the job may be under way. Columns
	// are only ever added, at the end but before _extra.
	Evolve(ctx context.Context, job string, generation int, tables []*transform.Table) error
}

// Inventory is a Sink that can tell what it holds.
type Inventory interface {
	// Manifests lists the committed loads of a job by window, and the tables
	// as they were last evolved. Loads that were begun and not committed are
	// left out. It changes nothing, and what it gives must not be changed.
	Manifests(ctx context.Context, job string, generation int) ([]Manifest, []*transform.Table, error)
	// Check compares what is there with what the manifests say, and explains
	// the first difference: a file that is missing, of another size, or
	// that nobody knows of. It does not read the files' contents. A Holder
	// holds the job from then on, so that no change is half done.
	Check(ctx context.Context, job string, generation int) error
}

// Resumer is an Inventory in which a load that was cut off may leave rows behind
// that readers see, until the same window is loaded.
type Resumer interface {
	// Begun lists the windows, in order, that are not committed and of which
	// rows are in the tables, or may yet come. To load others that overlap
	// them would double these rows. It changes nothing.
	Begun(ctx context.Context, job string, generation int) ([]source.Window, error)
}

// Holder is a Sink that keeps processes apart by itself, whatever their
// ledgers say.
type Holder interface {
	// Hold takes the job for this process until the sink is closed, or
	// returns an error that wraps ErrHeld.
	Hold(ctx context.Context, job string, generation int) error
}

// Signer is an Inventory that can tell cheaply whether it has changed.
type Signer interface {
	// Signature names the state of what the sink holds of a job. While it is
	// the same, Manifests gives the same and Check finds nothing new, but for
	// what was changed inside the files of tables. It is "" where the sink
	// cannot tell, as after a crash.
	Signature(ctx context.Context, job string, generation int) (string, error)
}

// Compactor is a Sink that can merge the small parts of its tables.
type Compactor interface {
	// Compact merges files of adjacent loads so that readers open fewer,
	// each table at once for its readers. Loads stay known by their
	// windows: Begin still returns ErrCommitted. It is idempotent and
	// finishes what an earlier, interrupted call began.
	Compact(ctx context.Context, job string, generation int, o CompactOptions) (CompactReport, error)
}

// CompactOptions says which files are worth merging.
type CompactOptions struct {
	// TargetBytes is the size from which a file is left alone.
	TargetBytes int64
	// DryRun only reports.
	DryRun bool
}

// CompactReport counts the files before and after.
type CompactReport struct {
	Tables []CompactedTable `json:"tables"`
}

// CompactedTable is the part of a report that concerns one table.
type CompactedTable struct {
	Name        string `json:"name"`
	FilesBefore int    `json:"files_before"`
	FilesAfter  int    `json:"files_after"`
	Bytes       int64  `json:"bytes"`
}
