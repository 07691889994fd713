package source

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Position is an event's place in a store's one total order. Tx is 0 where
// the sequence itself is the order in which events become visible. The zero
// Position stands before every event.
type Position struct {
	Tx  uint64
	Seq int64
}

// Compare returns -1, 0 or +1 as p stands before, at or after q.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.Tx, q.Tx); c != 0 {
		return c
	}
	return cmp.Compare(p.Seq, q.Seq)
}

// IsZero tells whether p is the place before every event.
func (p Position) IsZero() bool { return p == Position{} }

// String gives "120", or "77.120" where Tx is part of the order.
func (p Position) String() string {
	if p.Tx == 0 {
		return strconv.FormatInt(p.Seq, 10)
	}
	return strconv.FormatUint(p.Tx, 10) + "." + strconv.FormatInt(p.Seq, 10)
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (Position, error) {
	var p Position
	seq := s
	if tx, rest, ok := strings.Cut(s, "."); ok {
		n, err := strconv.ParseUint(tx, 10, 64)
		if err != nil || n == 0 {
			return Position{}, fmt.Errorf("parse position %q: want SEQ or TX.SEQ", s)
		}
		p.Tx, seq = n, rest
	}
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("parse position %q: want SEQ or TX.SEQ", s)
	}
	p.Seq = n
	return p, nil
}

// MarshalText writes the position as String does.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Position) UnmarshalText(text []byte) error {
	q, err := ParsePosition(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// Window is the half-open range of positions (After, Through]: the unit of
// work, retry, commit, parallelism and bookkeeping.
type Window struct {
	After   Position `json:"after"`
	Through Position `json:"through"`
}

// Empty tells whether the window holds no position.
func (w Window) Empty() bool { return w.Through.Compare(w.After) <= 0 }

// Contains tells whether p lies in the window.
func (w Window) Contains(p Position) bool {
	return p.Compare(w.After) > 0 && p.Compare(w.Through) <= 0
}

// Overlaps tells whether the two windows share a position.
func (w Window) Overlaps(v Window) bool {
	return !w.Empty() && !v.Empty() && w.After.Compare(v.Through) < 0 && v.After.Compare(w.Through) < 0
}

// String gives "(0,120]".
func (w Window) String() string { return "(" + w.After.String() + "," + w.Through.String() + "]" }
