package schedules_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// TestStanding follows a job from its first run over one that a transaction
// held back to one that failed.
func TestStanding(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	ledger := &schedules.State{
		Loaded:  []source.Window{{Through: at(100)}},
		Pending: []schedules.Planned{{Window: source.Window{After: at(100), Through: at(150)}, Events: 40}},
		Runs: []schedules.Run{
			{Kind: "run", Started: minute(30), Finished: minute(31), Error: "no"},
			{Kind: "backfill", Started: minute(25), Finished: minute(26)},
			{Kind: "run", Started: minute(20), Finished: minute(21)},
		},
	}
	outcome := func(started int, safe, head int64, err error) *schedules.Outcome {
		mark := source.Watermark{Safe: at(safe), Head: at(head)}
		if safe < head {
			mark.Holders = []source.Holder{{PID: 7, Since: minute(5)}, {PID: 8, Since: minute(3)}}
		}
		return &schedules.Outcome{Started: minute(started), Ended: minute(started + 1), Err: err,
			Report: &schedules.Report{Watermark: mark, Held: safe < head}}
	}
	good, held, failed := outcome(20, 100, 100, nil), outcome(30, 150, 180, nil), outcome(40, 0, 0, errors.New("no"))
	for _, tc := range []struct {
		name             string
		state            schedules.JobState
		ledger           *schedules.State
		success, current int // minutes after noon, -1 for never
		behind           int64
		held             bool
		lag              time.Duration
	}{
		{"nothing is known", schedules.JobState{}, nil, -1, -1, 0, false, 0},
		{"a worker that has just begun", schedules.JobState{}, ledger, 20, 20, 40, false, 40 * time.Minute},
		{"a good run", schedules.JobState{Last: good, Good: good}, ledger, 20, 20, 40, false, 40 * time.Minute},
		{"a run that was held back", schedules.JobState{Last: held, Good: held}, ledger, 30, 20, 70, true, 40 * time.Minute},
		{"a failure after it", schedules.JobState{Last: failed, Good: held}, ledger, 30, 20, 70, true, 40 * time.Minute},
		{"a ledger that is out of reach", schedules.JobState{Last: good, Good: good}, nil, 20, 20, 0, false, 40 * time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			when := func(n int) time.Time {
				if n < 0 {
					return time.Time{}
				}
				return minute(n)
			}
			s := schedules.Stand(tc.state, tc.ledger, nil)
			if !s.Success.Equal(when(tc.success)) || !s.Current.Equal(when(tc.current)) {
				t.Errorf("success %s, current %s; want minutes %d and %d", s.Success, s.Current, tc.success, tc.current)
			}
			if got := s.Behind(); got != tc.behind {
				t.Errorf("behind %d, want %d", got, tc.behind)
			}
			if s.Held() != tc.held || s.HeldSince().IsZero() == tc.held {
				t.Errorf("held %t since %s, want %t", s.Held(), s.HeldSince(), tc.held)
			}
			if tc.held && !s.HeldSince().Equal(minute(3)) {
				t.Errorf("held since %s, want that of the oldest", s.HeldSince())
			}
			if got := s.Lag(minute(60)); got != tc.lag {
				t.Errorf("lag %s, want %s", got, tc.lag)
			}
		})
	}
}

// TestHeldSinceUnknown measures from the first run that was held back where
// the store does not say how long a transaction has been open.
func TestHeldSinceUnknown(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	known, unknown := source.Holder{PID: 7, Since: noon.Add(-time.Hour)}, source.Holder{PID: 8}
	for _, tc := range []struct {
		name    string
		holders []source.Holder
		from    time.Time
		want    time.Time
	}{
		{"nobody may be looked into", []source.Holder{unknown}, noon, noon},
		{"one may, and is older", []source.Holder{unknown, known}, noon, known.Since},
		{"one may, and is younger", []source.Holder{known, unknown}, noon.Add(-2 * time.Hour), noon.Add(-2 * time.Hour)},
		{"no run was counted", []source.Holder{known, unknown}, time.Time{}, known.Since},
	} {
		t.Run(tc.name, func(t *testing.T) {
			held := &schedules.Outcome{Report: &schedules.Report{Watermark: source.Watermark{Head: at(5), Holders: tc.holders}, Held: true}}
			s := schedules.Stand(schedules.JobState{Last: held, Good: held, HeldFrom: tc.from}, nil, nil)
			if got := s.HeldSince(); !got.Equal(tc.want) {
				t.Errorf("held since %s, want %s", got, tc.want)
			}
		})
	}
}

// TestWorkerHeldFrom follows a job through runs that are held back, one that
// finds no watermark, and one that is held back no more.
func TestWorkerHeldFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		runs := 0
		w := &schedules.Worker{Entries: []schedules.Entry{{Job: "shop", Schedule: "@every 1m", Run: func(context.Context, <-chan struct{}) (*schedules.Report, error) {
			rep := &schedules.Report{Watermark: source.Watermark{Safe: at(3), Head: at(3)}}
			switch runs++; runs {
			case 2, 3, 5:
				rep.Watermark.Head = at(9)
			case 4:
				rep.Watermark = source.Watermark{}
			}
			return rep, nil
		}}}}
		stop := serve(t, w)
		time.Sleep(30 * time.Second)
		for n, held := range []bool{false, false, true, true, true, true, false} {
			from := w.States()[0].HeldFrom
			if from.IsZero() == held || held && !from.Equal(begun.Add(2*time.Minute)) {
				t.Errorf("after %d runs: held from %s", n, from)
			}
			time.Sleep(time.Minute)
		}
		stop()
	})
}
