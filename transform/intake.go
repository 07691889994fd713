package transform

import (
	"errors"
	"strings"

	"backstory/source"
)

// An intake takes in stored events: it makes envelopes of them and passes
// them through the upcasters. It is for one goroutine.
type intake struct {
	opener *opener
	chain  chain
}

func (p *Pipeline) newIntake(out Emit) *intake {
	return &intake{opener: newOpener(p.lifted), chain: chain{p: p, out: out}}
}

// take passes on what an event becomes. An error is a *source.EventError, or
// what out returned where that is marked as a writeError.
func (in *intake) take(e *source.Event) error {
	if e.Err != nil {
		return e.Err
	}
	env, err := in.opener.open(e)
	if err != nil {
		return err
	}
	// The upcasters may change the envelope; an error is about the event.
	typ, stream, schema := env.Type, env.Stream, env.Stored
	if err := in.chain.run(env); err != nil {
		var w *writeError
		if errors.As(err, &w) {
			return w.err
		}
		var ee *source.EventError
		if errors.As(err, &ee) {
			return err
		}
		return &source.EventError{
			Position: e.Position, Stream: string(stream), Type: strings.Clone(typ), Schema: schema,
			Step: "upcast", Err: err, Advice: adviceOf(err),
		}
	}
	return nil
}

// writeError tells an error of what takes the rows from one of an upcaster.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// adviceOf gives the hint that an error carries, or "".
func adviceOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
