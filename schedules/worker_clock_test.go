package schedules

import (
	"testing"
	"time"
)

// TestWorkerClockSetBack wants a clock that was years ahead, and is put right,
// not to hold up runs until that day.
func TestWorkerClockSetBack(t *testing.T) {
	followers, err := follow([]Entry{{Job: "shop", Schedule: "0 * * * *", Zone: time.UTC}, {Job: "till"}})
	if err != nil {
		t.Fatal(err)
	}
	ahead := time.Date(2036, 1, 1, 0, 30, 0, 0, time.UTC)
	f := followers[0]
	for _, f := range followers {
		f.catchUp(ahead, ahead)
	}
	f.retry = ahead.Add(time.Minute)
	now := time.Date(2026, 1, 1, 12, 30, 0, 0, time.UTC)
	for _, f := range followers {
		f.setBack(now)
	}
	if want := now.Add(30 * time.Minute); !f.due.Equal(want) || !f.at.Equal(want) {
		t.Errorf("due at %s, begins at %s, want %s", f.due, f.at, want)
	}
	if f.retry.Sub(now) > longestPause {
		t.Errorf("tried again at %s", f.retry)
	}
	if !followers[1].wakes().IsZero() {
		t.Errorf("a job without a schedule wakes at %s", followers[1].wakes())
	}
}

// TestWorkerClockSetForward wants no more than a moment for a clock that is
// set forward by years.
func TestWorkerClockSetForward(t *testing.T) {
	for _, line := range []string{"* * * * *", "@every 1s"} {
		times, err := ParseTimes(line, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		times.between(time.Unix(0, 0), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: it took %s", line, took)
		}
	}
}
