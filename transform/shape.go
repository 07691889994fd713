package transform

import (
	"slices"
	"time"

	"backstory/source"
)

// Shapes collects what the payloads of a history look like, one Shape an
// event type, in memory that is bounded by the number of distinct members,
// not of events. It is for one goroutine.
type Shapes struct {
	// Failed counts the events that could not be opened or upcast. They are in
	// no Shape. FirstFailed tells why of the one with the lowest position.
	Failed      int64
	FirstFailed *source.EventError

	lifted  lifted
	options Options // whose contracts name members
	byType  map[string]*Shape
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
		sh = s.newShape(env.Type, env.Position)
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

func (s *Shapes) newShape(event string, at source.Position) *Shape {
	named := s.options.policy(event, func(Contract) newness { return asColumn })
	sh := &Shape{Event: event, First: at, Versions: make(map[int]int64)}
	sh.data.named, sh.meta.named = &named.data, &named.meta
	s.byType[event] = sh
	return sh
}

// fail counts an event that failed.
func (s *Shapes) fail(n int64, first *source.EventError) {
	s.Failed += n
	if first != nil && (s.FirstFailed == nil || first.Position.Compare(s.FirstFailed.Position) < 0) {
		s.FirstFailed = first
	}
}

// Merge adds what o has seen; o is not to be used any more. The order of
// merging does not change which types are found.
func (s *Shapes) Merge(o *Shapes) {
	s.fail(o.Failed, o.FirstFailed)
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
