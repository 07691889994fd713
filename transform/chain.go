package transform

import (
	"errors"
	"fmt"
	"strings"

	"backstory/source"
)

// Emit hands an event on. The envelope is borrowed until Emit returns, and
// the steps that follow may have changed it and its documents by then.
type Emit func(e *Envelope) error

// Upcaster turns an event of one schema version into zero or more of the
// next: it changes the envelope it is given, or makes others, and emits
// each result. The chain counts SchemaVersion up; only Retype sets it. An
// error means that the event cannot be upcast, and names the reason; of a
// *source.EventError, Step, Path, Err and Advice are enough. What it says
// stands in _quarantine even where payloads do not: source.Telling makes errors
// whose values can be left out. An error that emit gives is about the event too and is to be returned as it is.
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

// MaxSteps is how many upcasters may follow each other. It stops chains that
// retype in a circle.
const MaxSteps = 1000

// What one event may become: so many results, and so many emitted on the way,
// of which some may be discarded later. It stops chains of splits, of which
// each doubles what there is.
const (
	maxResults = 10_000
	maxEmitted = 1_000_000
)

// A chain runs one event after another through the upcasters. It is for one
// goroutine.
type chain struct {
	p     *Pipeline
	out   Emit
	index int                                   // of the next result of the event
	count int                                   // how many the upcasters have emitted for it
	newer bool                                  // its stored version is above the end of its type's chain
	moved bool                                  // it has met an upcaster
	err   error                                 // the first error of the event, whatever upcasters make of it
	trace func(t Trace, depth int, e *Envelope) // nil but to explain
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
	Event   string `json:"event"`
	Version int    `json:"version"`
	// Repair is the repair's place among those of its version, from 1; 0 for
	// the step to the next version.
	Repair int `json:"repair,omitempty"`
}

// run passes e through the steps and hands each result on, numbered.
func (c *chain) run(e *Envelope) error {
	c.nothing()
	tc := c.p.chains[e.Type]
	c.newer = tc != nil && tc.end > 0 && e.SchemaVersion > tc.end
	if err := c.next(e, 0, 0); c.err == nil {
		return err
	}
	return c.err
}

// nothing is what an event without results leaves.
func (c *chain) nothing() { c.index, c.count, c.moved, c.newer, c.err = 0, 0, false, false, nil }

// next passes e on that has been through so many repairs of its version.
func (c *chain) next(e *Envelope, repaired, depth int) error {
	u, repair, err := c.p.upcaster(e, repaired)
	switch {
	case err != nil:
		return err
	case u == nil && c.index == maxResults:
		return tooMany(maxResults)
	case u == nil:
		e.SubIndex = c.index
		c.index++
		return c.out(e)
	case depth == MaxSteps:
		return &chainError{event: e.Type, passed: MaxSteps}
	case depth == len(c.links):
		c.links = append(c.links, c.newLink(depth+1))
	}
	l := c.links[depth]
	l.event, l.from, l.repair = e.Type, e.SchemaVersion, repair
	c.moved = true
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
		if c.err == nil {
			c.err = c.emitted(l, e)
		}
		return c.err
	}
	return l
}

// emitted takes what the upcaster of a link hands on.
func (c *chain) emitted(l *link, e *Envelope) error {
	switch {
	case e.Data.Root() == None:
		return errNoData
	case e.Data.vast || e.Meta != nil && e.Meta.vast:
		return errVast
	}
	if c.count++; c.count > maxEmitted {
		return tooMany(maxEmitted)
	}
	repaired := 0
	switch {
	case e.versioned:
		e.versioned = false
	case l.repair == 0:
		e.SchemaVersion = l.from + 1
	default: // also of an envelope of the repair's own, which says nothing of it
		e.SchemaVersion = l.from
		if e.Type == l.event {
			repaired = l.repair
		}
	}
	if c.trace != nil {
		c.trace(Trace{Event: l.event, Version: l.from, Repair: l.repair}, l.depth-1, e)
	}
	return c.next(e, repaired, l.depth)
}

// tooMany says that one event becomes more than it may.
func tooMany(limit int) error {
	return &source.EventError{
		Err:    fmt.Errorf("one event becomes more than %d events", limit),
		Advice: "look for upcasters that split what others have split already",
	}
}

var errNoData = errors.New("an upcaster emitted an event without a payload")

// chainError says that a chain has no place for an event.
type chainError struct {
	event                  string
	version, first, passed int
}

func (e *chainError) Error() string {
	if e.passed > 0 {
		return fmt.Sprintf("more than %d steps: the chain does not end", e.passed)
	}
	return fmt.Sprintf("no upcaster leads on from schema version %d of %s: the first takes version %d", e.version, e.event, e.first)
}

// Hint says what to do about the error.
func (e *chainError) Hint() string {
	if e.passed > 0 {
		return "look for upcasters that retype events in a circle"
	}
	return fmt.Sprintf("add an upcaster of %s from: %d", strings.Clone(e.event), e.version)
}
