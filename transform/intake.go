package transform

import (
	"errors"
	"strings"

	"backstory/source"
)

// An intake takes in stored events: it makes envelopes of them and passes
// them through the upcasters. It is for one goroutine.
type intake struct {
	opener  *Opener
	chain   chain
	forgets *Forgetter
	// forgotten says that the last event is of a stream that is forgotten.
	forgotten bool
}

func (p *Pipeline) newIntake(out Emit) *intake {
	return &intake{opener: newOpener(p.lifted), chain: chain{p: p, out: out}, forgets: p.NewForgetter()}
}

// take passes on what an event becomes, and tells why it failed. An event of a
// stream that is forgotten becomes nothing, also if it fails.
func (in *intake) take(e *source.Event) *source.EventError {
	env, err := in.opener.Open(e)
	if in.forgotten = in.forgets.Forgets(in.opener.Stream()); in.forgotten {
		in.chain.nothing()
		return nil
	}
	if err != nil {
		return complete(err, e.Position, e.Stream, e.Type, e.SchemaVersion)
	}
	// The upcasters may change the envelope; an error is about the event.
	typ, stream, schema := env.Type, env.Stream, env.Stored
	if err := in.chain.run(env); err != nil {
		return complete(err, e.Position, stream, typ, schema)
	}
	return nil
}

// complete makes an error one about an event. What an upcaster or the source
// says of it already stays.
func complete(err error, at source.Position, stream []byte, event string, schema int) *source.EventError {
	var given *source.EventError
	if !errors.As(err, &given) {
		given = &source.EventError{Err: err, Advice: adviceOf(err)}
	}
	ee := *given
	if ee.Position.IsZero() {
		ee.Position = at
	}
	if ee.Stream == "" {
		ee.Stream = string(stream)
	}
	if ee.Type == "" {
		ee.Type = strings.Clone(event)
	}
	if ee.Schema == 0 {
		ee.Schema = schema
	}
	if ee.Step == "" {
		ee.Step = "upcast"
	}
	return &ee
}

// adviceOf gives the hint that an error carries, or "".
func adviceOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
