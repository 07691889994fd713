package upcast

import (
	"fmt"

	"backstory/transform"
	"backstory/transform/expression"
)

// Operation is one declarative step of an upcaster. One Operation serves all
// windows at once and keeps no state; what it needs for one event it takes
// from the Scope.
//
// An Operation that works on fields also has a method
//
//	reads() []string
//
// that gives the paths, as the rule writes them, of the fields it expects to
// be there (see reader). It need not look after strict rules beyond that: the
// compiler puts a check in front of it.
type Operation interface {
	// Apply changes the event in place. An error means that the event cannot
	// be upcast; it names the path concerned (see pathError).
	Apply(s *Scope) error
}

// operationKind is a kind of operation, by the key that names it in a rule.
type operationKind struct {
	name string
	// compile reads what stands behind the key. It notes problems with c and
	// may give nil then.
	compile func(c *compiler, arg *Node) Operation
}

// operationKinds lists all operations. A new one is a file of its own and a
// line here. (It is a function because some operations hold others.)
func operationKinds() []operationKind {
	return []operationKind{
		// On fields.
		{"rename", compileRename},
		{"move", compileMove},
		{"copy", compileCopy},
		{"drop", compileDrop},
		{"keep", compileKeep},
		{"default", compileDefault},
		{"set", compileSet},
		{"cast", compileCast},
		{"map", compileMap},
		{"parse", compileParse},
		{"each", compileEach},
		{"mask", compileMask},
		// On the whole event; see onEvent.
		{"retype", compileRetype},
		{"split", compileSplit},
		{"discard", compileDiscard},
	}
}

// onEvent tells whether an operation concerns the whole event, and so has no
// place inside each and split.
func onEvent(name string) bool {
	return name == "retype" || name == "split" || name == "discard"
}

// Scope is what operations work on: an event, or inside each: an element of
// one of its lists.
type Scope struct {
	Event *transform.Envelope
	// Doc and Root are where paths begin, the payload and its root; inside
	// each: the payload or metadata and an element. Paths behind meta. begin at
	// the root of Event.Meta.
	Doc  *transform.Document
	Root transform.Value
	// List is the list that Root is an element of, None outside of each.
	List transform.Value

	emit    transform.Emit
	discard bool   // the event becomes nothing
	split   *split // what the event becomes is left to it
	version int    // what retype says of the schema version, 0 for nothing
	env     expression.Env
	witness *witness // nil but in examples
}

// begin makes s the scope of a whole event.
func (s *Scope) begin(e *transform.Envelope, emit transform.Emit, w *witness) {
	*s = Scope{
		Event: e, Doc: e.Data, Root: e.Data.Root(), List: transform.None,
		emit: emit, witness: w,
	}
}

// expression gives what expressions see of the scope. It is valid until the
// next call.
func (s *Scope) expression() *expression.Env {
	s.env = expression.Env{Event: s.Event, Doc: s.Doc, Root: s.Root}
	return &s.env
}

// pathError is an event that an operation cannot change.
type pathError struct {
	operation, path string
	err             error
}

func (e *pathError) Error() string {
	return fmt.Sprintf("%s %s: %v", e.operation, e.path, e.err)
}

func (e *pathError) Unwrap() error { return e.err }
