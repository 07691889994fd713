package board

import (
	"slices"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"

	"pgregory.net/rapid"
)

func at(seq int64) source.Position { return source.Position{Seq: seq} }

// TestGridKeepsEverything builds grids of any windows: nothing is lost,
// nothing is out of order, and they stay small.
func TestGridKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g grid
		var want [states]int
		var events int64
		end := int64(0)
		for range rapid.IntRange(0, 3000).Draw(t, "windows") {
			after := end
			if rapid.IntRange(0, 20).Draw(t, "gap") == 0 {
				after += 5
				want[gap]++
			}
			w := schedules.WindowRecord{Window: source.Window{After: at(after), Through: at(after + 10)}, Events: 7}
			s := state(rapid.SampledFrom([]state{loaded, planned, again, quarantined}).Draw(t, "state"))
			if s != planned {
				w.Loaded = time.Unix(after, 0)
			}
			w.Again = s == again
			if s == quarantined {
				w.Quarantined = 1
			}
			g.add(w)
			want[s]++
			events += w.Events
			end = after + 10
		}
		g.gap(at(end)) // nothing is missing there
		if len(g.cells) > maxCells {
			t.Fatalf("%d cells", len(g.cells))
		}
		var got [states]int
		previous := source.Position{}
		for i, c := range g.cells {
			if c.After != previous {
				t.Fatalf("cell %d begins at %s, the one before ends at %s", i, c.After, previous)
			}
			previous = c.Through
			for s, n := range c.Windows {
				got[s] += n
				if n > 0 && state(s) > c.State() {
					t.Fatalf("cell %d is shown as %s and has %s", i, c.State(), state(s))
				}
			}
			events -= c.Events
		}
		if got != want || g.Counts != want || events != 0 || previous != at(end) {
			t.Fatalf("cells count %v, the grid %v, want %v; %d events are missing; it ends at %s, want %d", got, g.Counts, want, events, previous, end)
		}
	})
}

// TestGridShowsWhatIsBusy marks a planned window as one being loaded.
func TestGridShowsWhatIsBusy(t *testing.T) {
	var g grid
	for i := range int64(3) {
		g.add(schedules.WindowRecord{Window: source.Window{After: at(i * 10), Through: at(i*10 + 10)}})
	}
	g.busy(source.Window{After: at(10), Through: at(20)})
	g.gap(at(40))
	var got []state
	for _, c := range g.cells {
		got = append(got, c.State())
	}
	if want := []state{planned, loading, planned, gap}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestThroughputKeepsEverything counts events by when they were loaded, over
// a minute or over years.
func TestThroughputKeepsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b throughput
		var want int64
		over := rapid.SampledFrom([]int64{60, 3600, 86400, 86400 * 365 * 4}).Draw(t, "seconds")
		now := int64(1_700_000_000)
		for range rapid.IntRange(1, 300).Draw(t, "windows") {
			n := rapid.Int64Range(1, 1000).Draw(t, "events")
			b.add(time.Unix(now-rapid.Int64Range(0, over).Draw(t, "ago"), 0), n)
			want += n
		}
		var got int64
		for _, n := range b.bars {
			got += n
		}
		if got != want {
			t.Fatalf("%d events, want %d", got, want)
		}
		c := b.chart(time.Unix(now, 0))
		if len(c.Bars) > maxBars || len(c.Bars) == 0 || c.To.Unix() < now || c.To.Sub(c.From) < time.Minute {
			t.Fatalf("%d bars from %s to %s", len(c.Bars), c.From, c.To)
		}
		for _, bar := range c.Bars {
			if bar.X < 0 || bar.X+bar.Width > boxWidth+1e-6 || bar.Y < -1e-6 || bar.Y+bar.Height > boxHeight+1e-6 {
				t.Fatalf("bar %+v is outside of the box", bar)
			}
		}
	})
}

// TestLagChart follows the lag over a good run, a failed one and a good one.
func TestLagChart(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	runs := []run{
		{Kind: "run", Started: minute(0), Ended: minute(10)},
		{Kind: "run", Started: minute(20), Ended: minute(30), Error: "no"},
		{Kind: "backfill", Started: minute(31), Ended: minute(32)},
		{Kind: "run", Started: minute(33), Ended: minute(34), Held: true},
		{Kind: "run", Started: minute(40), Ended: minute(50)},
	}
	c := lagChart(runs, time.Time{}, minute(60))
	// From minute 10 to 60; the lag is 10 there, 50 before the second good run
	// ends and 10 after it, and 20 now. The upper edge is 50 minutes.
	want := []point{{0, 96}, {480, 0}, {480, 96}, {600, 72}}
	if c.Top != "50 min" || !slices.Equal(c.Line, want) || len(c.Failures) != 1 || c.Failures[0] != 240 {
		t.Errorf("top %s, line %v, failures %v; want 50 min, %v, [240]", c.Top, c.Line, c.Failures, want)
	}
	if c := lagChart(runs[1:2], time.Time{}, minute(60)); c != nil {
		t.Errorf("a lag is drawn that nobody knows: %+v", c)
	}
}

// TestJoined puts together what ledger and worker know of the same runs.
func TestJoined(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	second := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	ledger := []schedules.Run{
		{Kind: "run", Started: second(41)},
		{Kind: "run", Started: second(31), Finished: second(35), Events: 3},
		{Kind: "rebuild", Started: second(10)},
	}
	told := []run{
		{Kind: "run", Started: second(20), Ended: second(21), Error: "no source"},
		{Kind: "run", Started: second(30), Ended: second(36), Events: 3, Hint: "kept"},
	}
	got := joined(ledger, told, true)
	if len(got) != 4 || !got[0].Lost || got[0].Kind != "rebuild" || got[1].Error == "" || got[2].Hint != "kept" || got[3].Lost || !got[3].Ended.IsZero() {
		t.Errorf("got %+v", got)
	}
	if got := joined(ledger, told, false); !got[3].Lost {
		t.Error("a run that nobody does any more is shown as under way")
	}
}
