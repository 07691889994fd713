// Package source says what an event store is to Backstory: a history of
// events in one total order, read by windows of positions, never past the
// watermark. Its sub-packages speak to real stores; this package only holds
// the words they share. It does not parse payloads.
//
// # Testing
//
// Package sourcetest is the conformance suite that every source passes.
package source

import (
	"context"
	"io"
	"time"
)

// Event is one event as it is stored, but for its bytes, which are decrypted
// and decompressed. ID, Stream, Data and Meta are borrowed: they are valid
// until the callback that got the event returns.
type Event struct {
	Position Position
	// ID is the event's own id as text; empty where the store keeps none.
	ID []byte
	// Stream names the aggregate the event belongs to.
	Stream []byte
	// Type is the event type after aliases; it may be kept.
	Type string
	// StreamVersion is the event's place in its stream.
	StreamVersion int64
	// SchemaVersion is the version of the payload's shape, or 0 where the
	// payload itself says (see Payload).
	SchemaVersion int
	// Time is when the event happened; zero where the payload itself says.
	Time time.Time
	// Data is the payload as JSON text, Meta the metadata as JSON text or
	// empty.
	Data, Meta []byte
	// Err tells that this one event could not be read as it should: it could
	// not be decrypted, or a value does not fit its place. Data then holds
	// the bytes as they are stored, and the other members what is known.
	Err *EventError
}

// Source reads one event store. Its methods may be called from several
// goroutines at once. A failure that may pass (a dropped connection) is
// marked with Transient.
type Source interface {
	// Watermark finds how far it is safe to read now.
	Watermark(ctx context.Context) (Watermark, error)
	// Plan gives the next window after a position, of about limit events and
	// never past through, and about how many events it holds. Through is the
	// position of an event; the window is empty when there is none.
	Plan(ctx context.Context, after, through Position, limit int) (Window, int64, error)
	// Read calls fn for each event of w in order, in this goroutine, and
	// stops with fn's error. The same window gives the same events as long
	// as it lies below the watermark and the store only appends.
	Read(ctx context.Context, w Window, fn func(*Event) error) error
	io.Closer
}

// Watermark is the answer to "how far is it safe to read?".
type Watermark struct {
	// Safe is the position up to which nothing can appear any more. It is
	// zero when that could not be established in time; Holders tells why.
	Safe Position `json:"safe"`
	// Head is the highest position visible when the watermark was taken.
	Head Position `json:"head"`
	// Holders are the transactions that keep Safe below Head.
	Holders []Holder `json:"holders,omitempty"`
}

// Holder is a transaction in the store's database that may still make an
// event appear below Head.
type Holder struct {
	PID         int    `json:"pid"`
	Application string `json:"application,omitempty"`
	User        string `json:"user,omitempty"`
	// State and Since, when the transaction began, are zero where the source's
	// user may not know them.
	State string    `json:"state,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Prepared is the global identifier of a prepared transaction, which has
	// no process.
	Prepared string `json:"prepared,omitempty"`
}

// Path leads to a member of a payload or of the metadata, one member name a
// step. The nil path leads nowhere.
type Path struct {
	Meta  bool     `json:"meta,omitzero"`
	Names []string `json:"names,omitzero"`
}

// IsZero tells whether the path leads nowhere.
func (p Path) IsZero() bool { return len(p.Names) == 0 }

// Payload tells how the bytes of a source's events are to be understood and
// which of their members belong to the envelope. Members that are lifted do
// not stand among the payload's columns.
type Payload struct {
	// Markers says that objects of exactly the members _type_ and _data_
	// stand for typed values, as Python's eventsourcing writes them.
	Markers bool `json:"markers,omitzero"`
	// ID, Stream, StreamVersion, Type, SchemaVersion and Time lead to the
	// members that hold what the event itself leaves empty.
	ID            Path `json:"id,omitzero"`
	Stream        Path `json:"stream,omitzero"`
	StreamVersion Path `json:"stream_version,omitzero"`
	Type          Path `json:"type,omitzero"`
	SchemaVersion Path `json:"schema_version,omitzero"`
	Time          Path `json:"time,omitzero"`
	// Repeats names top-level members of Data that only say again what the
	// envelope holds.
	Repeats []string `json:"repeats,omitzero"`
	// VersionSuffix says that an event type may end with its schema version,
	// as ItemAddedV2, ItemAdded.v2, ItemAdded_v2, ItemAdded-v2 and ItemAdded@2
	// do. The end is cut off, and counts before what else tells the version.
	VersionSuffix bool `json:"version_suffix,omitzero"`
	// Names turns a type read by the Type path into an event type.
	Names Names `json:"names,omitzero"`
}

// Describer is a Source whose payloads are not plain JSON documents.
type Describer interface {
	// Payload is fixed from the moment the source is open.
	Payload() Payload
}

// PayloadOf is what s says of its payloads.
func PayloadOf(s Source) Payload {
	if d, ok := s.(Describer); ok {
		return d.Payload()
	}
	return Payload{}
}
