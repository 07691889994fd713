package transform

import (
	"hash/maphash"
	"slices"
	"time"

	"backstory/source"
)

// Shapes collects what the payloads of a history look like, one Shape an
// event type, in memory that is bounded by the number of distinct members,
// not of events. It is for one goroutine.
type Shapes struct {
	lifted lifted
	byType map[string]*Shape
}

// Shape is what the payloads of one event type look like.
type Shape struct {
	Event  string
	Events int64
	// Bytes counts the payloads' bytes as JSON text.
	Bytes int64
	// First and Last are the lowest and highest position seen; FirstTime and
	// LastTime the earliest and latest time, zero where events have none.
	First, Last         source.Position
	FirstTime, LastTime time.Time
	// Versions counts the events of each schema version.
	Versions map[int]int64

	data, meta member
}

// NewShapes makes an empty collection for payloads of that form.
func NewShapes(p source.Payload) *Shapes {
	return &Shapes{lifted: newLifted(p), byType: make(map[string]*Shape)}
}

// All gives the shapes by event type.
func (s *Shapes) All() []*Shape {
	all := make([]*Shape, 0, len(s.byType))
	for _, sh := range s.byType {
		all = append(all, sh)
	}
	slices.SortFunc(all, func(a, b *Shape) int {
		if a.Event < b.Event {
			return -1
		}
		return 1
	})
	return all
}

// Observe adds an event, which it does not keep.
func (s *Shapes) Observe(env *Envelope) {
	sh := s.byType[env.Type]
	if sh == nil {
		sh = &Shape{Event: env.Type, First: env.Position, Versions: make(map[int]int64)}
		s.byType[env.Type] = sh
	}
	sh.Events++
	sh.Bytes += int64(len(env.Data.src))
	if env.Position.Compare(sh.First) < 0 {
		sh.First = env.Position
	}
	if env.Position.Compare(sh.Last) > 0 {
		sh.Last = env.Position
	}
	if env.HasTime {
		t := time.UnixMicro(env.Micros).UTC()
		if sh.FirstTime.IsZero() || t.Before(sh.FirstTime) {
			sh.FirstTime = t
		}
		if t.After(sh.LastTime) {
			sh.LastTime = t
		}
	}
	sh.Versions[env.Stored]++
	sh.data.observeRoot(env.Data, env.Position)
	if env.Meta.Root() != None {
		sh.meta.observeRoot(env.Meta, env.Position)
	}
}

// Merge adds what o has seen. The order of merging does not change which
// types are found.
func (s *Shapes) Merge(o *Shapes) {
	for _, b := range o.All() {
		a := s.byType[b.Event]
		if a == nil {
			s.byType[b.Event] = b
			continue
		}
		a.Events += b.Events
		a.Bytes += b.Bytes
		if b.First.Compare(a.First) < 0 {
			a.First = b.First
		}
		if b.Last.Compare(a.Last) > 0 {
			a.Last = b.Last
		}
		if !b.FirstTime.IsZero() && (a.FirstTime.IsZero() || b.FirstTime.Before(a.FirstTime)) {
			a.FirstTime = b.FirstTime
		}
		if b.LastTime.After(a.LastTime) {
			a.LastTime = b.LastTime
		}
		for v, n := range b.Versions {
			a.Versions[v] += n
		}
		a.data.merge(&b.data)
		a.meta.merge(&b.meta)
	}
}

// maxMembers is how many members of one object are told apart. An object
// with more uses its names as data, and is kept as JSON text.
const maxMembers = 250

// maxRootMembers is the same for a payload itself, which has no column to
// be kept in: what is more goes to _extra.
const maxRootMembers = 10000

// maxLevels is how deep payloads are taken apart; what lies deeper is kept
// as JSON text.
const maxLevels = 16

// A member is what has been seen at one path.
type member struct {
	name    string
	first   source.Position // where it was first more than null
	marker  string          // an unknown marker around the value
	kinds   [ValueTimestamp + 1]int64
	empty   int64 // objects without members
	big     int64 // integers beyond 64 bits
	inexact int64 // numbers that no double holds
	vast    int64 // numbers that no decimal holds, and those that are not finite
	replace int64 // strings that are not exact
	naive   int64 // times without a zone
	badTime int64 // marked times that are none

	digits, scale int // most digits before and behind the point of a number

	members []*member
	index   map[string]int
	crowded bool // more than maxMembers, or deeper than maxLevels
	root    bool
	elem    *member

	distinct sketch
}

func (m *member) observeRoot(d *Document, at source.Position) {
	m.root = true
	root := d.Root()
	if d.Kind(root) == ValueObject {
		m.kinds[ValueObject]++
		m.observeMembers(d, root, at, 0)
		return
	}
	m.add(rootMember).observe(d, root, at, 0)
}

// rootMember is the name under which a payload that is no object stands
// among a table's columns.
const rootMember = "$"

func (m *member) add(name string) *member {
	if i, ok := m.index[name]; ok {
		return m.members[i]
	}
	if n := len(m.members); n >= maxRootMembers || n >= maxMembers && !m.root {
		m.crowded = true
		return nil
	}
	if m.index == nil {
		m.index = make(map[string]int)
	}
	m.index[name] = len(m.members)
	c := &member{name: name}
	m.members = append(m.members, c)
	return c
}

func (m *member) observeMembers(d *Document, object Value, at source.Position, level int) {
	hint := 0
	for v := d.First(object); v != None; v = d.Next(v) {
		name := d.Name(v)
		if hint < len(m.members) && m.members[hint].name == string(name) {
			m.members[hint].observe(d, v, at, level+1)
			hint++
			continue
		}
		i, ok := m.index[string(name)]
		if !ok {
			if c := m.add(string(name)); c != nil {
				c.observe(d, v, at, level+1)
			}
			continue
		}
		m.members[i].observe(d, v, at, level+1)
		hint = i + 1
	}
}

func (m *member) observe(d *Document, v Value, at source.Position, level int) {
	kind := d.Kind(v)
	if kind != ValueNull && m.first.IsZero() {
		m.first = at
	}
	if len(d.unknown) > 0 && m.marker == "" {
		m.marker = string(d.Marker(v))
	}
	if kind == ValueObject && d.First(v) == None {
		m.empty++
		return
	}
	m.kinds[kind]++
	switch kind {
	case ValueObject:
		if level < maxLevels {
			m.observeMembers(d, v, at, level)
		} else {
			m.crowded = true
		}
	case ValueArray:
		if m.elem == nil {
			m.elem = &member{}
		}
		for e := d.First(v); e != None; e = d.Next(e) {
			m.elem.observe(d, e, at, level+1)
		}
	case ValueInteger, ValueFloat, ValueDecimal:
		m.observeNumber(kind, d.Text(v))
	case ValueTimestamp:
		if t, ok := parseTime(d.Text(v)); !ok {
			m.badTime++
		} else if !t.zoned {
			m.naive++
		}
		m.distinct.add(d.Text(v))
	case ValueString:
		if !d.Exact(v) {
			m.replace++
		}
		m.distinct.add(d.Text(v))
	case ValueUUID:
		m.distinct.add(d.Text(v))
	}
}

func (m *member) observeNumber(kind ValueKind, text []byte) {
	m.distinct.add(text)
	if kind == ValueInteger && len(text) < 19 {
		digits := len(text)
		if text[0] == '-' {
			digits--
		}
		if digits > exactDigits {
			if _, ok := parseFloat(text); !ok {
				m.inexact++
			}
		}
		m.digits = max(m.digits, digits)
		return
	}
	if kind == ValueInteger {
		if _, ok := parseInt(text); !ok {
			m.big++
		}
	}
	if kind != ValueDecimal {
		if _, ok := parseFloat(text); !ok {
			m.inexact++
		}
	}
	x, ok := parseDecimal(text)
	if !ok || x.integerDigits()+x.written > MaxPrecision {
		m.vast++
		return
	}
	m.digits, m.scale = max(m.digits, x.integerDigits()), max(m.scale, x.written)
}

func (m *member) merge(o *member) {
	if m.first.IsZero() || !o.first.IsZero() && o.first.Compare(m.first) < 0 {
		m.first = o.first
	}
	if m.marker == "" {
		m.marker = o.marker
	}
	for i := range o.kinds {
		m.kinds[i] += o.kinds[i]
	}
	m.empty += o.empty
	m.big += o.big
	m.inexact += o.inexact
	m.vast += o.vast
	m.replace += o.replace
	m.naive += o.naive
	m.badTime += o.badTime
	m.digits, m.scale = max(m.digits, o.digits), max(m.scale, o.scale)
	m.crowded = m.crowded || o.crowded
	m.distinct.merge(&o.distinct)
	for _, c := range o.members {
		if mine := m.add(c.name); mine != nil {
			mine.merge(c)
		}
	}
	if o.elem != nil {
		if m.elem == nil {
			m.elem = &member{}
		}
		m.elem.merge(o.elem)
	}
}

// A sketch tells whether most values of a column are new or whether they
// repeat, from the first sketchValues of them.
type sketch struct {
	seen   map[uint64]struct{}
	values int
}

const sketchValues = 1024

var sketchSeed = maphash.MakeSeed()

func (s *sketch) add(text []byte) {
	if s.values >= sketchValues {
		return
	}
	if s.seen == nil {
		s.seen = make(map[uint64]struct{})
	}
	s.values++
	s.seen[maphash.Bytes(sketchSeed, text)] = struct{}{}
}

func (s *sketch) merge(o *sketch) {
	if s.seen == nil {
		s.seen = make(map[uint64]struct{})
	}
	for h := range o.seen {
		s.seen[h] = struct{}{}
	}
	s.values += o.values
}

// repeats tells whether values come again often enough for a dictionary.
func (s *sketch) repeats() bool { return s.values == 0 || 2*len(s.seen) < s.values }
