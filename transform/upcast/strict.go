package upcast

import (
	"errors"
	"strings"

	"backstory/transform"
	"backstory/transform/expression"
)

// A reader is an Operation on fields that it expects to be there.
type reader interface {
	// reads gives their paths as the rule writes them. A field that may well
	// be missing, such as that of default, is not among them.
	reads() []string
}

// A read is a field that an operation or expression of a strict rule reads.
type read struct {
	path  path
	whole bool  // the path begins at the event, though inside each
	node  *Node // of the operation or expression
}

// find tells whether the field is there.
func (r *read) find(s *Scope) (bool, error) {
	if r.whole && s.List != transform.None {
		s = &Scope{Event: s.Event, Doc: s.Event.Data, Root: s.Event.Data.Root(), List: transform.None}
	}
	pl, err := r.path.find(s)
	return pl.at != transform.None, err
}

// strictly is an operation of a strict rule: an event in which none of the
// fields is there that it works on cannot be upcast.
type strictly struct {
	Operation
	name   string
	fields []*read
}

var errNoField = errors.New("there is no such field")

func (o *strictly) Apply(s *Scope) error {
	found := false
	for _, f := range o.fields {
		ok, err := f.find(s)
		if err != nil {
			return &pathError{o.name, f.path.text, err}
		}
		if ok {
			found = true
			s.witness.saw(f)
		}
	}
	if !found {
		return &pathError{o.name, o.fields[0].path.text, hinted(errNoField, "the rule is strict; mend such events by a repair in front of it, or leave strict out")}
	}
	return o.Operation.Apply(s)
}

// check puts the check of a strict rule in front of an operation on fields.
func (c *compiler) check(key *Node, o Operation) Operation {
	r, ok := o.(reader)
	if !ok {
		return o
	}
	s := &strictly{Operation: o, name: key.Text}
	for _, text := range r.reads() {
		if p, _, err := parsePath(text); err == nil {
			s.fields = append(s.fields, &read{path: p, node: key})
		}
	}
	if len(s.fields) == 0 {
		return o
	}
	c.rule.reads = append(c.rule.reads, s.fields...)
	return s
}

// checkExpression notes what an expression of a strict rule reads.
func (c *compiler) checkExpression(n *Node, e *expression.Program) {
	for _, text := range e.Fields() {
		r := &read{node: n}
		if rest, ok := strings.CutPrefix(text, "it"); ok && c.inEach && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			text = "$" + rest
		} else {
			r.whole = true
		}
		var err error
		if r.path, _, err = parsePath(text); err == nil && len(r.path.steps) > 0 {
			c.rule.reads = append(c.rule.reads, r)
			c.rule.expressions[e] = append(c.rule.expressions[e], r)
		}
	}
}

// A witness watches a rule at work on its examples. The nil witness, of real
// events, sees nothing.
type witness struct {
	rule *rule
	seen map[*read]bool
	// version is what retype or split said of the version of the event that is
	// emitted, 0 for nothing.
	version int
}

func (w *witness) saw(r *read) {
	if w != nil {
		w.seen[r] = true
	}
}

// read notes which fields were there that an expression read.
func (w *witness) read(s *Scope, e *expression.Program) {
	if w == nil {
		return
	}
	for _, r := range w.rule.expressions[e] {
		if ok, err := r.find(s); ok && err == nil {
			w.seen[r] = true
		}
	}
}

// emitting notes that the event in scope is emitted next.
func (w *witness) emitting(s *Scope) {
	if w != nil {
		w.version = s.version
	}
}

// checkReads notes the fields that a strict rule reads and no example has.
func (c *compiler) checkReads(r *rule, w *witness) {
	for _, f := range r.reads {
		if !w.seen[f] {
			c.fail(f.node, "mend the path, or add an example that has the field; without strict: true none is wanted",
				"unknown field %s: the rule is strict, and none of its examples has it", f.path.text)
		}
	}
}
