package layout

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"backstory/source"
)

// ErrState is wrapped by the error of Probe: the events are stored in another
// way than State says.
var ErrState = errors.New("the events are stored in another way than state says")

// stateError is an error that is ErrState too.
type stateError struct{ error }

func (e stateError) Unwrap() error { return e.error }

func (stateError) Is(target error) bool { return target == ErrState }

// Probe reads the events at two positions, the first and the last of a
// store, and returns a setup error when neither is JSON text: then it is the
// configuration that is wrong, and not an event.
func Probe(ctx context.Context, s source.Source, state State, first, last int64) error {
	var firstErr error
	for _, p := range []int64{first, last} {
		err := errNoEvent
		window := source.Window{After: source.Position{Seq: p - 1}, Through: source.Position{Seq: p}}
		readErr := s.Read(ctx, window, func(e *source.Event) error {
			err = state.check(e)
			return nil
		})
		if readErr != nil {
			return readErr
		}
		if err == nil || errors.Is(err, errNoEvent) {
			return nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return firstErr
}

// errNoEvent is an event that is gone since its position was read.
var errNoEvent = errors.New("no event")

// check tells what is wrong with the state as configured, judging by e.
func (s *State) check(e *source.Event) error {
	if e.Err != nil {
		if e.Err.Step != "decrypt" && e.Err.Step != "decompress" {
			return nil
		}
		return source.Setup(s.decodeAdvice(e.Err.Step), "read the first events: %w", stateError{e.Err})
	}
	data := bytes.TrimLeft(e.Data, " \t\r\n")
	if len(data) == 0 || data[0] == '{' || data[0] == '[' {
		return nil
	}
	hint := "only JSON payloads can be read; if they are encrypted, set state: {cipher: aes-gcm, key: ...}"
	if data[0] == 0x78 && s.Compress == "" {
		hint = "this looks like zlib: set state: {compress: zlib}"
	}
	return source.Setup(hint, "read the first events: %w",
		stateError{fmt.Errorf("the data of event %s is not a JSON object", e.Position)})
}

func (s *State) decodeAdvice(step string) string {
	if step == "decrypt" {
		return "check that state.key is the application's CIPHER_KEY, and that the store is encrypted at all"
	}
	if s.Cipher == "" {
		return "leave state.compress out if the store is not compressed, or add state.cipher if it is encrypted"
	}
	return "leave state.compress out if the store is only encrypted"
}
