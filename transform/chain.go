package transform

import "strings"

// Emit hands an event on. The envelope is borrowed until Emit returns, and
// the steps that follow may have changed it and its documents by then.
type Emit func(e *Envelope) error

// Upcaster turns an event of one schema version into zero or more of the
// next: it changes the envelope it is given, or makes others, and emits
// each result. The chain counts SchemaVersion up; only Retype sets it. An
// error means that the event cannot be upcast, and names the reason.
//
// One Upcaster serves all windows at once and so must not keep state.
type Upcaster interface {
	Upcast(e *Envelope, emit Emit) error
}

// UpcasterFunc is an Upcaster that is a function.
type UpcasterFunc func(e *Envelope, emit Emit) error

// Upcast calls f.
func (f UpcasterFunc) Upcast(e *Envelope, emit Emit) error { return f(e, emit) }

// Ruled is an Upcaster that is made of a text and does what it says.
type Ruled interface {
	Upcaster
	// Rule is the text, with all that the outcome depends on: it is a part of
	// the fingerprint.
	Rule() string
	// Targets are the event types it may make of an event, besides its own.
	Targets() []string
}

// maxSteps is how many upcasters may follow each other. It stops chains that
// retype in a circle.
const maxSteps = 1000

// A chain runs one event after another through the upcasters. It is for one
// goroutine.
type chain struct {
	p     *Pipeline
	out   Emit
	trace func(Trace, *Envelope) // nil but to explain
	index int                    // of the next result of the event
	newer bool                   // its stored version is above the end of its type's chain
	links []*link
}

// A link is a place in the chain: its emit takes what the upcaster there
// hands on. Links are kept, so that upcasting allocates nothing an event.
type link struct {
	depth  int    // steps above and with this one
	event  string // type and version of what the upcaster takes
	from   int
	repair int // which repair it is, from 1; 0 for the step
	emit   Emit
}

// Trace says which upcaster an event comes out of.
type Trace struct {
	// Event and Version are what it took.
	Event   string
	Version int
	// Repair is the repair's place among those of its version, from 1; 0 for
	// the step to the next version.
	Repair int
}

// run passes e through the steps and hands each result on, numbered.
func (c *chain) run(e *Envelope) error {
	c.index = 0
	tc := c.p.chains[e.Type]
	c.newer = tc != nil && tc.end > 0 && e.SchemaVersion > tc.end
	return c.next(e, 0, 0)
}

// next passes e on that has been through so many repairs of its version.
func (c *chain) next(e *Envelope, repaired, depth int) error {
	u, repair, err := c.p.upcaster(e, repaired)
	switch {
	case err != nil:
		return err
	case u == nil:
		e.SubIndex = c.index
		c.index++
		return c.out(e)
	case depth == maxSteps:
		return &chainError{event: e.Type, passed: maxSteps}
	case depth == len(c.links):
		c.links = append(c.links, c.newLink(depth+1))
	}
	l := c.links[depth]
	l.event, l.from, l.repair = e.Type, e.SchemaVersion, repair
	return u.Upcast(e, l.emit)
}

// upcaster gives what an event is to pass next, nil at the end of the chain,
// and which repair it is, 0 for a step.
func (p *Pipeline) upcaster(e *Envelope, repaired int) (Upcaster, int, error) {
	tc := p.chains[e.Type]
	if tc == nil {
		return nil, 0, nil
	}
	pl := tc.places[e.SchemaVersion]
	switch {
	case pl != nil && repaired < len(pl.repairs):
		return pl.repairs[repaired], repaired + 1, nil
	case pl != nil && pl.step != nil:
		return pl.step, 0, nil
	case tc.end > 0 && e.SchemaVersion < tc.first:
		return nil, 0, &chainError{event: strings.Clone(e.Type), version: e.SchemaVersion, first: tc.first}
	}
	return nil, 0, nil
}

func (c *chain) newLink(depth int) *link {
	l := &link{depth: depth}
	l.emit = func(e *Envelope) error {
		if e.Data.Root() == None {
			return errNoData
		}
		repaired := 0
		switch {
		case e.versioned:
			e.versioned = false
		case l.repair == 0:
			e.SchemaVersion = l.from + 1
		case e.Type == l.event:
			repaired = l.repair
		}
		if c.trace != nil {
			c.trace(Trace{Event: l.event, Version: l.from, Repair: l.repair}, e)
		}
		return c.next(e, repaired, l.depth)
	}
	return l
}
