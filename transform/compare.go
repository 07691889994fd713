package transform

import (
	"bytes"
	"encoding/binary"
	"slices"

	"backstory/source"
)

// A Comparer tells whether two sets of rules make the same of stored events.
// It is for one goroutine.
type Comparer struct{ old, now *transcript }

// NewComparer compares what old makes of events with what p makes of them.
func (p *Pipeline) NewComparer(old *Pipeline) *Comparer {
	return &Comparer{old: newTranscript(old), now: newTranscript(p)}
}

// Same tells whether both make the same of an event, an error included.
func (c *Comparer) Same(e *source.Event) bool {
	return c.old.write(e) == c.now.write(e) && bytes.Equal(c.old.text, c.now.text)
}

// Events gives the event types that either made of the last event, each once.
// The slice is valid until the next Same.
func (c *Comparer) Events() []string {
	all := c.old.events
	for _, event := range c.now.events {
		if !slices.Contains(all, event) {
			all = append(all, event)
		}
	}
	c.old.events = all
	return all
}

// A transcript is all that comes out of an event, as bytes.
type transcript struct {
	intake *intake
	text   []byte
	events []string // the types, each once
}

func newTranscript(p *Pipeline) *transcript {
	t := &transcript{}
	t.intake = p.newIntake(t.result)
	return t
}

// write makes the transcript of an event, and tells whether it could be upcast.
func (t *transcript) write(e *source.Event) bool {
	t.text, t.events = t.text[:0], t.events[:0]
	if t.intake.take(e) != nil {
		t.text = t.text[:0]
		return false
	}
	return true
}

func (t *transcript) result(e *Envelope) error {
	b := t.text
	b = appendCounted(b, e.Stream)
	b = appendCounted(b, e.ID)
	b = append(binary.AppendUvarint(b, uint64(len(e.Type))), e.Type...)
	b = appendBool(b, e.HasTime)
	if e.HasTime {
		b = binary.AppendVarint(b, e.Micros)
	}
	b = binary.AppendVarint(b, e.StreamVersion)
	b = e.Data.appendExact(b, e.Data.Root())
	root := e.Meta.Root()
	if b = appendBool(b, root != None); root != None {
		b = e.Meta.appendExact(b, root)
	}
	t.text = b
	if !slices.Contains(t.events, e.Type) {
		t.events = append(t.events, e.Type)
	}
	return nil
}

// appendExact writes a value so that two values have the same bytes exactly
// if they have the same kinds, names and texts.
func (d *Document) appendExact(b []byte, v Value) []byte {
	kind := d.Kind(v)
	b = append(b, byte(kind))
	switch kind {
	case ValueNull, ValueFalse, ValueTrue:
	case ValueArray, ValueObject:
		for c := d.First(v); c != None; c = d.Next(c) {
			if kind == ValueObject {
				b = appendCounted(b, d.Name(c))
			}
			b = d.appendExact(b, c)
		}
		b = append(b, 0xff)
	default:
		b = appendCounted(b, d.Text(v))
	}
	return b
}

func appendBool(b []byte, x bool) []byte {
	if x {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendCounted(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
