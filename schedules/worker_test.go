package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// A diary is what a worker did, as it was told.
type diary struct {
	mu       sync.Mutex
	outcomes []schedules.Outcome // that have ended
	running  map[string]bool
	together int // the most runs there were at a time
	problems []string
}

func (d *diary) told(o schedules.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running == nil {
		d.running = make(map[string]bool)
	}
	if o.Ended.IsZero() == d.running[o.Job] {
		d.problems = append(d.problems, fmt.Sprintf("two runs of %s at %s", o.Job, o.Started))
	}
	if d.running[o.Job] = o.Ended.IsZero(); !d.running[o.Job] {
		delete(d.running, o.Job)
		d.outcomes = append(d.outcomes, o)
	}
	d.together = max(d.together, len(d.running))
}

// of gives the runs of a job that have ended.
func (d *diary) of(job string) (runs []schedules.Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.outcomes {
		if o.Job == job {
			runs = append(runs, o)
		}
	}
	return runs
}

// last tells when the last good run of a job began, as a ledger would.
func (d *diary) last(job string) func(context.Context) (time.Time, error) {
	return func(context.Context) (last time.Time, _ error) {
		for _, o := range d.of(job) {
			if o.Err == nil {
				last = o.Started
			}
		}
		return last, nil
	}
}

// starts tells when the runs of a job began, in a zone.
func (d *diary) starts(job string, zone *time.Location) (at []string) {
	for _, o := range d.of(job) {
		at = append(at, o.Started.In(zone).Format("01-02 15:04:05"))
	}
	return at
}

// takes is a run that takes that long and then ends with err.
func takes(d time.Duration, err error) func(context.Context, <-chan struct{}) (*schedules.Report, error) {
	return func(ctx context.Context, _ <-chan struct{}) (*schedules.Report, error) {
		select {
		case <-time.After(d):
			return &schedules.Report{}, err
		case <-ctx.Done():
			return &schedules.Report{}, ctx.Err()
		}
	}
}

// until lets the worker work until a point in time, and stops it.
func until(t *testing.T, w *schedules.Worker, end time.Time) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	if err := w.Serve(ctx); err != nil {
		t.Fatal(err)
	}
}

func mustTime(t *testing.T, zone *time.Location, text string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestWorkerFortnight follows schedules through the fortnights in which the
// clocks are changed, with runs that are slow, runs that overlap, and a
// weekend on which the worker was down.
func TestWorkerFortnight(t *testing.T) {
	berlin, newYork := loadZone(t, "Europe/Berlin"), loadZone(t, "America/New_York")
	for _, tc := range []struct {
		name, begin, down, up, end string // in Berlin
		nightly, shop              []string
	}{
		{
			"spring", "2026-03-23 00:00:00", "2026-03-26 23:30:00", "2026-03-29 01:30:00", "2026-04-05 23:59:59",
			[]string{ // half past two, which the 29th does not have
				"03-23 00:00:00", "03-23 02:30:00", "03-24 02:30:00", "03-25 02:30:00", "03-26 02:30:00",
				"03-29 01:30:00", "03-29 03:00:00", "03-30 02:30:00", "03-31 02:30:00", "04-01 02:30:00",
				"04-02 02:30:00", "04-03 02:30:00", "04-04 02:30:00", "04-05 02:30:00",
			},
			[]string{"03-23 00:00:00", "03-29 23:00:00", "04-05 23:00:00"},
		},
		{
			"autumn", "2026-10-19 00:00:00", "2026-10-22 23:30:00", "2026-10-25 01:30:00", "2026-11-01 23:59:59",
			[]string{ // half past two, which the 25th has twice
				"10-19 00:00:00", "10-19 02:30:00", "10-20 02:30:00", "10-21 02:30:00", "10-22 02:30:00",
				"10-25 01:30:00", "10-25 02:30:00", "10-26 02:30:00", "10-27 02:30:00", "10-28 02:30:00",
				"10-29 02:30:00", "10-30 02:30:00", "10-31 02:30:00", "11-01 02:30:00",
			},
			// New York changes a week later, and is an hour nearer until then.
			[]string{"10-19 00:00:00", "10-25 22:00:00", "11-01 23:00:00"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin, end := mustTime(t, berlin, tc.begin), mustTime(t, berlin, tc.end)
				down, up := mustTime(t, berlin, tc.down), mustTime(t, berlin, tc.up)
				time.Sleep(time.Until(begin))
				var d diary
				worker := func() *schedules.Worker {
					return &schedules.Worker{Concurrent: 6, Told: d.told, Entries: []schedules.Entry{
						{Job: "nightly", Schedule: "30 2 * * *", Zone: berlin, Run: takes(10*time.Minute, nil), Last: d.last("nightly")},
						{Job: "shop", Schedule: "CRON_TZ=America/New_York 0 17 * * 0", Run: takes(time.Minute, nil), Last: d.last("shop")},
						{Job: "hourly", Schedule: "0 * * * *", Zone: berlin, Run: takes(time.Second, nil), Last: d.last("hourly")},
						{Job: "slow", Schedule: "*/10 * * * *", Zone: berlin, Run: takes(25*time.Minute, nil), Last: d.last("slow")},
						{Job: "often", Schedule: "@every 90m", Run: takes(time.Second, nil), Last: d.last("often")},
						{Job: "spread", Schedule: "15 * * * *", Zone: newYork, Jitter: 10 * time.Minute, Run: takes(time.Second, nil), Last: d.last("spread")},
						{Job: "never", Run: takes(0, nil)},
					}}
				}
				until(t, worker(), down)
				time.Sleep(time.Until(up))
				second := worker()
				until(t, second, end)

				if len(d.problems) > 0 {
					t.Error(strings.Join(d.problems, "\n"))
				}
				if diff := cmp.Diff(tc.nightly, d.starts("nightly", berlin)); diff != "" {
					t.Errorf("nightly (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.shop, d.starts("shop", berlin)); diff != "" {
					t.Errorf("shop (-want +got):\n%s", diff)
				}
				if got := d.of("never"); len(got) > 0 {
					t.Errorf("the job without a schedule ran at %s", got[0].Started)
				}
				checkHourly(t, &d, begin, down, up, end)
				checkSlow(t, &d, up)
				checkOften(t, &d)
				checkSpread(t, &d)
				for _, s := range second.States() {
					if s.Running != nil || s.Failures > 0 || s.Job != "never" && s.Good == nil {
						t.Errorf("in the end: %+v", s)
					}
				}
			})
		})
	}
}

// checkHourly wants a run in each hour that there was, whatever it is called,
// and one when the worker began.
func checkHourly(t *testing.T, d *diary, begin, down, up, end time.Time) {
	t.Helper()
	want := []time.Time{begin}
	for at := begin.Truncate(time.Hour).Add(time.Hour); at.Before(end); at = at.Add(time.Hour) {
		if at.Sub(down) >= 0 && at.Before(up) {
			continue
		}
		if at.Sub(up) > 0 && at.Sub(up) < time.Hour {
			want = append(want, up)
		}
		want = append(want, at)
	}
	var got []time.Time
	for _, o := range d.of("hourly") {
		got = append(got, o.Started)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("hourly (-want +got):\n%s", diff)
	}
}

// checkSlow wants one run to make up for all times that fell into the one
// before, right after it.
func checkSlow(t *testing.T, d *diary, up time.Time) {
	t.Helper()
	runs := d.of("slow")
	if len(runs) < 500 {
		t.Errorf("%d runs of the slow job", len(runs))
	}
	for i := 1; i < len(runs); i++ {
		before := runs[i-1]
		if !runs[i].Started.Equal(before.Ended) && before.Err == nil && !runs[i].Started.Equal(up) {
			t.Errorf("the slow job ended at %s and began again at %s", before.Ended, runs[i].Started)
		}
		if runs[i].Due.After(runs[i].Started) || before.Err == nil && !runs[i].Due.After(before.Due) {
			t.Errorf("the slow job was due at %s, began at %s, and was due before at %s", runs[i].Due, runs[i].Started, runs[i-1].Due)
		}
	}
}

// checkOften wants runs 90 minutes apart, but for the time without a worker.
func checkOften(t *testing.T, d *diary) {
	t.Helper()
	var odd []time.Duration
	runs := d.of("often")
	for i := 1; i < len(runs); i++ {
		if apart := runs[i].Started.Sub(runs[i-1].Started); apart != 90*time.Minute {
			odd = append(odd, apart)
		}
	}
	if len(odd) != 1 {
		t.Errorf("besides 90 minutes, runs were %s apart; want one pause", odd)
	}
}

// checkSpread wants runs up to ten minutes after a quarter past, and not all alike.
func checkSpread(t *testing.T, d *diary) {
	t.Helper()
	delays := make(map[time.Duration]bool)
	late := 0
	for _, o := range d.of("spread") {
		delay := o.Started.Sub(o.Due)
		if delays[delay] = true; delay < 0 || delay >= 10*time.Minute {
			late++
		}
	}
	if len(delays) < 100 || late > 2 { // the first of each worker
		t.Errorf("%d different delays, %d of more than ten minutes", len(delays), late)
	}
}

func TestWorkerTriesAgain(t *testing.T) {
	passing := source.Transient(errors.New("the server is gone"))
	for _, tc := range []struct {
		name     string
		schedule string
		retries  int
		errs     []error // of one run after the other; the last counts on
		want     []time.Duration
		failures int
	}{
		{"what may pass", "@daily", 0, []error{passing, passing, passing, nil}, []time.Duration{0, 5, 15, 35}, 0},
		{"what is not known", "@daily", 0, []error{errors.New("the disk is full"), nil}, []time.Duration{0, 5}, 0},
		{"for half an hour", "@daily", 0, []error{passing}, []time.Duration{0, 5, 15, 35, 75, 155, 315, 615, 915, 1215, 1515}, 11},
		{"twice", "@daily", 2, []error{passing}, []time.Duration{0, 5, 15}, 3},
		{"never", "@daily", -1, []error{passing}, []time.Duration{0}, 1},
		{"until it is due anyway", "* * * * *", 0, []error{passing, passing, passing, passing, passing, passing, nil}, []time.Duration{0, 5, 15, 35, 60, 65, 75}, 0},
		{"what is held", "@daily", 1, []error{
			fmt.Errorf("lock: %w", schedules.ErrHeld), schedules.ErrHeld, schedules.ErrHeld, passing, nil,
		}, []time.Duration{0, 30, 60, 90, 95}, 0},
		{"data that disagrees", "@daily", 0, []error{&schedules.DisagreeError{Reason: "gone"}}, []time.Duration{0}, 1},
		{"other rules", "@daily", 0, []error{fmt.Errorf("run: %w", &schedules.RulesError{})}, []time.Duration{0}, 1},
		{"what says so itself", "@daily", 0, []error{lasts{}}, []time.Duration{0}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				n := 0
				w := &schedules.Worker{Told: d.told, Entries: []schedules.Entry{{
					Job: "shop", Schedule: tc.schedule, Zone: time.UTC, Retries: tc.retries, Last: d.last("shop"),
					Run: func(context.Context, <-chan struct{}) (*schedules.Report, error) {
						n++
						return nil, tc.errs[min(n, len(tc.errs))-1]
					},
				}}}
				begin := time.Now()
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- w.Serve(ctx) }()
				time.Sleep(time.Hour)
				runs := d.of("shop")
				runs = runs[:min(len(runs), len(tc.want)+1)]
				if tc.schedule != "@daily" {
					runs = runs[:len(tc.want)]
				}
				var got []time.Duration
				for i, o := range runs {
					got = append(got, o.Started.Sub(begin))
					if i+1 < len(runs) && !o.Retry.IsZero() && !o.Retry.Equal(runs[i+1].Started) {
						t.Errorf("run %d was to be tried again at %s, and was at %s", i, o.Retry, runs[i+1].Started)
					}
				}
				near := cmp.Comparer(func(a, b time.Duration) bool { // pauses are shorter by up to a quarter
					a, b = min(a, b), max(a, b)
					return a >= b*3/4-time.Second
				})
				want := slices.Clone(tc.want)
				for i := range want {
					want[i] *= time.Second
				}
				if diff := cmp.Diff(want, got, near); diff != "" {
					t.Errorf("runs began (-want +got):\n%s", diff)
				}
				if s := w.States()[0]; s.Failures != tc.failures {
					t.Errorf("%d failures, want %d", s.Failures, tc.failures)
				}
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// lasts is an error that says of itself that it lasts.
type lasts struct{}

func (lasts) Error() string { return "it is so" }
func (lasts) Lasting() bool { return true }
