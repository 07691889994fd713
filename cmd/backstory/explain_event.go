package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"backstory/source"
)

// eventFile is an event in a file.
type eventFile struct {
	Position      *source.Position `json:"position"`
	Type          string           `json:"type"`
	Version       int              `json:"version"`
	Stream        string           `json:"stream_id"`
	StreamVersion int64            `json:"stream_version"`
	ID            string           `json:"event_id"`
	Time          time.Time        `json:"event_time"`
	Data          json.RawMessage  `json:"data"`
	Meta          json.RawMessage  `json:"meta"`
}

const eventHint = `write {"type": "NAME", "version": 1, "data": {...}}; all but type and data may be left out`

// readEvent reads an event as JSON from a file, or from in where name is -.
func readEvent(in io.Reader, name string) (*source.Event, error) {
	text, err := os.ReadFile(name)
	if name == "-" {
		text, err = io.ReadAll(in)
	}
	if err != nil {
		return nil, source.Setup("name a file with one event as JSON, or - for standard input", "read event: %w", err)
	}
	var f eventFile
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err = dec.Decode(&f)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		err = fmt.Errorf("byte %d: %s cannot be a JSON %s", kind.Offset, cmp.Or(kind.Field, "the event"), kind.Value)
	}
	if err == nil && dec.More() {
		err = errors.New("there is more behind the event")
	}
	if err == nil && (f.Type == "" || f.Data == nil) {
		err = errors.New("want at least type and data")
	}
	if err == nil && f.Version < 0 {
		err = fmt.Errorf("there is no schema version %d", f.Version)
	}
	if err != nil {
		return nil, &eventFileError{fmt.Errorf("read event %s: %w", name, err)}
	}
	e := &source.Event{
		Position: source.Position{Seq: 1}, ID: []byte(f.ID), Stream: []byte(f.Stream), Type: f.Type,
		StreamVersion: f.StreamVersion, SchemaVersion: f.Version, Time: f.Time, Data: f.Data,
	}
	if f.Position != nil {
		e.Position = *f.Position
	}
	if string(f.Meta) != "null" {
		e.Meta = f.Meta
	}
	return e, nil
}

// eventFileError is a file with no event that can be understood.
type eventFileError struct{ err error }

func (e *eventFileError) Error() string { return e.err.Error() }
func (e *eventFileError) Unwrap() error { return e.err }

// Hint says what to do about the error.
func (e *eventFileError) Hint() string { return eventHint }
