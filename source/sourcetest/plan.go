package sourcetest

import (
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// tile plans and reads window after window up to through.
func tile(t *testing.T, s source.Source, through int64, limit int) (windows []source.Window, events []kept) {
	t.Helper()
	after := source.Position{}
	for {
		w, n, err := s.Plan(t.Context(), after, source.Position{Seq: through}, limit)
		if err != nil {
			t.Fatalf("plan after %s: %v", after, err)
		}
		if w.After != after {
			t.Fatalf("planned %s after %s", w, after)
		}
		if w.Empty() {
			if n != 0 {
				t.Errorf("got %d events in an empty window", n)
			}
			return windows, events
		}
		got := read(t, s, w)
		if len(got) == 0 || got[len(got)-1].Position != w.Through {
			t.Fatalf("window %s does not end at an event", w)
		}
		if len(got) > limit {
			t.Errorf("window %s holds %d events, want at most %d", w, len(got), limit)
		}
		// The count is for progress bars.
		if n < int64(len(got))/2 || n > int64(len(got))*2 {
			t.Errorf("window %s holds %d events, but the plan said %d", w, len(got), n)
		}
		windows, events = append(windows, w), append(events, got...)
		after = w.Through
	}
}

func testPlanTiles(t *testing.T, open Open) {
	// Dense, with holes as rolled-back transactions leave them, and with a
	// hole in front.
	var positions []int64
	for p := int64(501); len(positions) < 5000; p++ {
		if p%11 != 0 && p%100 < 95 {
			positions = append(positions, p)
		}
	}
	head := positions[len(positions)-1]
	s, want := store(t, open, positions)
	for _, limit := range []int{70, 1000, 1500, 4000, 1 << 20} {
		windows, got := tile(t, s, head, limit)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: the windows do not hold the store (-want +got):\n%s", limit, diff)
		}
		if most := 2*len(want)/limit + 2; len(windows) > most {
			t.Errorf("limit %d: got %d windows, want at most %d", limit, len(windows), most)
		}
	}
}

func testPlanThrough(t *testing.T, open Open) {
	s, want := store(t, open, every(10, 100))
	for _, through := range []int64{5, 10, 11, 555, 1000, 5000} {
		_, got := tile(t, s, through, 30)
		n := min(int(through/10), len(want))
		if diff := cmp.Diff(want[:n], got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("through %d (-want +got):\n%s", through, diff)
		}
	}
}

// testPlanSparse sees that few events among many positions do not make many
// small windows.
func testPlanSparse(t *testing.T, open Open) {
	var bursts []int64
	for burst := range int64(5) {
		for p := range int64(1200) {
			bursts = append(bursts, burst*1_000_000+p+1)
		}
	}
	for name, positions := range map[string][]int64{
		"even":   every(1000, 6000),
		"bursts": bursts,
	} {
		t.Run(name, func(t *testing.T) {
			s, want := store(t, open, positions)
			windows, got := tile(t, s, positions[len(positions)-1], 2000)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the windows do not hold the store (-want +got):\n%s", diff)
			}
			if most := 5; len(windows) > most {
				t.Errorf("got %d windows for 6000 events by 2000, want at most %d: %v", len(windows), most, windows)
			}
		})
	}
}

func testPlanEdges(t *testing.T, open Open) {
	s, _ := store(t, open, dense(10))
	for _, c := range []struct {
		after, through int64
		limit          int
		want           source.Window
	}{
		{0, 10, 3, window(0, 3)},
		{0, 10, 10, window(0, 10)},
		{9, 10, 3, window(9, 10)},
		{10, 10, 3, window(10, 10)},
		{10, 100, 3, window(10, 10)},
		{8, 5, 3, window(8, 8)},
	} {
		got, _, err := s.Plan(t.Context(), source.Position{Seq: c.after}, source.Position{Seq: c.through}, c.limit)
		if err != nil || got != c.want {
			t.Errorf("plan after %d through %d by %d: got %s (%v), want %s", c.after, c.through, c.limit, got, err, c.want)
		}
	}
}
