package memory_test

import (
	"errors"
	"testing"

	"backstory/source"
	"backstory/source/memory"
	"backstory/source/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
		s := &memory.Source{}
		s.Append(events...)
		return s
	})
}

func TestFailAfter(t *testing.T) {
	s := &memory.Source{}
	s.Append(source.Event{Type: "A"}, source.Event{Type: "B"})
	boom := errors.New("boom")
	s.FailAfter(1, boom)
	all := source.Window{Through: source.Position{Seq: 2}}
	for _, want := range []struct {
		n   int
		err error
	}{{1, boom}, {2, nil}} {
		n := 0
		err := s.Read(t.Context(), all, func(*source.Event) error { n++; return nil })
		if n != want.n || !errors.Is(err, want.err) {
			t.Errorf("got %d events and error %v, want %d and %v", n, err, want.n, want.err)
		}
	}
}

func TestHoldAndTruncate(t *testing.T) {
	s := &memory.Source{}
	s.Append(source.Event{Type: "A"}, source.Event{Type: "B"})
	held := source.Watermark{Safe: source.Position{Seq: 1}, Head: source.Position{Seq: 2}}
	s.Hold(held)
	if w, err := s.Watermark(t.Context()); err != nil || w.Safe != held.Safe {
		t.Errorf("got watermark %v (%v), want %v", w, err, held)
	}
	s.Release()
	s.Truncate(source.Position{Seq: 1})
	if w, err := s.Watermark(t.Context()); err != nil || w.Head.Seq != 1 {
		t.Errorf("got watermark %v (%v) after truncation, want 1", w, err)
	}
}
