package layout

import (
	"context"
	"math"
	"slices"
	"testing"

	"backstory/source"

	"pgregory.net/rapid"
)

// spanOf answers as a store of these positions, in order, would.
func spanOf(positions []int64, calls *int) SpanFunc {
	return func(_ context.Context, after, through int64, n int, fromEnd bool) (Span, error) {
		*calls++
		var in []int64
		for _, p := range positions {
			if p > after && p <= through {
				in = append(in, p)
			}
		}
		if len(in) > n {
			if fromEnd {
				in = in[len(in)-n:]
			} else {
				in = in[:n]
			}
		}
		if len(in) == 0 {
			return Span{}, nil
		}
		return Span{Count: int64(len(in)), First: in[0], Last: in[len(in)-1]}, nil
	}
}

// TestPlanTiles cuts any store into windows and sees that they hold it all,
// end at events, are not too large, and cost at most three looks each.
func TestPlanTiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var positions []int64
		p := int64(rapid.SampledFrom([]int{0, 5, 100_000}).Draw(t, "hole in front"))
		for range rapid.IntRange(0, 5).Draw(t, "stretches") {
			step := rapid.SampledFrom([]int64{1, 1, 2, 10, 100_000}).Draw(t, "step")
			for range rapid.IntRange(1, 3000).Draw(t, "events") {
				p += step
				positions = append(positions, p)
			}
		}
		limit := rapid.IntRange(1, 5000).Draw(t, "limit")
		through := source.Position{Seq: p}
		read, windows := 0, 0
		for after := (source.Position{}); ; windows++ {
			calls := 0
			w, n, err := Plan(t.Context(), spanOf(positions, &calls), after, through, limit)
			if err != nil || w.After != after || calls > 3 {
				t.Fatalf("after %s: got %s with %d looks (%v)", after, w, calls, err)
			}
			if w.Empty() {
				break
			}
			end, isEvent := slices.BinarySearch(positions, w.Through.Seq)
			held := end + 1 - read
			if !isEvent || held < 1 || held > limit {
				t.Fatalf("window %s holds %d events, limit %d, ends at an event: %v", w, held, limit, isEvent)
			}
			if n < 1 || n > int64(limit) {
				t.Fatalf("window %s holds %d events, but is said to hold %d", w, held, n)
			}
			read, after = end+1, w.Through
		}
		if read != len(positions) {
			t.Fatalf("the windows hold %d events of %d", read, len(positions))
		}
		if most := 2*len(positions)/min(limit, probeSize) + 6; windows > most {
			t.Fatalf("got %d windows for %d events by %d", windows, len(positions), limit)
		}
	})
}

// TestPlanNearTheEnd sees that arithmetic does not overflow.
func TestPlanNearTheEnd(t *testing.T) {
	var positions []int64
	for p := int64(math.MaxInt64 - 3000); p < math.MaxInt64; p++ {
		positions = append(positions, p)
	}
	calls := 0
	for _, limit := range []int{2000, 5000, math.MaxInt} {
		w, _, err := Plan(t.Context(), spanOf(positions, &calls), source.Position{}, source.Position{Seq: math.MaxInt64}, limit)
		want := positions[min(limit, len(positions))-1]
		if err != nil || w.Through.Seq != want {
			t.Errorf("limit %d: got %s (%v), want through %d", limit, w, err, want)
		}
	}
}

// TestPlanTies sees that events that share positions make windows of the
// right size.
func TestPlanTies(t *testing.T) {
	var positions []int64
	for p := range int64(4000) {
		for range 10 {
			positions = append(positions, p+1)
		}
	}
	calls := 0
	w, n, err := Plan(t.Context(), spanOf(positions, &calls), source.Position{}, source.Position{Seq: 4000}, 5000)
	if err != nil || w.Through.Seq < 450 || w.Through.Seq > 550 || n < 4500 || n > 5500 {
		t.Errorf("got %s of %d events (%v), want about 500 positions and 5000 events", w, n, err)
	}
}
