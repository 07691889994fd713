package schedules

import (
	"cmp"
	"hash/maphash"
	"slices"

	"backstory/source"
)

// StreamCheck says whether the versions of streams follow on each other, in
// the source's events that were read. Stores may begin above 0 and lose
// streams or parts of them lawfully, so this is to be looked at, and does not
// count against the tables: these are compared with the events as they are.
type StreamCheck struct {
	// Streams is how many streams were looked at: all, or, where there are very
	// many, a part of them chosen by chance.
	Streams int64 `json:"streams"`
	Part    bool  `json:"part,omitempty"`
	// Uneven counts the streams whose versions have gaps or stand twice, and
	// First names the first of these by name.
	Uneven int64          `json:"uneven,omitempty"`
	First  []UnevenStream `json:"first,omitempty"`
}

// UnevenStream is a stream with Events events whose versions lie from Low to High.
type UnevenStream struct {
	Stream string `json:"stream"`
	Low    int64  `json:"low"`
	High   int64  `json:"high"`
	Events int64  `json:"events"`
}

// maxStreams is how many streams a streamCheck holds; with more it goes on with
// half of them.
const maxStreams = 1 << 18

// streamCheck collects the versions of streams. It is for one goroutine.
type streamCheck struct {
	seed maphash.Seed
	mask uint64 // streams whose hash has one of these bits are passed over
	span map[uint64]*UnevenStream
}

func newStreamCheck(seed maphash.Seed) *streamCheck {
	return &streamCheck{seed: seed, span: make(map[uint64]*UnevenStream)}
}

func (s *streamCheck) add(e *source.Event) {
	h := maphash.Bytes(s.seed, e.Stream)
	if h&s.mask != 0 {
		return
	}
	if g := s.span[h]; g != nil {
		g.Low, g.High = min(g.Low, e.StreamVersion), max(g.High, e.StreamVersion)
		g.Events++
		return
	}
	s.put(h, &UnevenStream{string(e.Stream), e.StreamVersion, e.StreamVersion, 1})
}

func (s *streamCheck) put(h uint64, g *UnevenStream) {
	s.span[h] = g
	for len(s.span) > maxStreams {
		s.narrow(s.mask<<1 | 1)
	}
}

// narrow passes over streams by more bits.
func (s *streamCheck) narrow(mask uint64) {
	s.mask |= mask
	for h := range s.span {
		if h&s.mask != 0 {
			delete(s.span, h)
		}
	}
}

// merge takes in what another has collected.
func (s *streamCheck) merge(o *streamCheck) {
	s.narrow(o.mask)
	for h, g := range o.span {
		switch have := s.span[h]; {
		case h&s.mask != 0:
		case have == nil:
			s.put(h, g)
		default:
			have.Low, have.High = min(have.Low, g.Low), max(have.High, g.High)
			have.Events += g.Events
		}
	}
}

// result says what was found, with at most some streams by name.
func (s *streamCheck) result(most int) *StreamCheck {
	out := &StreamCheck{Streams: int64(len(s.span)), Part: s.mask != 0}
	for _, g := range s.span {
		if g.High-g.Low+1 != g.Events {
			out.Uneven++
			out.First = append(out.First, *g)
		}
	}
	slices.SortFunc(out.First, func(a, b UnevenStream) int { return cmp.Compare(a.Stream, b.Stream) })
	out.First = slices.Clone(out.First[:min(most, len(out.First))])
	return out
}
