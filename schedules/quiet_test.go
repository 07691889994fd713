package schedules_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// drowsy is a source whose quiet hours begin after some reads, in the middle
// of a window.
type drowsy struct {
	source.Source
	reads int // that are left
	until time.Time
}

func (d *drowsy) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	if w.Through.Seq-w.After.Seq == 1 {
		return d.Source.Read(ctx, w, fn)
	}
	d.reads--
	n := 0
	return d.Source.Read(ctx, w, func(e *source.Event) error {
		if n++; d.reads < 0 && n == 5 {
			return &source.QuietError{Until: d.until}
		}
		return fn(e)
	})
}

// A run that comes into quiet hours has not failed: it ends with what it has
// loaded, and the one after them loads the rest.
func TestQuiet(t *testing.T) {
	until := time.Date(2026, 6, 3, 20, 0, 0, 0, time.UTC)
	for reads := range 6 {
		r := newRig(t)
		r.append(40, "A", "x")
		rep := r.run(t, func(j *schedules.Job) {
			j.Workers, j.Source = 1, &drowsy{Source: r.src, reads: reads, until: until}
		})
		if done := reads > 4; rep.Quiet.IsZero() != done || !done && !rep.Quiet.Equal(until) || rep.Windows != min(max(int64(reads)-1, 0), 4) {
			t.Errorf("after %d reads: %d windows, quiet until %v", reads, rep.Windows, rep.Quiet)
		}
		for _, run := range r.state(t).Runs {
			if run.Error != "" {
				t.Errorf("after %d reads the run failed: %s", reads, run.Error)
			}
		}
		if rep := r.run(t); !rep.Quiet.IsZero() {
			t.Errorf("quiet until %v, in hours that are not", rep.Quiet)
		}
		r.expectOnce(t)
	}
}

// A rebuild that comes into quiet hours puts nothing in place, and goes on
// after them.
func TestQuietRebuild(t *testing.T) {
	r := newRig(t)
	r.append(40, "A", "x")
	r.run(t, under("old"))
	rep := r.rebuild(t, under("new"), func(j *schedules.Job) {
		j.Workers, j.Source = 1, &drowsy{Source: r.src, reads: 3, until: time.Now().Add(time.Hour)}
	})
	if got := r.eras(t); rep.Quiet.IsZero() || got["old"] != 40 || len(got) != 1 {
		t.Errorf("quiet until %v, rows %v", rep.Quiet, got)
	}
	if rep := r.rebuild(t, under("new")); !rep.Quiet.IsZero() || rep.Events == 40 {
		t.Errorf("the rebuild went on with %d events, quiet until %v", rep.Events, rep.Quiet)
	}
	if got := r.eras(t); got["new"] != 40 || len(got) != 1 {
		t.Errorf("rows %v", got)
	}
	r.expectOnce(t)
}

// A worker comes back when the hours end, however seldom the job is due.
func TestQuietWorker(t *testing.T) {
	until := time.Now().Add(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var runs []time.Time
	w := &schedules.Worker{Entries: []schedules.Entry{{
		Job: jobName, Schedule: "@every 24h",
		Last: func(context.Context) (time.Time, error) { return time.Time{}, nil },
		Run: func(context.Context, <-chan struct{}) (*schedules.Report, error) {
			runs = append(runs, time.Now())
			if len(runs) == 1 {
				return &schedules.Report{Quiet: until}, nil
			}
			cancel()
			return &schedules.Report{}, nil
		},
	}}}
	if err := w.Serve(ctx); err != nil {
		t.Fatal(err)
	}
	if len(runs) != 2 || runs[1].Before(until) || !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("runs at %v, quiet until %v (%v)", runs, until, ctx.Err())
	}
}
