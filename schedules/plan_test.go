package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

func TestPlan(t *testing.T) {
	r := halfLoaded(t) // (0,20] of 35 events
	p, err := r.job(t).Plan(t.Context(), schedules.Range{})
	if err != nil {
		t.Fatal(err)
	}
	want := []schedules.Planned{{Window: window(20, 30), Events: 10}, {Window: window(30, 35), Events: 5}}
	if diff := cmp.Diff(want, p.New); diff != "" || len(p.Pending) != 0 || p.Events() != 15 {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	p, err = r.job(t).Plan(t.Context(), schedules.Range{After: at(18), Through: at(24)})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schedules.Planned{{Window: window(20, 24), Events: 4}}, p.New); diff != "" {
		t.Errorf("plan of a range (-want +got):\n%s", diff)
	}
	// Beyond the watermark nothing is planned, whatever is asked for.
	r.src.Hold(source.Watermark{Safe: at(31), Head: at(35)})
	p, err = r.job(t).Plan(t.Context(), schedules.Range{Through: at(99)})
	if err != nil || !p.Held || p.Events() != 11 || p.New[1].Through != at(31) {
		t.Errorf("plan up to the watermark: got %+v, %v", p, err)
	}
	if s := r.state(t); len(s.Pending) != 0 {
		t.Errorf("plan has written %v", s.Pending)
	}
}

// A plan that was saved is kept to, though windows are cut otherwise now.
func TestPlanPending(t *testing.T) {
	r := newRig(t)
	r.append(25, "A", "x")
	r.planOnly(t)
	r.append(5, "A", "x")
	p, err := r.job(t, func(j *schedules.Job) { j.WindowEvents = 7 }).Plan(t.Context(), schedules.Range{After: at(12)})
	if err != nil {
		t.Fatal(err)
	}
	want := &schedules.Plan{
		Job: jobName, Watermark: source.Watermark{Safe: at(30), Head: at(30)},
		Pending: []schedules.Planned{{Window: window(10, 20), Events: 10}, {Window: window(20, 25), Events: 5}},
		New:     []schedules.Planned{{Window: window(25, 30), Events: 5}},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestEstimate(t *testing.T) {
	r := newRig(t)
	if n, err := r.job(t).Estimate(t.Context(), &schedules.Plan{}); n != 0 || err != nil {
		t.Errorf("nothing: got %d, %v", n, err)
	}
	r.append(30, "A", "x")
	check := func(when string, events int64) {
		t.Helper()
		j := r.job(t)
		p, err := j.Plan(t.Context(), schedules.Range{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := j.Estimate(t.Context(), p)
		if err != nil || n < 15*events || n > 25*events { // {"n": 12, "x": "12"}
			t.Errorf("%s: got %d bytes for %d events, %v", when, n, events, err)
		}
	}
	check("before anything was loaded", 30)
	r.run(t)
	r.append(20, "A", "x")
	check("after a load", 20)
}

func TestPositionBefore(t *testing.T) {
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := newRig(t)
	seq := int64(0)
	for n := range 50 {
		seq += 1 + int64(n%7)*1000 // with holes
		e := source.Event{Position: at(seq), Stream: []byte("s"), StreamVersion: int64(n), Type: "A", SchemaVersion: 1,
			Data: fmt.Appendf(nil, `{"n": %d}`, n)}
		if n%5 != 3 { // some events have no time
			e.Time = day.AddDate(0, 0, n)
		}
		r.src.Append(e)
	}
	for n := -1; n <= 51; n++ {
		border := day.AddDate(0, 0, n)
		p, err := r.job(t).PositionBefore(t.Context(), border)
		if err != nil {
			t.Fatal(err)
		}
		err = r.src.Read(t.Context(), source.Window{Through: at(seq)}, func(e *source.Event) error {
			if early := e.Time.Before(border); !e.Time.IsZero() && early != (e.Position.Compare(p) <= 0) {
				t.Errorf("the border of %s is %s, and the event of %s at %s", border, p, e.Time, e.Position)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	empty := newRig(t)
	if p, err := empty.job(t).PositionBefore(t.Context(), day); err != nil || !p.IsZero() {
		t.Errorf("empty store: got %s, %v", p, err)
	}
}

func TestDiscover(t *testing.T) {
	r := newRig(t)
	eras := 20
	for era := range eras {
		r.append(500, fmt.Sprintf("Era%d", era), "x")
	}
	all := window(0, int64(r.events))
	shapes := func(w source.Window, sample int) (events int64, types int) {
		t.Helper()
		found, err := schedules.Discover(t.Context(), r.src, r.job(t).Pipeline, w, sample, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range found.All() {
			events += s.Events
		}
		return events, len(found.All())
	}
	if events, types := shapes(all, 640); events < 600 || events > 700 || types != eras {
		t.Errorf("sample of 640: got %d events of %d types", events, types)
	}
	if events, types := shapes(all, -1); events != 10_000 || types != eras {
		t.Errorf("all: got %d events of %d types", events, types)
	}
	if events, types := shapes(window(1000, 1200), 640); events != 200 || types != 1 {
		t.Errorf("a small range: got %d events of %d types", events, types)
	}
	if events, _ := shapes(source.Window{}, 640); events != 0 {
		t.Errorf("an empty range: got %d events", events)
	}
}

// Holes in the positions do not hide an era from the sample.
func TestDiscoverHoles(t *testing.T) {
	r := newRig(t)
	r.append(100, "Early", "x")
	for n := range 100 {
		r.src.Append(source.Event{Position: at(1_000_000 + int64(n)*37), Stream: []byte("s"), Type: "Late", SchemaVersion: 1, Data: []byte(`{}`)})
	}
	found, err := schedules.Discover(t.Context(), r.src, r.job(t).Pipeline, window(0, 1_003_700), 64, 2)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(found.All()); n != 2 {
		t.Errorf("got %d types", n)
	}
}

// stuck is a source that cannot say what comes after a position.
type stuck struct {
	source.Source
	after int64
}

var errStuck = errors.New("canceling statement due to statement timeout")

func (s stuck) Plan(ctx context.Context, after, through source.Position, limit int) (source.Window, int64, error) {
	if after.Seq >= s.after && through.Seq > after.Seq {
		return source.Window{}, 0, errStuck
	}
	return s.Source.Plan(ctx, after, through, limit)
}

// What can be planned is loaded, whatever comes after it.
func TestStuckPlan(t *testing.T) {
	r := newRig(t)
	r.append(55, "A", "x")
	j := r.job(t, func(j *schedules.Job) { j.Source = stuck{j.Source, 30} })
	rep, err := j.Run(t.Context())
	if !errors.Is(err, errStuck) || rep.Events != 30 {
		t.Errorf("got %+v, %v", rep, err)
	}
	if _, err := j.Plan(t.Context(), schedules.Range{}); !errors.Is(err, errStuck) {
		t.Errorf("plan: got %v", err)
	}
	r.run(t)
	r.expectOnce(t)
}
