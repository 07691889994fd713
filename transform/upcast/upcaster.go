package upcast

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"backstory/source"
	"backstory/transform"
	"backstory/transform/expression"
)

// An upcaster does what one rule says. It is a transform.Ruled.
type upcaster struct {
	event   string
	version int  // that it takes events of
	repair  bool // the version stays
	when    *expression.Program
	steps   []Operation
	names   []string // of the steps
	text    string   // canonical JSON of the rule, with a hash of the mask key where it masks
	targets []string
}

var scopes = sync.Pool{New: func() any { return new(Scope) }}

// Upcast emits what the rule makes of an event.
func (u *upcaster) Upcast(e *transform.Envelope, emit transform.Emit) error {
	return u.run(e, emit, nil)
}

// Rule is the rule's text, without what has no part in the outcome.
func (u *upcaster) Rule() string { return u.text }

// Targets are the event types that retype and split name.
func (u *upcaster) Targets() []string { return u.targets }

// run upcasts under the eyes of w, nil but in examples.
func (u *upcaster) run(e *transform.Envelope, emit transform.Emit, w *witness) error {
	s := scopes.Get().(*Scope)
	s.begin(e, emit, w)
	if err := u.change(s); err != nil {
		scopes.Put(s)
		return err
	}
	var err error
	switch {
	case s.discard:
	case s.split != nil:
		err = u.split(s)
	default:
		w.emitting(s)
		scopes.Put(s) // the steps that follow can use it
		return emit(e)
	}
	scopes.Put(s)
	return err
}

// change applies the operations to the event in scope.
func (u *upcaster) change(s *Scope) error {
	if u.when != nil {
		ok, err := s.holds(u.when)
		if err != nil {
			return u.fail(u.String()+", when", err)
		}
		if !ok {
			return nil
		}
	}
	for i, o := range u.steps {
		if err := o.Apply(s); err != nil {
			return u.fail(u.place(i), err)
		}
		if s.discard {
			return nil
		}
	}
	return nil
}

// String names the rule: Cart.ItemAdded from 1.
func (u *upcaster) String() string { return ruleName(u.event, u.version, u.repair) }

func ruleName(event string, version int, repair bool) string {
	if repair {
		return fmt.Sprintf("%s at %d", event, version)
	}
	return fmt.Sprintf("%s from %d", event, version)
}

// place names an operation of the rule, which counts from 0.
func (u *upcaster) place(i int) string {
	return fmt.Sprintf("%s, operation %d (%s)", u, i+1, u.names[i])
}

// fail says where and why an event cannot be upcast. The chain adds which
// event it is.
func (u *upcaster) fail(where string, err error) error {
	ee := &source.EventError{
		Step: "upcast " + where, Err: err,
		Advice: fmt.Sprintf("mend such events by a repair (at: %d, when: ...), or let the operation allow for them", u.version),
	}
	var p *pathError
	if errors.As(err, &p) {
		ee.Path, ee.Err = p.path, p.err
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		ee.Advice = cmp.Or(h.Hint(), ee.Advice)
	}
	return ee
}

// hinted gives an error a hint.
func hinted(err error, hint string) error { return &hintedError{err, hint} }

// hintedError is an error that knows what to do about it.
type hintedError struct {
	err  error
	hint string
}

func (e *hintedError) Error() string { return e.err.Error() }
func (e *hintedError) Unwrap() error { return e.err }
func (e *hintedError) Hint() string  { return e.hint }
