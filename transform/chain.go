package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"backstory/source"
)

// Emit hands an event on. The envelope is borrowed until Emit returns, and
// the steps that follow may have changed it and its documents by then.
type Emit func(e *Envelope) error

// Upcaster turns an event of one schema version into zero or more of the
// next: it changes the envelope it is given, or makes others, and emits
// each result. It does not set SchemaVersion; the chain does. An error means
// that the event cannot be upcast, and names the reason.
//
// One Upcaster serves all windows at once and so must not keep state.
type Upcaster interface {
	Upcast(e *Envelope, emit Emit) error
}

// UpcasterFunc is an Upcaster that is a function.
type UpcasterFunc func(e *Envelope, emit Emit) error

// Upcast calls f.
func (f UpcasterFunc) Upcast(e *Envelope, emit Emit) error { return f(e, emit) }

// Rules say how events become rows.
type Rules struct {
	// Payload is what the source says of its payloads.
	Payload source.Payload
	// Options are what the user says of the tables.
	Options Options
}

// Option adds to what Rules say.
type Option func(*Pipeline) error

// WithUpcaster adds the step that takes events of a type from one schema
// version to the next. There may be one for each type and version.
func WithUpcaster(event string, from int, u Upcaster) Option {
	return func(p *Pipeline) error {
		k := step{event, from}
		if _, ok := p.steps[k]; ok {
			return fmt.Errorf("compile upcasters: two steps take %s from schema version %d to %d", event, from, from+1)
		}
		p.steps[k] = u
		return nil
	}
}

type step struct {
	event string
	from  int
}

// maxSteps is how many upcasters may follow each other. It stops chains that
// retype in a circle.
const maxSteps = 1000

// Pipeline is compiled rules. It does not change and serves all windows at
// once.
type Pipeline struct {
	rules       Rules
	lifted      lifted
	steps       map[step]Upcaster
	fingerprint string
}

// Compile checks the rules and makes them ready to run.
func Compile(rules Rules, opts ...Option) (*Pipeline, error) {
	p := &Pipeline{rules: rules, lifted: newLifted(rules.Payload), steps: make(map[step]Upcaster)}
	for _, o := range opts {
		if err := o(p); err != nil {
			return nil, err
		}
	}
	if err := p.checkChains(); err != nil {
		return nil, err
	}
	return p, p.sign()
}

// checkChains refuses chains with a hole: a version that no step leads on
// from, below one that has a step.
func (p *Pipeline) checkChains() error {
	for _, k := range p.sortedSteps() {
		if k.from < 1 {
			return fmt.Errorf("compile upcasters: %s has a step from schema version %d; versions begin at 1", k.event, k.from)
		}
		lower := false
		for o := range p.steps {
			lower = lower || o.event == k.event && o.from < k.from
		}
		if _, ok := p.steps[step{k.event, k.from - 1}]; lower && !ok {
			return fmt.Errorf("compile upcasters: %s has no step from schema version %d to %d, but one from %d", k.event, k.from-1, k.from, k.from)
		}
	}
	return nil
}

func (p *Pipeline) sortedSteps() []step {
	return slices.SortedFunc(maps.Keys(p.steps), func(a, b step) int {
		if a.event != b.event {
			if a.event < b.event {
				return -1
			}
			return 1
		}
		return a.from - b.from
	})
}

// sign makes the fingerprint from all that decides what rows come out. What
// is not set has no part in it, so that an option of a later version does not
// change the fingerprints of those who do not use it.
func (p *Pipeline) sign() error {
	type signed struct {
		Options Options        `json:"options,omitzero"`
		Payload source.Payload `json:"payload,omitzero"`
		Steps   []string       `json:"steps,omitzero"`
	}
	s := signed{Options: p.rules.Options, Payload: p.rules.Payload}
	for _, k := range p.sortedSteps() {
		s.Steps = append(s.Steps, fmt.Sprintf("%s %d %T", k.event, k.from, p.steps[k]))
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("sign rules: %w", err)
	}
	sum := sha256.Sum256(text)
	p.fingerprint = hex.EncodeToString(sum[:8])
	return nil
}

// Fingerprint names the rules: it changes when rows of the same events could
// come out differently, but for Go upcasters, of which it only knows the type:
// give a changed one a type of another name.
func (p *Pipeline) Fingerprint() string { return p.fingerprint }

// NewCatalog takes up the tables that were kept, for the pipeline's options.
func (p *Pipeline) NewCatalog(tables []*Table) *Catalog {
	return NewCatalog(p.rules.Options, tables)
}

// NewShapes makes an empty collection for the pipeline's payloads.
func (p *Pipeline) NewShapes() *Shapes { return NewShapes(p.rules.Payload) }

// A chain runs one event after another through the upcasters. It is for one
// goroutine.
type chain struct {
	p     *Pipeline
	out   Emit
	index int // of the next result of the event
	links []*link
}

// A link is a place in the chain: its emit takes what the upcaster there
// hands on. Links are kept, so that upcasting allocates nothing an event.
type link struct {
	depth int // steps above and with this one
	from  int // schema version the upcaster takes
	emit  Emit
}

// run passes e through the steps and hands each result on, numbered.
func (c *chain) run(e *Envelope) error {
	c.index = 0
	return c.next(e, 0)
}

func (c *chain) next(e *Envelope, depth int) error {
	u, ok := c.p.steps[step{e.Type, e.SchemaVersion}]
	if !ok {
		e.SubIndex = c.index
		c.index++
		return c.out(e)
	}
	if depth == maxSteps {
		return fmt.Errorf("more than %d steps: the chain does not end", maxSteps)
	}
	if depth == len(c.links) {
		c.links = append(c.links, c.newLink(depth+1))
	}
	l := c.links[depth]
	l.from = e.SchemaVersion
	return u.Upcast(e, l.emit)
}

func (c *chain) newLink(depth int) *link {
	l := &link{depth: depth}
	l.emit = func(e *Envelope) error {
		if e.Data.Root() == None {
			return errNoData
		}
		e.SchemaVersion = l.from + 1
		return c.next(e, l.depth)
	}
	return l
}

var errNoData = errors.New("an upcaster emitted an event without a payload")
