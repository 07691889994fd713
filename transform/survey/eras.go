package survey

import (
	"cmp"
	"math"
	"slices"
	"time"

	"backstory/source"
)

// Place is where in a history something is.
type Place struct {
	Position source.Position `json:"position"`
	// Time is the event's own, zero where it has none.
	Time time.Time `json:"time,omitzero"`
}

// A place is a Place that costs nothing to make.
type place struct {
	position source.Position
	micros   int64 // since 1970, UTC; noTime where the event has none
}

const noTime = math.MinInt64

func (p place) shown() Place {
	out := Place{Position: p.position}
	if p.micros != noTime {
		out.Time = time.UnixMicro(p.micros).UTC()
	}
	return out
}

// An era is a stretch of events in which something was seen.
type era struct {
	from, to    int64 // the first and last of the events, by their numbers
	count       int64 // how often it was seen
	first, last place
}

func (e era) span() int64 { return e.to - e.from + 1 }

// maxEras is how many eras are told apart. What was seen here and there has
// many small gaps, what was renamed and renamed back a few large ones: those
// are kept.
const maxEras = 16

// eras are the stretches of a history in which something was seen, in order.
// Between them lie the longest stretches without it.
type eras struct {
	list  []era
	count int64
	least int64 // the smallest gap between two eras, once there are maxEras
}

// add notes that it was seen in the event of that number, not below those
// before.
func (e *eras) add(number int64, at place) {
	e.count++
	if n := len(e.list); n > 0 {
		l := &e.list[n-1]
		if gap := number - l.to; gap <= 1 || n == maxEras && gap <= e.least {
			l.to, l.last = number, at
			l.count++
			return
		}
	}
	if e.list == nil {
		e.list = make([]era, 0, 2)
	}
	e.list = append(e.list, era{number, number, 1, at, at})
	e.reduce()
}

// reduce joins eras until there are no more than maxEras.
func (e *eras) reduce() {
	for len(e.list) > maxEras {
		at, _ := e.narrowest()
		e.list[at] = join(e.list[at], e.list[at+1])
		e.list = slices.Delete(e.list, at+1, at+2)
	}
	if len(e.list) == maxEras {
		_, e.least = e.narrowest()
	}
}

// narrowest gives the era behind which the smallest gap lies, and that gap.
func (e *eras) narrowest() (at int, gap int64) {
	gap = math.MaxInt64
	for i := range len(e.list) - 1 {
		if g := e.list[i+1].from - e.list[i].to; g < gap {
			at, gap = i, g
		}
	}
	return at, gap
}

func join(a, b era) era {
	a.count += b.count
	if b.from < a.from {
		a.from, a.first = b.from, b.first
	}
	if b.to > a.to {
		a.to, a.last = b.to, b.last
	}
	return a
}

// merge adds the eras of o, whose events are numbered from shift on.
func (e *eras) merge(o *eras, shift int64) {
	e.count += o.count
	n := len(e.list)
	for _, b := range o.list {
		b.from, b.to = b.from+shift, b.to+shift
		e.list = append(e.list, b)
	}
	if n > 0 && len(e.list) > n && e.list[n].from < e.list[n-1].from {
		slices.SortStableFunc(e.list, func(a, b era) int { return cmp.Compare(a.from, b.from) })
	}
	joined := e.list[:0]
	for _, b := range e.list {
		if k := len(joined) - 1; k >= 0 && b.from-joined[k].to <= 1 {
			joined[k] = join(joined[k], b)
		} else {
			joined = append(joined, b)
		}
	}
	e.list = joined
	e.reduce()
}

// span is how many events the eras hold.
func (e *eras) span() int64 {
	var n int64
	for _, b := range e.list {
		n += b.span()
	}
	return n
}

func (e *eras) first() Place { return e.list[0].first.shown() }
func (e *eras) last() Place  { return e.list[len(e.list)-1].last.shown() }
