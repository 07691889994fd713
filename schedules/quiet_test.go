package schedules_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"backstory/schedules"
	"backstory/sinks/parquet"
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

// Windows that were loaded again when quiet hours begin stay so, also where
// readers are shown many at once.
func TestQuietAgain(t *testing.T) {
	r := newRig(t)
	r.append(80, "A", "x")
	place, err := parquet.Open(t.Context(), parquet.Options{Path: scratch(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	into := func(j *schedules.Job) { j.Workers, j.Sink = 1, place }
	r.run(t, into)
	for left, tries := 8, 0; left > 0; tries++ {
		d := &drowsy{Source: r.src, reads: 3, until: time.Now().Add(time.Hour)}
		job := r.job(t, into, func(j *schedules.Job) { j.Source = d })
		var rep *schedules.Report
		if tries == 0 {
			rep, err = job.Again(t.Context(), schedules.Range{})
		} else {
			rep, err = job.Run(t.Context())
		}
		if err != nil || rep.Windows == 0 || tries > 8 {
			t.Fatalf("%d windows are left: got %+v, %v", left, rep, err)
		}
		left -= int(rep.Windows)
		if got := len(r.state(t).Again); got != left {
			t.Fatalf("%d windows are to be loaded again, want %d", got, left)
		}
	}
}

// Nobody is told that something is forgotten when quiet hours came first.
func TestQuietForget(t *testing.T) {
	r := newRig(t)
	r.append(40, "A", "x")
	r.run(t)
	var quiet *source.QuietError
	_, err := r.job(t, func(j *schedules.Job) {
		j.Source = &drowsy{Source: r.src, reads: 1, until: time.Now().Add(time.Hour)}
	}).Forget(t.Context(), schedules.ForgetOptions{Streams: []string{"s-1"}})
	if !errors.As(err, &quiet) {
		t.Fatalf("got %v, want a QuietError", err)
	}
	if s := r.state(t); len(s.Receipts) != 1 || !s.Receipts[0].Done.IsZero() {
		t.Fatalf("receipts: got %+v, want one that is open", s.Receipts)
	}
	r.run(t)
	if s := r.state(t); s.Receipts[0].Done.IsZero() || len(r.numbers(t)) != 26 {
		t.Errorf("after the next run: receipts %+v, %d events", s.Receipts, len(r.numbers(t)))
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
