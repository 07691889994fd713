package layout

import (
	"context"
	"math"

	"backstory/source"
	"backstory/source/guest"
)

// The bounds of what one statement counts: about so many positions, and no
// more statements a window than this.
const (
	countPositions  = 200_000
	countStatements = 64
)

// Count counts the events of a window, by statements as short as those that
// read. Between them it waits for pace.
func (m *Mapping) Count(ctx context.Context, span SpanFunc, w source.Window, pace *guest.Pacer) (int64, error) {
	var n int64
	step := max(countPositions, (w.Through.Seq-w.After.Seq)/countStatements)
	for after := w.After.Seq; after < w.Through.Seq; {
		if err := pace.Wait(ctx); err != nil {
			return 0, err
		}
		through := w.Through.Seq
		if w.Through.Seq-after > step {
			through = after + step
		}
		s, err := span(ctx, after, through, math.MaxInt64, false)
		if err != nil {
			return 0, err
		}
		n += s.Count
		after = through
	}
	return n, nil
}
