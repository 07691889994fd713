package transform

import (
	"errors"
	"math"
	"strings"

	"backstory/source"
)

// lifted are the members of payload and metadata that stand in the envelope.
type lifted struct {
	payload source.Payload
	paths   []source.Path
}

func newLifted(p source.Payload) lifted {
	l := lifted{payload: p}
	for _, path := range []source.Path{p.ID, p.Stream, p.StreamVersion, p.Type, p.SchemaVersion, p.Time} {
		if !path.IsZero() {
			l.paths = append(l.paths, path)
		}
	}
	for _, name := range p.Repeats {
		l.paths = append(l.paths, source.Path{Names: []string{name}})
	}
	return l
}

var (
	errNoType     = errors.New("it has no type")
	errNotInteger = errors.New("want an integer")
	errNotVersion = errors.New("want a schema version, an integer from 1 on")
	errNotTime    = errors.New("want an ISO 8601 date and time with its offset")
	errNotText    = errors.New("want text")
)

// An Opener makes envelopes of stored events, as they are before any
// upcaster. It is for one goroutine.
type Opener struct {
	lifted
	names      *source.NameCache
	suffixes   suffixes
	data, meta Document
	envelope   Envelope
	text       []byte // of envelope members that do not stand so in the payload
}

// NewOpener makes an Opener for the pipeline's payloads.
func (p *Pipeline) NewOpener() *Opener { return newOpener(p.lifted) }

func newOpener(l lifted) *Opener {
	return &Opener{lifted: l, names: source.NewNameCache(l.payload.Names), suffixes: make(suffixes)}
}

// Open parses an event and lifts what belongs to the envelope. The envelope
// and its documents belong to the Opener, borrow the event's bytes, and are
// valid until the next Open. An error is a *source.EventError.
func (o *Opener) Open(e *source.Event) (*Envelope, error) {
	env := &o.envelope
	*env = Envelope{
		Position: e.Position, ID: e.ID, Stream: e.Stream, Type: e.Type,
		StreamVersion: e.StreamVersion, Stored: e.SchemaVersion,
		Data: &o.data, Meta: &o.meta,
	}
	if e.Err != nil {
		return nil, e.Err
	}
	if err := o.data.Parse(e.Data, o.payload.Markers); err != nil {
		return nil, eventError(e, "parse", "data", err)
	}
	if len(e.Meta) > 0 {
		if err := o.meta.Parse(e.Meta, o.payload.Markers); err != nil {
			return nil, eventError(e, "parse", "meta", err)
		}
	} else {
		o.meta.Reset()
	}
	if !e.Time.IsZero() {
		env.Micros, env.HasTime = e.Time.UnixMicro(), true
	}
	if len(o.paths) > 0 {
		if path, err := o.lift(env); err != nil {
			return nil, eventError(e, "open", path, err)
		}
	}
	if env.Type == "" {
		return nil, &source.EventError{
			Position: e.Position, Stream: string(env.Stream), Schema: env.Stored, Step: "open",
			Err: errNoType, Advice: "an event without a type has no table; mend it in the store, or leave it out by a view",
		}
	}
	if o.payload.VersionSuffix {
		tv := o.suffixes.split(env.Type)
		env.Type = tv.name
		if tv.version > 0 {
			env.Stored = tv.version
		}
	}
	if env.Stored == 0 {
		env.Stored = 1
	}
	env.SchemaVersion = env.Stored
	return env, nil
}

// lift fills the envelope from payload and metadata. A member that is not
// there, or null, leaves its place empty. On error it names the member.
func (o *Opener) lift(env *Envelope) (string, error) {
	p := &o.payload
	o.text = o.text[:0]
	if d, v := o.value(p.Stream); v != None { // first: it is wanted whatever fails
		env.Stream = o.scalarText(d, v)
	}
	if d, v := o.value(p.Time); v != None {
		t, ok := timeValue(d, v)
		if !ok {
			return placeText(p.Time), errNotTime
		}
		env.Micros, env.HasTime = t.micros, true
	}
	if d, v := o.value(p.SchemaVersion); v != None {
		n, ok := integerValue(d, v)
		if !ok || n < 0 || n > math.MaxInt32 {
			return placeText(p.SchemaVersion), errNotVersion
		}
		env.Stored = int(n)
	}
	if d, v := o.value(p.StreamVersion); v != None {
		n, ok := integerValue(d, v)
		if !ok {
			return placeText(p.StreamVersion), errNotInteger
		}
		env.StreamVersion = n
	}
	if d, v := o.value(p.Type); v != None {
		if d.Kind(v) != ValueString {
			return placeText(p.Type), errNotText
		}
		env.Type = o.names.Name(d.Text(v))
	}
	if d, v := o.value(p.ID); v != None {
		env.ID = o.scalarText(d, v)
	}
	return "", nil
}

// value finds the member at a path, None if it is not there or null.
func (o *Opener) value(p source.Path) (*Document, Value) {
	if p.IsZero() {
		return nil, None
	}
	d := &o.data
	if p.Meta {
		d = &o.meta
	}
	v := d.Get(p.Names...)
	if v != None && d.Kind(v) == ValueNull {
		v = None
	}
	return d, v
}

// timeValue reads a time; one without a zone is taken for UTC.
func timeValue(d *Document, v Value) (instant, bool) {
	if k := d.Kind(v); k != ValueTimestamp && k != ValueString {
		return instant{}, false
	}
	return parseTime(d.Text(v))
}

func integerValue(d *Document, v Value) (int64, bool) {
	switch d.Kind(v) {
	case ValueInteger:
		return parseInt(d.Text(v))
	case ValueString:
		text := d.Text(v)
		if len(text) == 0 {
			return 0, false
		}
		for _, c := range text {
			if c-'0' > 9 {
				return 0, false
			}
		}
		return parseInt(text)
	}
	return 0, false
}

// scalarText is the text of a scalar as a column of text would hold it, and
// JSON text for all else. It is valid until the next event.
func (o *Opener) scalarText(d *Document, v Value) []byte {
	start := len(o.text)
	switch d.Kind(v) {
	case ValueString, ValueInteger, ValueDecimal, ValueTimestamp:
		return d.Text(v)
	case ValueUUID:
		o.text = appendUUID(o.text, d.Text(v))
	default:
		o.text = d.AppendJSON(o.text, v)
	}
	return o.text[start:]
}

// Stream gives the stream of the last event, also where Open has failed after
// it was read; empty if it was not. It is valid until the next Open.
func (o *Opener) Stream() []byte { return o.envelope.Stream }

func eventError(e *source.Event, step, path string, err error) error {
	var advice string
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		advice = "look at the stored bytes; if they are encrypted, compressed or not JSON, say so under source.state"
	} else {
		advice = "look at the event's payload, and at the paths the source's layout names for its envelope"
	}
	return &source.EventError{
		Position: e.Position, Stream: string(e.Stream), Type: e.Type, Schema: e.SchemaVersion,
		Step: step, Path: path, Err: err, Advice: advice,
	}
}

// placeText writes a path into the payload, or with meta in front one into
// the metadata.
func placeText(p source.Path) string {
	if p.Meta {
		return "meta." + pathText(p.Names)
	}
	return pathText(p.Names)
}

// pathText writes a path as messages and config do: names joined by dots.
func pathText(path []string) string { return strings.Join(path, ".") }
