package schedules_test

import (
	"errors"
	"testing"
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
