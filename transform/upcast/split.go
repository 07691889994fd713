package upcast

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"backstory/transform"
	"backstory/transform/expression"
)

// split makes several events of one:
//
//	split:
//	  - {when: data.shipped, type: Order.Shipped, version: 1, do: [{keep: [address]}]}
//	  - {type: Order.Placed}
//
// Each part whose condition holds, or that has none, gets a copy of the event
// of its own and changes that; parts do not see each other. An event to which
// no part applies cannot be upcast. Without type a part is of the same type,
// and without version the version goes on as it does without split.
type split struct{ parts []part }

type part struct {
	when    *expression.Program // nil for always
	event   string              // "" for the same
	version int                 // 0 where the rule does not say

	operations []Operation
	names      []string // of the operations
}

const splitHint = "write a list of parts, such as - {when: EXPRESSION, type: NAME, version: N, do: [...]}"

func compileSplit(c *compiler, arg *Node) Operation {
	if arg.Kind != List || len(arg.Values) == 0 {
		c.fail(arg, splitHint, "want a list of parts, got %s", arg.describe())
		return nil
	}
	c.inSplit = true
	defer func() { c.inSplit = false }()
	s := &split{parts: make([]part, len(arg.Values))}
	before := len(c.problems)
	for i := range arg.Values {
		c.part(&s.parts[i], &arg.Values[i])
	}
	if len(c.problems) > before {
		return nil
	}
	return s
}

func (c *compiler) part(p *part, n *Node) {
	if n.Kind != Map || len(n.Keys) == 0 {
		c.fail(n, splitHint, "want a part with keys, got %s", n.describe())
		return
	}
	c.known(n, "when", "type", "version", "do")
	if when := n.Member("when"); when != nil {
		p.when = c.condition(when)
	}
	if typ := n.Member("type"); typ != nil {
		p.event = c.name(typ, splitHint)
	}
	if version := n.Member("version"); version != nil {
		p.version = c.schemaVersion(version)
	}
	if do := n.Member("do"); do != nil {
		p.operations, p.names = c.operations(do), operationNames(do)
	}
	c.rule.parts = append(c.rule.parts, outcome{p.event, p.version, n})
}

// Apply leaves it to the upcaster to emit the parts, as no operation follows.
func (o *split) Apply(s *Scope) error {
	s.split = o
	return nil
}

// A copied is an event of its own, made of another.
type copied struct {
	scope      Scope
	event      transform.Envelope
	data, meta transform.Document
}

var copies = sync.Pool{New: func() any { return new(copied) }}

// maxPooled is the most bytes of a document that is kept for the next event:
// beyond, one large event would be remembered for good.
const maxPooled = 1 << 20

// free gives a copy back for the next event.
func (c *copied) free() {
	if c.data.Held()+c.meta.Held() > maxPooled {
		return
	}
	// What they borrowed is let go of.
	c.data.Reset()
	c.meta.Reset()
	c.event, c.scope = transform.Envelope{}, Scope{}
	copies.Put(c)
}

var errNoPart = hinted(
	errors.New("none of its parts applies"),
	"add a part without when, or put a discard in front that says which events become nothing",
)

// split emits the parts of the event in scope.
func (u *upcaster) split(s *Scope) error {
	none := true
	for i := range s.split.parts {
		p := &s.split.parts[i]
		if p.when != nil {
			ok, err := s.holds(p.when)
			if err != nil {
				return u.fail(fmt.Sprintf("%s, part %d, when", u.place(len(u.steps)-1), i+1), err)
			}
			if !ok {
				continue
			}
		}
		none = false
		if err := u.part(s, p, i); err != nil {
			return err
		}
	}
	if none {
		return u.fail(u.place(len(u.steps)-1), errNoPart)
	}
	return nil
}

// part emits one part, made of a copy of the event.
func (u *upcaster) part(s *Scope, p *part, i int) error {
	c := copies.Get().(*copied)
	defer c.free()
	c.event = *s.Event
	c.data.CopyFrom(s.Event.Data)
	c.event.Data = &c.data
	if s.Event.Meta != nil {
		c.meta.CopyFrom(s.Event.Meta)
		c.event.Meta = &c.meta
	}
	c.scope.begin(&c.event, s.emit, s.witness)
	c.scope.version = s.version
	for k, o := range p.operations {
		if err := o.Apply(&c.scope); err != nil {
			where := fmt.Sprintf("%s, part %d, operation %d (%s)", u.place(len(u.steps)-1), i+1, k+1, p.names[k])
			return u.fail(where, err)
		}
	}
	if p.event != "" || p.version > 0 {
		c.event.Retype(cmp.Or(p.event, c.event.Type), p.version)
		c.scope.version = cmp.Or(p.version, s.version)
	}
	s.witness.emitting(&c.scope)
	return s.emit(&c.event)
}
