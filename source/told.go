package source

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Told is a value of an event as the text of an error tells it. Where payloads
// are not kept, Kind stands in its place.
type Told struct {
	Value string // for people: clipped, and in quotes where it is text
	Kind  string // what it is: a string, an integer
}

// Telling makes an error whose text tells values of the event concerned: those
// of args that are Told. Format and args are fmt.Errorf's else.
func Telling(format string, args ...any) error {
	e := &tellingError{}
	told, untold := make([]any, len(args)), make([]any, len(args))
	for i, arg := range args {
		told[i], untold[i] = arg, arg
		switch arg := arg.(type) {
		case Told:
			told[i], untold[i] = arg.Value, arg.Kind
		case error:
			untold[i], e.cause = errors.New(Untold(arg)), arg
		}
	}
	e.told, e.untold = fmt.Errorf(format, told...).Error(), fmt.Errorf(format, untold...).Error()
	return e
}

// tellingError is an error with and without the values that its text tells.
type tellingError struct {
	told, untold string
	cause        error // or nil
}

func (e *tellingError) Error() string  { return e.told }
func (e *tellingError) Untold() string { return e.untold }
func (e *tellingError) Unwrap() error  { return e.cause }

// Untold gives the text of an error without the values of events that it
// tells. That is what the error's own method Untold gives, or that of the
// first error it wraps which has one; else it is all of the text.
func Untold(err error) string {
	var e interface{ Untold() string }
	if errors.As(err, &e) {
		return e.Untold()
	}
	return err.Error()
}

// Discreet gives the error without the values that its reason tells.
func (e *EventError) Discreet() *EventError {
	discreet := *e
	discreet.Err = errors.New(Untold(e.Err))
	return &discreet
}

// Clip shortens a text to what people want to read of it in a message.
func Clip[T ~string | ~[]byte](text T) string {
	const most = 60 // bytes
	if len(text) <= most {
		return string(text)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return string(text[:end]) + "..."
}
