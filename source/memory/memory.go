// Package memory is an event store that lives in memory, for tests. It can
// hold its watermark back and fail on demand.
package memory

import (
	"context"
	"slices"
	"sync"

	"backstory/source"
)

// Source is an event store in memory. The zero Source is empty and ready.
type Source struct {
	mu      sync.Mutex
	events  []source.Event
	payload source.Payload
	held    *source.Watermark
	failure *failure
}

type failure struct {
	after int
	err   error
}

var (
	_ source.Source    = (*Source)(nil)
	_ source.Describer = (*Source)(nil)
)

// Append adds events, of which it keeps copies. An event without a position
// gets the one after the newest. Positions may repeat; they must not be below
// those that are there, unless a test wants to see what happens then.
func (s *Source) Append(events ...source.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		if e.Position.IsZero() {
			e.Position = s.head()
			e.Position.Seq++
		}
		s.events = append(s.events, clone(e))
	}
	slices.SortStableFunc(s.events, func(a, b source.Event) int { return a.Position.Compare(b.Position) })
}

// SetPayload sets what Payload gives.
func (s *Source) SetPayload(p source.Payload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payload = p
}

// Hold makes Watermark give w until Release is called.
func (s *Source) Hold(w source.Watermark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = &w
}

// Release makes Watermark give the newest position again.
func (s *Source) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = nil
}

// FailAfter makes the next Read fail with err once it has given so many
// events. The one after it works again.
func (s *Source) FailAfter(events int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = &failure{events, err}
}

// Truncate removes the events after a position, as restoring an older copy
// of a store would.
func (s *Source) Truncate(after source.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = slices.Clone(within(s.events, source.Window{Through: after}))
}

// Payload says how the payloads are to be understood.
func (s *Source) Payload() source.Payload {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.payload
}

// Watermark gives the newest position as the safe one, or what Hold was
// called with.
func (s *Source) Watermark(ctx context.Context) (source.Watermark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil {
		return *s.held, ctx.Err()
	}
	return source.Watermark{Safe: s.head(), Head: s.head()}, ctx.Err()
}

// head is the newest position, zero in an empty store.
func (s *Source) head() source.Position {
	if len(s.events) == 0 {
		return source.Position{}
	}
	return s.events[len(s.events)-1].Position
}

// Plan cuts the next window; see source.Source. It holds limit events, or
// more when the last ones share a position.
func (s *Source) Plan(ctx context.Context, after, through source.Position, limit int) (source.Window, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := source.Window{After: after, Through: after}
	events := within(s.events, source.Window{After: after, Through: through})
	if len(events) == 0 || limit < 1 {
		return w, 0, ctx.Err()
	}
	w.Through = events[min(limit, len(events))-1].Position
	return w, int64(len(within(events, w))), ctx.Err()
}

// Read calls fn for each event of w; see source.Source.
func (s *Source) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	s.mu.Lock()
	events := slices.Clone(within(s.events, w))
	fail := s.failure
	s.failure = nil
	s.mu.Unlock()
	for i, e := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		if fail != nil && fail.after == i {
			return fail.err
		}
		e = clone(e)
		if err := fn(&e); err != nil {
			return err
		}
		// What was borrowed is gone, and a test that kept it shall see that.
		for _, b := range [][]byte{e.ID, e.Stream, e.Data, e.Meta} {
			clear(b)
		}
	}
	if fail != nil {
		return fail.err
	}
	return ctx.Err()
}

// Close does nothing.
func (s *Source) Close() error { return nil }

// within gives the part of ordered events that lies in w.
func within(events []source.Event, w source.Window) []source.Event {
	from, _ := slices.BinarySearchFunc(events, w.After, beyond)
	to, _ := slices.BinarySearchFunc(events, w.Through, beyond)
	return events[from:max(from, to)]
}

// beyond puts p behind all events at p.
func beyond(e source.Event, p source.Position) int {
	if e.Position.Compare(p) <= 0 {
		return -1
	}
	return 1
}

func clone(e source.Event) source.Event {
	e.ID, e.Stream = slices.Clone(e.ID), slices.Clone(e.Stream)
	e.Data, e.Meta = slices.Clone(e.Data), slices.Clone(e.Meta)
	return e
}
