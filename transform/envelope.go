package transform

import "backstory/source"

// Envelope is one event on its way through the upcasters. All of it is
// borrowed: an upcaster that wants to keep something copies it.
type Envelope struct {
	Position source.Position
	// SubIndex numbers the rows one stored event became, from 0; the chain
	// sets it.
	SubIndex int
	// ID is the event's own id, empty where the store keeps none.
	ID     []byte
	Stream []byte
	// Type is the event type; an upcaster may change it.
	Type          string
	StreamVersion int64
	// Stored is the schema version in the store, SchemaVersion the one the
	// payload has now.
	Stored, SchemaVersion int
	// Micros is when the event happened, in microseconds since 1970, UTC, if
	// HasTime.
	Micros  int64
	HasTime bool
	// Data is the payload, Meta the metadata (empty where there is none).
	Data, Meta *Document

	versioned bool // Retype has set SchemaVersion
}

// Retype makes the event one of another type, at a schema version of that
// type. Where version is 0, the version is what it would be without: one more
// behind a step, the same behind a repair.
func (e *Envelope) Retype(event string, version int) {
	e.Type = event
	if version > 0 {
		e.SchemaVersion, e.versioned = version, true
	}
}
