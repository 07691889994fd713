package survey

import (
	"errors"
	"slices"

	"backstory/source"
	"backstory/transform"
)

// maxTypes is how many pairs of event type and schema version are told apart.
const maxTypes = 2000

// Survey is what was seen of a history. It is for one goroutine.
type Survey struct {
	lifted     []source.Path
	types      map[string]*eventType
	order      []*eventType
	groups     int
	paths      int
	shapes     int
	examples   int // bytes
	parts      []part
	events     int64
	passed     int64 // events of types beyond maxTypes
	failed     int64
	firstError *source.EventError
}

// An eventType is what was seen of the events of one type.
type eventType struct {
	event  string
	events int64
	groups []*group // one a schema version, in the order of their first event
}

// A group is what was seen of the events of one type and schema version.
type group struct {
	event   string
	version int
	events  int64
	// eras are numbered by the events of the type: they tell how versions
	// follow each other.
	eras       eras
	data, meta *scope
}

// New makes an empty survey of events whose payloads are of that form.
func New(p source.Payload) *Survey {
	s := &Survey{types: make(map[string]*eventType)}
	for _, path := range []source.Path{p.ID, p.Stream, p.StreamVersion, p.Type, p.SchemaVersion, p.Time} {
		if !path.IsZero() {
			s.lifted = append(s.lifted, path)
		}
	}
	for _, name := range p.Repeats {
		s.lifted = append(s.lifted, source.Path{Names: []string{name}})
	}
	return s
}

// Take opens an event and observes it, or counts it as failed. It keeps
// nothing of the event but a few samples. It never fails; the error is for a
// Source to call it.
func (s *Survey) Take(o *transform.Opener, e *source.Event) error {
	env, err := o.Open(e)
	if err == nil {
		s.Observe(env)
		return nil
	}
	var failed *source.EventError
	if !errors.As(err, &failed) {
		failed = &source.EventError{Position: e.Position, Stream: string(e.Stream), Type: e.Type, Step: "open", Err: err}
	}
	s.Fail(failed)
	return nil
}

// Observe takes in an event as it is stored, of which it keeps nothing but a
// few samples. Events come in the order of their positions.
func (s *Survey) Observe(e *transform.Envelope) {
	s.events++
	t, g := s.group(e.Type, e.Stored)
	if g == nil {
		s.passed++
		return
	}
	at := place{e.Position, noTime}
	if e.HasTime {
		at.micros = e.Micros
	}
	t.events++
	g.eras.add(t.events, at)
	g.events++
	if root := e.Data.Root(); root != transform.None {
		if sh := s.observe(g.data, e.Data, root, g.events, at); sh != nil && len(g.data.order) <= shapeExamples {
			s.keepExample(g, sh, e.Data)
		}
	}
	if root := e.Meta.Root(); root != transform.None {
		if g.meta == nil {
			g.meta = s.newRoot(true)
		}
		s.observe(g.meta, e.Meta, root, g.events, at)
	}
}

// Fail counts an event that could not be opened, and keeps the first error.
func (s *Survey) Fail(err *source.EventError) {
	s.failed++
	if s.firstError == nil {
		s.firstError = err
	}
}

// group gives the group of a type and version, made where there is none, or
// nil where there are too many.
func (s *Survey) group(event string, version int) (*eventType, *group) {
	t := s.types[event]
	if t != nil {
		for _, g := range t.groups {
			if g.version == version {
				return t, g
			}
		}
	}
	if s.groups >= maxTypes || s.paths >= maxPaths {
		return nil, nil
	}
	if t == nil {
		t = &eventType{event: event}
		s.types[event] = t
		s.order = append(s.order, t)
	}
	s.groups++
	g := &group{event: event, version: version, data: s.newRoot(false)}
	t.groups = append(t.groups, g)
	return t, g
}

func (s *Survey) newRoot(meta bool) *scope {
	sc := s.newScope(nil)
	for _, p := range s.lifted {
		if p.Meta == meta {
			sc.lifted = append(sc.lifted, p.Names)
		}
	}
	return sc
}

// Merge adds what o has seen, whose events come behind those of s; o is not
// to be used any more.
func (s *Survey) Merge(o *Survey) {
	s.events += o.events
	s.passed += o.passed
	s.failed += o.failed
	if s.firstError == nil {
		s.firstError = o.firstError
	}
	for _, t := range o.order {
		before := int64(0)
		if mine := s.types[t.event]; mine != nil {
			before = mine.events
		}
		for _, g := range t.groups {
			all, mine := s.group(t.event, g.version)
			if mine == nil {
				s.passed += g.events
				continue
			}
			all.events += g.events
			mine.eras.merge(&g.eras, before)
			shift := mine.events
			mine.events += g.events
			s.absorbScope(mine.data, g.data, shift)
			if g.meta != nil {
				if mine.meta == nil {
					mine.meta = s.newRoot(true)
				}
				s.absorbScope(mine.meta, g.meta, shift)
			}
		}
	}
	s.limitExamples()
}

// sorted gives the event types by name, the versions of each in order.
func (s *Survey) sorted() []*eventType {
	types := slices.Clone(s.order)
	slices.SortFunc(types, func(a, b *eventType) int {
		if a.event < b.event {
			return -1
		}
		return 1
	})
	for _, t := range types {
		t.groups = slices.Clone(t.groups)
		slices.SortFunc(t.groups, func(a, b *group) int { return a.version - b.version })
	}
	return types
}
