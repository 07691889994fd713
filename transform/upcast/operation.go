package upcast

import (
	"fmt"

	"backstory/transform"
)

// Operation is one declarative step of an upcaster. One Operation serves all
// windows at once and keeps no state; what it needs for one event it takes
// from the Scope.
type Operation interface {
	// Apply changes the event in place. An error means that the event cannot
	// be upcast; it names the path concerned (see pathError).
	Apply(s *Scope) error
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
	// discard is set by the operation of that name.
	discard bool
}

// field operations and those on the whole event, by the key that names them
// in a rule. A new operation is a file of its own and a line here.
var operations = []struct {
	name string
	// compile reads what stands behind the key. It notes problems with c and
	// may give nil then.
	compile func(c *compiler, arg *Node) Operation
}{
	// {"rename", compileRename},
}

// Problem is one thing that is wrong with rules.
type Problem struct {
	// Line and Column are those of the Node concerned.
	Line, Column  int
	Message, Hint string
}

func (p *Problem) Error() string { return p.Message }

// A compiler makes operations of nodes and notes every problem.
type compiler struct {
	options  Options
	problems []Problem
	// inEach says that what is compiled stands inside each:, where meta. and
	// operations on the whole event have no place.
	inEach bool
}

// fail notes a problem at a node; format and args are fmt.Errorf's.
func (c *compiler) fail(at *Node, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...), Hint: hint})
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
