package survey

import (
	"cmp"
	"slices"

	"backstory/transform"
)

// A scope is what shapes are made of: a payload with the objects in it, or an
// element of a list with those in it.
type scope struct {
	survey    *Survey // nil where shapes are only counted anew
	root      *member
	lifted    [][]string // paths that stand in the envelope
	instances int64
	slots     []*member
	shapes    map[uint64]*shape
	order     []*shape // as they were found
	more      eras     // of shapes beyond maxShapes
	newest    *shape
	takes     int64 // calls of take
	// together says of each slot which others were there in the same instance.
	together []slotSet
}

const (
	maxShapes    = 200    // of a scope that are told apart
	maxAllShapes = 10_000 // of a survey
)

// A shape is a set of paths, with the class of value at each.
type shape struct {
	hash  uint64
	parts []part
	eras  eras
	// example is the JSON text of the first instance, of few and small ones only.
	example []byte
}

// A part is a path of a shape; of no class where it held null.
type part struct {
	member *member
	class  class
}

func (p part) hash() uint64 { return mix(p.member.hash + uint64(p.class)) }

func (s *Survey) newScope(of *member) *scope {
	s.paths++
	sc := &scope{survey: s, shapes: make(map[uint64]*shape)}
	sc.root = &member{scope: sc, slot: -1}
	if of != nil {
		sc.root.hash, sc.root.level = mix(of.hash+1), of.level+1
	}
	return sc
}

// isLifted tells whether a member is one that stands in the envelope.
func (sc *scope) isLifted(m *member) bool {
	if len(sc.lifted) == 0 {
		return false
	}
	path := m.path()
	return slices.ContainsFunc(sc.lifted, func(l []string) bool { return slices.Equal(l, path) })
}

// A visit is a look at one instance of a scope.
type visit struct {
	survey *Survey
	scope  *scope
	doc    *transform.Document
	number int64 // of the event
	at     place
	hash   uint64
	base   int // where its parts begin among survey.parts
}

// observe takes in one instance of a scope, and gives its shape where it is
// new.
func (s *Survey) observe(sc *scope, d *transform.Document, v transform.Value, number int64, at place) *shape {
	sc.instances++
	x := visit{survey: s, scope: sc, doc: d, number: number, at: at, base: len(s.parts)}
	x.value(sc.root, v)
	found := x.shape()
	s.parts = s.parts[:x.base]
	return found
}

func (x *visit) value(m *member, v transform.Value) {
	kind := x.doc.Kind(v)
	if m.inst != x.scope.instances {
		m.inst = x.scope.instances
		p := part{m, classes[kind]}
		x.hash ^= p.hash()
		x.survey.parts = append(x.survey.parts, p)
	}
	if kind == transform.ValueNull {
		m.nulls++
		return
	}
	m.kind(kind).eras.add(x.number, x.at)
	switch kind {
	case transform.ValueObject:
		if m.level < maxLevels {
			x.members(m, v)
		}
	case transform.ValueArray:
		if m.level < maxLevels {
			x.elements(m, v)
		}
	case transform.ValueFalse:
		m.values.add(kind, falseText)
	case transform.ValueTrue:
		m.values.add(kind, trueText)
	default:
		m.values.add(kind, x.doc.Text(v))
	}
}

var falseText, trueText = []byte("false"), []byte("true")

func (x *visit) members(m *member, object transform.Value) {
	hint := 0
	for v := x.doc.First(object); v != transform.None; v = x.doc.Next(v) {
		c := x.survey.child(m, x.doc.Name(v), &hint)
		if m.asData {
			m.names.sketch(hashText(x.doc.Name(v)))
		}
		if c != nil && !c.lifted {
			x.value(c, v)
		}
	}
}

func (x *visit) elements(m *member, array transform.Value) {
	for v := x.doc.First(array); v != transform.None; v = x.doc.Next(v) {
		if m.elem == nil {
			if x.survey.paths >= maxPaths {
				m.crowded = true
				return
			}
			m.elem = x.survey.newScope(m)
		}
		x.survey.observe(m.elem, x.doc, v, x.number, x.at)
	}
}

// shape counts the instance among those of its shape, and gives the shape
// where it is the first.
func (x *visit) shape() *shape {
	sc := x.scope
	sh := sc.newest
	if sh == nil || sh.hash != x.hash {
		sh = sc.shapes[x.hash]
	}
	if sh != nil {
		sc.newest = sh
		sh.eras.add(x.number, x.at)
		return nil
	}
	parts := x.survey.parts[x.base:]
	if slices.ContainsFunc(parts, func(p part) bool { return p.member.into != nil }) {
		sh = &shape{parts: parts} // names became data during the visit
		sh.eras.add(x.number, x.at)
		sc.take(sh, 0)
		return nil
	}
	sc.meet(parts)
	if sc.full() {
		sc.more.add(x.number, x.at)
		return nil
	}
	sh = &shape{hash: x.hash, parts: slices.Clone(parts)}
	sh.eras.add(x.number, x.at)
	sc.keep(sh)
	return sh
}

// full tells whether no further shapes are told apart.
func (sc *scope) full() bool {
	return len(sc.order) >= maxShapes || sc.survey != nil && sc.survey.shapes >= maxAllShapes
}

func (sc *scope) keep(sh *shape) {
	if sc.survey != nil {
		sc.survey.shapes++
	}
	sc.shapes[sh.hash] = sh
	sc.order = append(sc.order, sh)
}

// renew makes the shapes anew of the members that stand now.
func (sc *scope) renew() {
	old := sc.order
	sc.shapes, sc.order, sc.newest = make(map[uint64]*shape), nil, nil
	sc.survey.shapes -= len(old)
	for _, sh := range old {
		sc.take(sh, 0)
	}
	slots := sc.slots
	sc.slots = sc.slots[:0:0]
	together := sc.together
	sc.together = nil
	for _, m := range slots {
		if m.into == nil {
			m.slot = len(sc.slots)
			sc.slots = append(sc.slots, m)
		}
	}
	sc.remeet(slots, together)
}

// take adds a shape of another survey, or of members that are no more.
func (sc *scope) take(o *shape, shift int64) {
	parts := make([]part, 0, len(o.parts))
	var hash uint64
	sc.takes++
	for _, p := range o.parts {
		p.member = p.member.current()
		if p.member != nil && p.member.taken != sc.takes {
			p.member.taken = sc.takes
			parts = append(parts, p)
			hash ^= p.hash()
		}
	}
	sh := sc.shapes[hash]
	switch {
	case sh != nil:
	case sc.full():
		sc.more.merge(&o.eras, shift)
		return
	default:
		sh = &shape{hash: hash, parts: parts}
		sc.keep(sh)
	}
	if sh.example == nil {
		sh.example = o.example
	}
	sh.eras.merge(&o.eras, shift)
}

// absorbScope adds all that is known of o to sc.
func (s *Survey) absorbScope(sc, o *scope, shift int64) {
	s.absorb(sc.root, o.root, shift)
	sc.instances += o.instances
	sc.more.merge(&o.more, shift)
	for _, sh := range o.order {
		sc.take(sh, shift)
	}
	sc.remeet(o.slots, o.together)
}

// common gives the shapes, those of the most instances first. That a field is
// null makes no shape of its own: it counts for the shape in which the field
// has its commonest class.
func (sc *scope) common() []*shape {
	usual := make(map[*member]class)
	most := make(map[part]int64)
	for _, sh := range sc.order {
		for _, p := range sh.parts {
			most[p] += sh.eras.count
			if best := (part{p.member, usual[p.member]}); p.class != noClass && (best.class == noClass || most[p] > most[best]) {
				usual[p.member] = p.class
			}
		}
	}
	all := &scope{shapes: make(map[uint64]*shape), takes: sc.takes}
	defer func() { sc.takes = all.takes }() // members are marked by it
	for _, sh := range sc.order {
		filled := &shape{parts: slices.Clone(sh.parts), eras: sh.eras, example: sh.example}
		for i, p := range filled.parts {
			if p.class == noClass {
				filled.parts[i].class = usual[p.member]
			}
		}
		all.take(filled, 0)
	}
	slices.SortStableFunc(all.order, func(a, b *shape) int { return cmp.Compare(b.eras.count, a.eras.count) })
	return all.order
}
