package schedules_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"backstory/schedules"

	"github.com/google/go-cmp/cmp"
)

// serve lets a worker work until the function it gives is called, which
// returns once the worker has ended.
func serve(t *testing.T, w *schedules.Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestWorkerLimit holds eight jobs that are due at once to two at a time, each
// in its turn.
func TestWorkerLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		w := &schedules.Worker{Told: d.told, Concurrent: 2}
		for _, job := range strings.Split("abcdefgh", "") {
			w.Entries = append(w.Entries, schedules.Entry{Job: job, Schedule: "0 1 * * *", Zone: time.UTC, Run: takes(10*time.Minute, nil)})
		}
		stop := serve(t, w)
		time.Sleep(3 * time.Hour)
		stop()
		if d.together != 2 || len(d.problems) > 0 || len(d.outcomes) != 8 {
			t.Errorf("%d runs, %d at a time, %s", len(d.outcomes), d.together, d.problems)
		}
		if last := d.outcomes[7]; last.Started.Hour() != 1 || last.Started.Minute() != 30 || last.Due.Minute() != 0 {
			t.Errorf("the last of eight began at %s", last.Started)
		}
	})
}

// TestWorkerOverlap counts the times that fell into a run.
func TestWorkerOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		first := true
		w := &schedules.Worker{Told: d.told, Entries: []schedules.Entry{{
			Job: "shop", Schedule: "*/10 * * * *", Zone: time.UTC,
			Run: func(ctx context.Context, stop <-chan struct{}) (*schedules.Report, error) {
				if first {
					first = false
					return takes(35*time.Minute, nil)(ctx, stop)
				}
				return takes(time.Minute, nil)(ctx, stop)
			},
		}}}
		stop := serve(t, w)
		time.Sleep(time.Hour + 30*time.Second)
		// From 0:10 to 0:45, then what 0:20, 0:30 and 0:40 were for, then as ever.
		if diff := cmp.Diff([]string{"01-01 00:10:00", "01-01 00:45:00", "01-01 00:50:00"}, d.starts("shop", time.UTC)); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		s := w.States()[0]
		if s.Skipped != 2 || s.Running == nil || s.Running.Due.Minute() != 0 || s.Next.Minute() != 10 {
			t.Errorf("state %+v, running %+v", s, s.Running)
		}
		stop()
	})
}

// TestWorkerEnds ends a worker while a run goes on.
func TestWorkerEnds(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(context.Context, <-chan struct{}) (*schedules.Report, error)
		want time.Duration // it took
		err  error
	}{
		{"the run ends when told", func(_ context.Context, stop <-chan struct{}) (*schedules.Report, error) {
			<-stop
			time.Sleep(3 * time.Second) // the windows under way
			return &schedules.Report{Stopped: true}, nil
		}, 3 * time.Second, nil},
		{"the run ends by itself", takes(time.Hour+7*time.Second, nil), 7 * time.Second, nil},
		{"the run is cut off", takes(100*time.Hour, nil), 20 * time.Second, schedules.ErrStopped},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				w := &schedules.Worker{Told: d.told, Grace: 20 * time.Second, Entries: []schedules.Entry{
					{Job: "shop", Schedule: "0 1 * * *", Zone: time.UTC, Run: tc.run},
					{Job: "till", Schedule: "1 2 * * *", Zone: time.UTC, Run: takes(0, nil)},
				}}
				stop := serve(t, w)
				time.Sleep(2 * time.Hour)
				asked := time.Now()
				stop()
				if took := time.Since(asked); took != tc.want {
					t.Errorf("it took %s, want %s", took, tc.want)
				}
				runs := d.of("shop")
				if len(runs) != 1 || !errors.Is(runs[0].Err, tc.err) {
					t.Errorf("runs: %+v", runs)
				}
				if s := w.States()[0]; s.Failures != 0 || s.Running != nil {
					t.Errorf("in the end: %+v", s)
				}
				if runs := d.of("till"); len(runs) > 0 {
					t.Errorf("a run began while the worker ended: %+v", runs)
				}
			})
		})
	}
}

// TestWorkerRests waits with what quiet hours or a quota have left.
func TestWorkerRests(t *testing.T) {
	for _, tc := range []struct {
		name, schedule string
		report         func(begin time.Time) schedules.Report
		want           []string
	}{
		{"quiet hours end before the next time", "0 1 * * *", func(begin time.Time) schedules.Report {
			return schedules.Report{Quiet: begin.Add(6 * time.Hour)}
		}, []string{"01-01 01:00:00", "01-01 06:00:00", "01-02 01:00:00"}},
		{"times in quiet hours", "@hourly", func(begin time.Time) schedules.Report {
			return schedules.Report{Quiet: begin.Add(22*time.Hour + 30*time.Minute)}
		}, []string{"01-01 01:00:00", "01-01 22:30:00", "01-01 23:00:00", "01-02 00:00:00", "01-02 01:00:00"}},
		{"a quota", "0 1 * * *", func(begin time.Time) schedules.Report {
			return schedules.Report{Deferred: &schedules.Deferred{Until: begin.Add(8 * time.Hour)}}
		}, []string{"01-01 01:00:00", "01-01 08:00:00", "01-02 01:00:00"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				left := tc.report(time.Now())
				w := &schedules.Worker{Told: d.told, Entries: []schedules.Entry{{
					Job: "shop", Schedule: tc.schedule, Zone: time.UTC,
					Run: func(context.Context, <-chan struct{}) (*schedules.Report, error) {
						rep := left
						left = schedules.Report{}
						return &rep, nil
					},
				}}}
				stop := serve(t, w)
				time.Sleep(25*time.Hour + time.Minute)
				stop()
				if diff := cmp.Diff(tc.want, d.starts("shop", time.UTC)); diff != "" {
					t.Errorf("runs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWorkerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		w := &schedules.Worker{Told: d.told, Entries: []schedules.Entry{{
			Job: "shop", Schedule: "0 1 * * *", Zone: time.UTC, Timeout: 10 * time.Minute, Retries: 1, Run: takes(time.Hour, nil),
		}}}
		stop := serve(t, w)
		time.Sleep(3 * time.Hour)
		stop()
		runs := d.of("shop")
		if len(runs) != 2 || runs[0].Retry.IsZero() || !runs[1].Retry.IsZero() || runs[1].Attempt != 2 || !runs[1].Due.Equal(runs[0].Due) {
			t.Fatalf("runs: %+v", runs)
		}
		var hint interface{ Hint() string }
		if err := runs[0].Err; !strings.Contains(err.Error(), "ended by its timeout of 10m0s") || !errors.As(err, &hint) ||
			runs[0].Ended.Sub(runs[0].Started) != 10*time.Minute {
			t.Errorf("it ended at %s with: %v", runs[0].Ended, err)
		}
	})
}

// TestWorkerPanics has a run panic, and one ask for when it ran last.
func TestWorkerPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var log bytes.Buffer
		w := &schedules.Worker{Told: d.told, Log: slog.New(slog.NewTextHandler(&log, nil)), Entries: []schedules.Entry{
			{Job: "shop", Schedule: "@hourly", Zone: time.UTC, Run: func(context.Context, <-chan struct{}) (*schedules.Report, error) { panic("the till is jammed") }},
			{
				Job: "till", Schedule: "@hourly", Zone: time.UTC, Run: takes(time.Second, nil),
				Last: func(context.Context) (time.Time, error) { panic("the ledger is jammed") },
			},
		}}
		stop := serve(t, w)
		time.Sleep(2*time.Hour + time.Minute)
		stop()
		var panicked *schedules.PanicError
		if runs := d.of("shop"); len(runs) != 2 || !errors.As(runs[0].Err, &panicked) || !runs[0].Retry.IsZero() {
			t.Errorf("the job that panics: %+v", runs)
		}
		if runs := d.of("till"); len(runs) != 3 || runs[0].Err != nil {
			t.Errorf("the other job: %+v", runs)
		}
		for _, want := range []string{"the till is jammed", "the ledger is jammed", "worker_life_test.go", "hint="} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %q:\n%s", want, &log)
			}
		}
	})
}

// TestWorkerReloads exchanges entries while runs go on.
func TestWorkerReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var broken atomic.Bool
		broken.Store(true)
		entry := func(job, schedule string, run func(context.Context, <-chan struct{}) (*schedules.Report, error)) schedules.Entry {
			return schedules.Entry{Job: job, Schedule: schedule, Zone: time.UTC, Run: run}
		}
		mended := func(context.Context, <-chan struct{}) (*schedules.Report, error) {
			if broken.Load() {
				return nil, &schedules.RulesError{}
			}
			return &schedules.Report{}, nil
		}
		w := &schedules.Worker{Told: d.told, Concurrent: 4, Entries: []schedules.Entry{
			entry("slow", "0 1 * * *", takes(2*time.Hour, errors.New("under the old configuration"))),
			entry("moved", "0 2 * * *", takes(0, nil)),
			entry("kept", "0 4 * * *", takes(0, nil)),
			entry("broken", "30 0 * * *", mended),
			entry("dropped", "0 2 * * *", takes(0, nil)),
		}}
		stop := serve(t, w)
		time.Sleep(90 * time.Minute)
		if err := w.Reload([]schedules.Entry{entry("slow", "every hour", takes(0, nil))}, 1, 0); err == nil {
			t.Error("a schedule that cannot be read is taken")
		}
		broken.Store(false)
		fresh := entry("new", "0 6 * * *", takes(0, nil))
		fresh.Last = d.last("new")
		err := w.Reload([]schedules.Entry{
			entry("moved", "0 3 * * *", takes(0, nil)),
			entry("kept", "0 4 * * *", takes(0, nil)),
			entry("broken", "30 0 * * *", mended),
			fresh,
		}, 4, 0)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var jobs []string
		for _, s := range w.States() {
			jobs = append(jobs, s.Job)
		}
		if want := []string{"moved", "kept", "broken", "new", "slow"}; !slices.Equal(jobs, want) {
			t.Errorf("jobs %s, want %s: what runs is among them until it has ended", jobs, want)
		}
		time.Sleep(6 * time.Hour)
		if n := len(w.States()); n != 4 {
			t.Errorf("%d jobs in the end", n)
		}
		stop()
		for job, want := range map[string][]string{
			"slow":    {"01-01 01:00:00"},
			"moved":   {"01-01 03:00:00"},
			"kept":    {"01-01 04:00:00"},
			"broken":  {"01-01 00:30:00", "01-01 01:30:00"},
			"new":     {"01-01 01:30:00", "01-01 06:00:00"},
			"dropped": nil,
		} {
			if diff := cmp.Diff(want, d.starts(job, time.UTC)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", job, diff)
			}
		}
		if len(d.problems) > 0 {
			t.Error(d.problems)
		}
	})
}

// TestWorkerRefuses wants Serve to say what is wrong with entries.
func TestWorkerRefuses(t *testing.T) {
	for _, entries := range [][]schedules.Entry{
		{{Job: "shop", Schedule: "every hour"}},
		{{Job: "shop"}, {Job: "shop"}},
	} {
		w := &schedules.Worker{Entries: entries}
		if err := w.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "job shop") {
			t.Errorf("got error %v", err)
		}
	}
}

// TestWorkerIsLookedAt asks for states while runs begin and end; the race
// detector has its say.
func TestWorkerIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &schedules.Worker{Concurrent: 2}
		w.Told = func(o schedules.Outcome) {
			for _, s := range w.States() {
				if s.Job == o.Job && o.Ended.IsZero() && s.Running == nil {
					t.Errorf("%s begins, and its state does not say so", o.Job)
				}
				if s.Job == o.Job && !o.Ended.IsZero() && (s.Last == nil || !s.Last.Ended.Equal(o.Ended)) {
					t.Errorf("%s has ended, and its state does not say so", o.Job)
				}
			}
		}
		for _, job := range []string{"a", "b", "c"} {
			w.Entries = append(w.Entries, schedules.Entry{Job: job, Schedule: "@every 1s", Run: takes(700*time.Millisecond, nil)})
		}
		stop := serve(t, w)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 100 {
					for _, s := range w.States() {
						if s.Last != nil {
							s.Last.Attempt = -1 // it is ours
						}
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		for _, s := range w.States() {
			if s.Last == nil || s.Last.Attempt != 1 {
				t.Errorf("%+v", s)
			}
		}
		stop()
	})
}

// TestWorkerStopsARun stops a real run between two windows; the next run
// loads the rest.
func TestWorkerStopsARun(t *testing.T) {
	r := newRig(t)
	r.append(100, "Order.Placed", "total")
	stop := make(chan struct{})
	var once sync.Once
	rep := r.run(t, func(j *schedules.Job) {
		j.Stop = stop
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepCommitted {
				once.Do(func() { close(stop) })
			}
		}
	})
	if !rep.Stopped || rep.Windows < 1 || rep.Windows > 2 {
		t.Fatalf("the stopped run: %+v", rep)
	}
	state := r.state(t)
	if got := len(state.Pending) + int(state.Totals.Windows); got != 10 || len(state.Pending) < 8 || state.Runs[0].Error != "" {
		t.Errorf("after it: %+v", state)
	}
	if rep := r.run(t); rep.Stopped || rep.Windows != int64(len(state.Pending)) {
		t.Errorf("the next run: %+v", rep)
	}
	if got := r.state(t).Totals.Events; got != 100 {
		t.Errorf("%d events are loaded, want 100", got)
	}
}

// TestRunPanics wants a panic in a window to be the run's error, not the end
// of the program.
func TestRunPanics(t *testing.T) {
	r := newRig(t)
	r.append(100, "Order.Placed", "total")
	_, err := r.job(t, func(j *schedules.Job) {
		j.Watch = func(s schedules.Step) {
			if s.Name == schedules.StepCommit {
				panic("out of paper")
			}
		}
	}).Run(t.Context())
	var panicked *schedules.PanicError
	if !errors.As(err, &panicked) || !bytes.Contains(panicked.Stack, []byte("TestRunPanics")) {
		t.Fatalf("got error %v", err)
	}
	if rep := r.run(t); rep.Events != 100 {
		t.Errorf("the next run: %+v", rep)
	}
}
