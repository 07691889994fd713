package transform

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"backstory/source"
)

// Quarantine is the name of the table of the events that failed: that could
// not be read, decoded, upcast, or put into their table under its contract.
// Nothing of them stands in any other table.
const Quarantine = "_quarantine"

// QuarantinePayload says how much of an event stands in _quarantine.
type QuarantinePayload string

// What stands there beside the envelope and the reason.
const (
	RawPayload QuarantinePayload = "raw"  // payload and metadata as they are stored
	NoPayload  QuarantinePayload = "none" // neither, and none of their values in the reason
)

// keepsPayloads tells whether events in quarantine are kept with their payloads.
func (p *Pipeline) keepsPayloads() bool { return p.rules.Options.QuarantinePayload != NoPayload }

// discreet leaves the event's values out of an error where payloads are not kept.
func (p *Pipeline) discreet(why *source.EventError) *source.EventError {
	if p.keepsPayloads() {
		return why
	}
	return why.Discreet()
}

// Names of the columns of _quarantine that no other table has.
const (
	ColStep   = "step"   // what was being done
	ColPath   = "path"   // the member concerned, null for the whole event
	ColReason = "reason" // why it failed
	ColHint   = "hint"   // what to do about it
	ColMeta   = "meta"   // the metadata as they are stored
)

// quarantineColumns are the columns of _quarantine. Data and meta are text,
// not JSON: what stands there may be broken.
func quarantineColumns() []Column {
	text := Type{Kind: String}
	return []Column{
		{Name: ColPosition, Type: Type{Kind: Int64}, Required: true, Encoding: Delta},
		{Name: ColStreamID, Type: text, Required: true, Encoding: Plain},
		{Name: ColStreamVersion, Type: Type{Kind: Int64}, Required: true, Encoding: Delta},
		{Name: ColEventID, Type: text, Encoding: Plain},
		{Name: ColEventType, Type: text, Encoding: Dictionary},
		{Name: ColSchemaVersion, Type: Type{Kind: Int64}, Encoding: Dictionary},
		{Name: ColEventTime, Type: Type{Kind: Timestamp}, Encoding: Delta},
		{Name: ColStep, Type: text, Required: true, Encoding: Dictionary},
		{Name: ColPath, Type: text, Encoding: Dictionary},
		{Name: ColReason, Type: text, Required: true, Encoding: Dictionary},
		{Name: ColHint, Type: text, Encoding: Dictionary},
		{Name: ColData, Type: text, Encoding: Plain},
		{Name: ColMeta, Type: text, Encoding: Plain},
	}
}

// maxReason is the most bytes of a text that says why, and maxRaw the most of
// a payload: one that is longer stays in the store only.
const (
	maxReason = 1000
	maxRaw    = maxEvent
)

// quarantine appends an event that failed, as far as it could be read.
func (r *rows) quarantine(env *Envelope, e *source.Event, why *source.EventError, payload bool) {
	text := func(i int, s string) {
		if s == "" {
			r.columns[i].appendNull()
		} else {
			r.columns[i].appendString(s)
		}
	}
	integer := func(i int, x int64, known bool) {
		if known {
			r.columns[i].appendInt(x)
		} else {
			r.columns[i].appendNull()
		}
	}
	integer(0, env.Position.Seq, true)
	r.columns[1].appendString(valid(string(env.Stream)))
	integer(2, env.StreamVersion, true)
	text(3, valid(string(env.ID)))
	text(4, valid(env.Type))
	integer(5, int64(env.Stored), env.Stored > 0)
	integer(6, env.Micros, env.HasTime)
	r.columns[7].appendString(clip(why.Step))
	text(8, clip(why.Path))
	r.columns[9].appendString(clip(why.Err.Error()))
	text(10, clip(why.Advice))
	r.raw(11, e.Data, payload)
	r.raw(12, e.Meta, payload)
	r.n++
	r.payload += r.columns[11].last() + r.columns[12].last()
}

// raw appends bytes as they are if they are text, else in base 64; null where
// there are none to be kept.
func (r *rows) raw(i int, b []byte, keep bool) {
	c := r.columns[i]
	switch {
	case !keep || len(b) == 0 || len(b) > maxRaw:
		c.appendNull()
	case utf8.Valid(b):
		c.appendBytes(b)
	default:
		c.bytes = append(c.bytes, "base64:"...)
		c.bytes = base64.StdEncoding.AppendEncode(c.bytes, b)
		c.endBytes()
	}
}

// last is the length of the last value of a column of text.
func (c *column) last() int { return int(c.offsets[c.n] - c.offsets[c.n-1]) }

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// clip makes a text no longer than a person wants to read.
func clip(s string) string {
	if len(s) > maxReason {
		end := maxReason
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end] + "..."
	}
	return valid(s)
}
