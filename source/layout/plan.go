package layout

import (
	"context"

	"backstory/source"
)

// Span is what lies in a range of positions, or in one end of it.
type Span struct {
	Count       int64
	First, Last int64
}

// SpanFunc looks at the first n events with positions in (after, through],
// or at the last n when fromEnd is set. It is one short statement over the
// index of positions.
type SpanFunc func(ctx context.Context, after, through int64, n int, fromEnd bool) (Span, error)

// probeSize is how many events are looked at to find out how densely they lie.
const probeSize = 1000

// sparse is the share of positions in use below which windows are counted
// out event by event. Above it a window is cut by arithmetic, which costs
// the store two looks at a thousand index entries however large the window.
const sparse = 0.5

// Plan cuts the next window for a Source; see source.Source. The count is
// exact when it is at most probeSize or the events lie sparsely.
func Plan(ctx context.Context, span SpanFunc, after, through source.Position, limit int) (source.Window, int64, error) {
	empty := source.Window{After: after, Through: after}
	if through.Compare(after) <= 0 || limit < 1 {
		return empty, 0, nil
	}
	head, err := span(ctx, after.Seq, through.Seq, min(limit, probeSize), false)
	if err != nil || head.Count == 0 {
		return empty, 0, err
	}
	cut := func(s Span) (source.Window, int64, error) {
		return source.Window{After: after, Through: source.Position{Seq: s.Last}}, s.Count, nil
	}
	if head.Count < probeSize || limit <= probeSize {
		return cut(head)
	}
	if density(head) >= sparse {
		s, ok, err := byArithmetic(ctx, span, head, through.Seq, limit)
		if err != nil {
			return empty, 0, err
		}
		if ok {
			return cut(s)
		}
	}
	counted, err := span(ctx, after.Seq, through.Seq, limit, false)
	if err != nil {
		return empty, 0, err
	}
	return cut(counted)
}

// byArithmetic estimates the first limit events of those that begin with
// head. It is not ok when they lie less densely further on.
func byArithmetic(ctx context.Context, span SpanFunc, head Span, through int64, limit int) (Span, bool, error) {
	end := through
	// Several events may share a position, so a density may be above 1.
	width := float64(limit) / max(1, density(head))
	if float64(through)-float64(head.First)+1 > width {
		end = max(head.Last, head.First-1+int64(width))
	}
	if end == head.Last {
		return head, true, nil
	}
	from := max(head.Last, end-probeSize)
	tail, err := span(ctx, from, end, probeSize, true)
	if err != nil {
		return Span{}, false, err
	}
	inUse := float64(tail.Count) / float64(end-from)
	if tail.Count == probeSize {
		inUse = density(tail)
	}
	if inUse < sparse {
		return Span{}, false, nil
	}
	mean := (density(head) + inUse) / 2
	count := int64(mean * float64(tail.Last-head.First+1))
	return Span{Count: max(count, head.Count+tail.Count), First: head.First, Last: tail.Last}, true, nil
}

// density is how many events there are for each position.
func density(s Span) float64 {
	return float64(s.Count) / (float64(s.Last) - float64(s.First) + 1)
}
