package memory

import (
	"context"
	"slices"

	"backstory/source"
)

var _ source.Counter = (*Source)(nil)

// Count counts the events of w.
func (s *Source) Count(ctx context.Context, w source.Window) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(within(s.events, w))), ctx.Err()
}

// Without gives a store that lacks the events at a position.
func (s *Source) Without(p source.Position) *Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Source{payload: s.payload, events: slices.DeleteFunc(slices.Clone(s.events), func(e source.Event) bool { return e.Position == p })}
}
