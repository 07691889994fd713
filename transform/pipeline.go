package transform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"backstory/source"
)

// Rules say how events become rows. As JSON they can be kept, and read back
// by a later program: nothing in them is secret.
type Rules struct {
	// Payload is what the source says of its payloads.
	Payload source.Payload `json:"payload,omitzero"`
	// Options are what the user says of the tables.
	Options Options `json:"options,omitzero"`
	// Mask names the mask that the pipeline was given by WithMask, "" for none.
	// Compile sets it: from what is kept one learns which mask is wanted, not
	// how it is made.
	Mask string `json:"mask,omitempty"`
	// Upcasters are the declarative upcasters as package upcast writes them,
	// kept beside the Options for Compile that were made of them.
	Upcasters json.RawMessage `json:"upcasters,omitempty"`
}

// Option adds to what Rules say.
type Option func(*Pipeline) error

// WithUpcaster adds the step that takes events of a type from one schema
// version to the next. There may be one for each type and version.
func WithUpcaster(event string, from int, u Upcaster) Option {
	return func(p *Pipeline) error {
		pl := p.place(event, from)
		if pl.step != nil {
			return fmt.Errorf("compile upcasters: two steps take %s from schema version %d to %d", event, from, from+1)
		}
		pl.step = u
		c := p.chains[event]
		if c.end == 0 || from < c.first {
			c.first = from
		}
		c.end = max(c.end, from+1)
		return nil
	}
}

// WithRepair adds an upcaster that mends events of a type at one schema
// version, before the step from that version, and leaves the version as it
// is. There may be several: each result of one goes on with the next.
func WithRepair(event string, at int, u Upcaster) Option {
	return func(p *Pipeline) error {
		pl := p.place(event, at)
		pl.repairs = append(pl.repairs, u)
		return nil
	}
}

// Pipeline is compiled rules. It does not change and serves all windows at
// once.
type Pipeline struct {
	rules       Rules
	lifted      lifted
	mask        func(dst, text []byte) []byte // nil where there is none
	chains      map[string]*typeChain
	fingerprint string
	forgotten   forgotten
}

// A typeChain is what is known of how events of one type are upcast.
type typeChain struct {
	first, end int // the lowest version a step takes, and the highest one gives; 0 without steps
	places     map[int]*place
}

// A place is what becomes of events of one type at one schema version.
type place struct {
	repairs []Upcaster
	step    Upcaster // nil where the chain ends
}

// place gives the place of a type and version, which it makes if there is none.
func (p *Pipeline) place(event string, version int) *place {
	c := p.chains[event]
	if c == nil {
		c = &typeChain{places: make(map[int]*place)}
		p.chains[event] = c
	}
	if c.places[version] == nil {
		c.places[version] = &place{}
	}
	return c.places[version]
}

// Compile checks the rules and makes them ready to run.
func Compile(rules Rules, opts ...Option) (*Pipeline, error) {
	if err := rules.Options.check(); err != nil {
		return nil, fmt.Errorf("compile options: %w", err)
	}
	p := &Pipeline{rules: rules, lifted: newLifted(rules.Payload), chains: make(map[string]*typeChain)}
	for _, o := range opts {
		if err := o(p); err != nil {
			return nil, err
		}
	}
	if err := p.checkChains(); err != nil {
		return nil, err
	}
	p.rules.Mask = p.maskName()
	return p, p.sign()
}

// checkChains refuses chains with a hole: a version that no step leads on
// from, below one that has a step.
func (p *Pipeline) checkChains() error {
	for _, event := range slices.Sorted(maps.Keys(p.chains)) {
		c := p.chains[event]
		for v := range c.places {
			if v < 1 {
				return fmt.Errorf("compile upcasters: %s has a step or a repair for schema version %d; versions begin at 1", event, v)
			}
		}
		for v := c.first; v < c.end; v++ {
			if pl := c.places[v]; pl == nil || pl.step == nil {
				return fmt.Errorf("compile upcasters: %s has no step from schema version %d to %d, but one from a later version", event, v, v+1)
			}
		}
	}
	return nil
}

// NewCatalog takes up the tables that were kept, for the pipeline's options.
func (p *Pipeline) NewCatalog(tables []*Table) *Catalog {
	return NewCatalog(p.rules.Options, tables)
}

// NewShapes makes an empty collection for the pipeline's payloads.
func (p *Pipeline) NewShapes() *Shapes {
	s := NewShapes(p.rules.Payload)
	s.options = p.rules.Options
	return s
}

// Ends gives the schema version that upcasting ends at, by event type. Types
// without steps are not among them.
func (p *Pipeline) Ends() map[string]int {
	ends := make(map[string]int)
	for event, c := range p.chains {
		if c.end > 0 {
			ends[event] = c.end
		}
	}
	return ends
}
