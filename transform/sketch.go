package transform

import "hash/maphash"

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
	if s.values >= sketchValues {
		return
	}
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
