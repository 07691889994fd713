package schedules_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// thrifty is a sink that takes only so many loads a day.
type thrifty struct {
	sinks.Sink
	sinks.Inventory
	sinks.Generations
	sinks.Evolver
	aDay  int
	asked []sinks.Need
}

var tomorrow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func (s *thrifty) Ration(ctx context.Context, job string, n int, need sinks.Need) (*sinks.Ration, error) {
	s.asked = append(s.asked, need)
	loads, _, err := s.Manifests(ctx, job, n)
	r := &sinks.Ration{Loads: max(0, int64(s.aDay-len(loads))), Limit: "some loads a day"}
	if r.Loads < need.Windows {
		r.Back = tomorrow
	}
	return r, err
}

// rationed gives the rig's sink a limit.
func rationed(aDay int) (*thrifty, func(*schedules.Job)) {
	s := &thrifty{aDay: aDay}
	return s, func(j *schedules.Job) {
		s.Sink, s.Inventory = j.Sink, j.Sink.(sinks.Inventory)
		s.Generations, s.Evolver = j.Sink.(sinks.Generations), j.Sink.(sinks.Evolver)
		j.Sink = s
	}
}

// TestRationWidens loads many small windows as few large ones, where the sink
// takes no more, and leaves half of the day to the next runs.
func TestRationWidens(t *testing.T) {
	r := newRig(t)
	r.append(300, "A", "x")
	sink, limited := rationed(20)
	rep := r.run(t, limited)
	if rep.Deferred != nil || rep.Events != 300 || rep.Windows > 10 || rep.Windows < 5 {
		t.Errorf("got %d events in %d windows, %+v left; want all, in at most ten", rep.Events, rep.Windows, rep.Deferred)
	}
	r.expectOnce(t)
	if first, last := sink.asked[0], sink.asked[len(sink.asked)-1]; first.Windows != 30 || last.Windows != rep.Windows || len(last.Tables) != 1 || last.Bytes == 0 {
		t.Errorf("asked about %+v and %+v", first, last)
	}
	// Where there is room, windows are as they are configured.
	sink, limited = rationed(1000)
	r.append(50, "A", "x")
	if rep = r.run(t, limited); rep.Windows != 5 {
		t.Errorf("got %d windows, want 5", rep.Windows)
	}
	if n := len(sink.asked); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

// TestRationDefers ends a run without an error where the day's loads are used
// up, and goes on with the next one.
func TestRationDefers(t *testing.T) {
	r := newRig(t)
	r.append(50, "A", "x")
	r.planOnly(t) // five windows of ten, which stay as they are
	r.append(30, "A", "x")
	_, limited := rationed(3)
	p, err := r.job(t, limited).Plan(t.Context(), schedules.Range{})
	if err != nil {
		t.Fatal(err)
	}
	want := &schedules.Deferred{Windows: 3, Events: 50, Until: tomorrow, Limit: "some loads a day"}
	if diff := cmp.Diff(want, p.Deferred); diff != "" || len(p.Pending) != 3 || len(p.New) != 0 || p.Ration == nil {
		t.Errorf("plan: got %+v; deferred (-want +got):\n%s", p, diff)
	}
	rep := r.run(t, limited)
	if diff := cmp.Diff(want, rep.Deferred); diff != "" || rep.Windows != 3 || rep.Events != 30 {
		t.Errorf("got %d windows; deferred (-want +got):\n%s", rep.Windows, diff)
	}
	// What was not planned is not written down.
	if s := r.state(t); len(s.Pending) != 2 || s.Loaded[0] != window(0, 30) {
		t.Errorf("got pending %v, loaded %v", s.Pending, s.Loaded)
	}
	// Nothing is left: nothing is loaded, and nothing fails.
	if rep = r.run(t, limited); rep.Windows != 0 || rep.Deferred == nil || rep.Deferred.Events != 50 {
		t.Errorf("got %+v", rep)
	}
	_, limited = rationed(100)
	if rep = r.run(t, limited); rep.Deferred != nil || rep.Events != 50 {
		t.Errorf("got %+v", rep)
	}
	r.expectOnce(t)
}

// TestRationRebuild leaves the old generation in its place until all of the
// new one could be loaded.
func TestRationRebuild(t *testing.T) {
	r := newRig(t)
	r.append(40, "A", "x")
	r.run(t)
	_, limited := rationed(2)
	narrow := func(j *schedules.Job) { j.WindowEvents = 5_000_000 }
	if rep, err := r.job(t, limited, narrow).Rebuild(t.Context(), schedules.RebuildOptions{}); err != nil || rep.Generation != 2 {
		t.Fatalf("in one window: got %+v, %v", rep, err)
	}
	_, limited = rationed(0)
	_, err := r.job(t, limited).Rebuild(t.Context(), schedules.RebuildOptions{})
	var wait *schedules.DeferredError
	if !errors.As(err, &wait) || wait.Windows == 0 || wait.Hint() != "run backstory rebuild again after 2026-03-02 12:00 UTC; it goes on with what is loaded, and readers see the old tables until then" {
		t.Fatalf("got %v, want a DeferredError", err)
	}
	if live, err := r.place.Open(nil).Live(t.Context(), jobName); err != nil || live != 2 {
		t.Errorf("got generation %d, %v", live, err)
	}
	r.expectOnce(t)
	_, limited = rationed(9)
	if rep, err := r.job(t, limited).Rebuild(t.Context(), schedules.RebuildOptions{}); err != nil || rep.Generation != 3 {
		t.Fatalf("the day after: got %+v, %v", rep, err)
	}
	r.expectOnce(t)
}

// TestRationTimes tells the sink how far the events reach in time: in order,
// and to and fro.
func TestRationTimes(t *testing.T) {
	begin := time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	const days = 4018
	for name, c := range map[string]struct {
		day       func(n int) int
		walk, far int
	}{
		"in order": {func(n int) int { return n }, days - 1, days - 1},
		"shuffled": {func(n int) int { return n * 1_999 % days }, 20 * days, days},
		"no times": {nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for n := range days {
				e := source.Event{Position: at(int64(n) + 1), Stream: []byte("s"), StreamVersion: int64(n), Type: "A", SchemaVersion: 1, Data: []byte(`{"n": 1}`)}
				if c.day != nil {
					e.Time = begin.AddDate(0, 0, c.day(n))
				}
				r.src.Append(e)
			}
			sink, limited := rationed(1)
			if _, err := r.job(t, limited, func(j *schedules.Job) { j.WindowEvents = days }).Plan(t.Context(), schedules.Range{}); err != nil {
				t.Fatal(err)
			}
			need := sink.asked[0]
			walk := int(need.Walk / (24 * time.Hour))
			switch {
			case c.day == nil:
				if walk != 0 || !need.First.IsZero() {
					t.Errorf("got %+v of no times", need)
				}
			case name == "in order":
				if walk != c.walk || !need.First.Equal(begin) || !need.Last.Equal(begin.AddDate(0, 0, c.far)) {
					t.Errorf("got %s to %s, a walk of %d days", need.First, need.Last, walk)
				}
			case walk < 4*days:
				t.Errorf("got a walk of %d days, want many times %d", walk, days)
			}
		})
	}
}
