package board

import (
	"maps"
	"math"
	"slices"
	"time"

	"backstory/schedules"
	"backstory/schedules/figures"
)

// Charts are drawn in a box of this many units, which is stretched to the
// width there is; what is written stands beside it.
const (
	boxWidth  = 600.0
	boxHeight = 120.0
)

// chart is a chart, ready to be drawn.
type chart struct {
	Top      string // what the upper edge stands for
	From, To time.Time
	Bars     []bar
	Line     []point
	Failures []float64 // where runs failed, from the left
	Summary  string
}

type bar struct {
	X, Y, Width, Height float64
	Text                string
}

type point struct{ X, Y float64 }

// widths are what a bar of the throughput may stand for.
var widths = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// maxBars is how many bars there may be before they stand for more each.
const maxBars = 72

// throughput counts events by when they were loaded, in a memory that does
// not grow with the number of windows.
type throughput struct {
	width       int // an index of widths
	bars        map[int64]int64
	first, last int64
}

func (t *throughput) add(at time.Time, events int64) {
	if at.IsZero() {
		return
	}
	n := at.Unix() / int64(widths[t.width].Seconds())
	if t.bars == nil {
		t.bars, t.first, t.last = make(map[int64]int64), n, n
	}
	t.bars[n] += events
	t.first, t.last = min(t.first, n), max(t.last, n)
	for t.last-t.first >= maxBars && t.width < len(widths)-1 {
		t.widen()
	}
}

func (t *throughput) widen() {
	old := int64(widths[t.width].Seconds())
	t.width++
	width, bars := int64(widths[t.width].Seconds()), make(map[int64]int64)
	for n, events := range t.bars {
		bars[n*old/width] += events
	}
	t.bars, t.first, t.last = bars, t.first*old/width, t.last*old/width
}

// chart draws the bars up to now; nil where nothing was loaded.
func (t throughput) chart(now time.Time) *chart {
	if len(t.bars) == 0 {
		return nil
	}
	t.bars = maps.Clone(t.bars)
	t.add(now, 0)
	var most int64
	for _, n := range t.bars {
		most = max(most, n)
	}
	width := widths[t.width]
	start := func(n int64) time.Time { return time.Unix(n*int64(width.Seconds()), 0).UTC() }
	first, count := t.first, t.last-t.first+1
	if least := int64(24); count < least { // a few bars are not to fill the box
		first, count = t.last-least+1, least
	}
	top := nice(float64(most))
	c := &chart{Top: figures.Thousands(int64(top)), From: start(first), To: start(t.last + 1), Summary: "events loaded per " + spoken(width)}
	each := boxWidth / float64(count)
	for n, events := range t.bars {
		if events == 0 {
			continue
		}
		h := float64(events) / top * boxHeight
		h = max(h, 1.5)
		c.Bars = append(c.Bars, bar{X: float64(n-first)*each + each*.1, Y: boxHeight - h, Width: each * .8, Height: h,
			Text: figures.Plural(events, "event") + ", " + clock(start(n))})
	}
	slices.SortFunc(c.Bars, func(a, b bar) int { return int(math.Copysign(1, a.X-b.X)) })
	return c
}

// lagChart draws for how long, at each moment, the tables had not been
// brought up to date: it grows until a run ends well that nothing held back,
// and falls to what that run took. runs are oldest first; nil where no run has ended well.
func lagChart(runs []run, since, now time.Time) *chart {
	var good []run
	for _, r := range runs {
		if r.Kind == "run" && r.Error == "" && !r.Ended.IsZero() && !r.Lost && !r.Held {
			good = append(good, r)
		}
	}
	if len(good) == 0 {
		return nil
	}
	from := good[0].Ended
	if !since.IsZero() && since.After(from) {
		from = since
	}
	if now.Sub(from) < time.Minute {
		from = now.Add(-time.Minute)
	}
	type moment struct {
		at  time.Time
		lag time.Duration
	}
	var line []moment
	current := good[0].Started
	for _, r := range good {
		if n := len(line); n > 0 || r.Ended.After(good[0].Ended) {
			line = append(line, moment{r.Ended, r.Ended.Sub(current)})
		}
		current = r.Started
		line = append(line, moment{r.Ended, r.Ended.Sub(current)})
	}
	line = append(line, moment{now, now.Sub(current)})
	most := time.Second
	for _, m := range line {
		most = max(most, m.lag)
	}
	top := niceDuration(most)
	c := &chart{Top: about(top), From: from, To: now, Summary: "time since the tables were up to date"}
	x := func(t time.Time) float64 {
		return min(max(float64(t.Sub(from))/float64(now.Sub(from)), 0), 1) * boxWidth
	}
	for _, m := range line {
		c.Line = append(c.Line, point{x(m.at), boxHeight - float64(m.lag)/float64(top)*boxHeight})
	}
	for _, r := range runs {
		if r.Error != "" && r.Ended.After(from) {
			c.Failures = append(c.Failures, x(r.Ended))
		}
	}
	return c
}

// nice rounds up to a figure that reads well.
func nice(v float64) float64 {
	if v < 1 {
		return 1
	}
	scale := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if v <= m*scale {
			return math.Ceil(m * scale)
		}
	}
	return v
}

func niceDuration(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if d > unit || unit == time.Second {
			return time.Duration(nice(float64(d)/float64(unit)) * float64(unit))
		}
	}
	return d
}

// joined puts together the runs that the ledger knows and those that the
// worker remembers, oldest first.
func joined(ledger []schedules.Run, told []run, running bool) []run {
	var all []run
	newest := true
	for _, l := range ledger { // newest first
		r := run{Kind: l.Kind, Started: l.Started, Ended: l.Finished, Windows: l.Windows, Events: l.Events, Error: l.Error}
		i := slices.IndexFunc(told, func(t run) bool {
			// The ledger's run lies within the worker's, which opens sources first.
			return !l.Started.Before(t.Started.Truncate(time.Microsecond)) && !l.Started.After(t.Ended)
		})
		if i >= 0 {
			told[i].Kind = l.Kind
		} else {
			r.Lost = l.Finished.IsZero() && !(running && newest)
			all = append(all, r)
		}
		newest = false
	}
	all = append(all, told...)
	slices.SortStableFunc(all, func(a, b run) int { return a.Started.Compare(b.Started) })
	return all
}
