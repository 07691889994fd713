package schedules_test

import (
	"testing"

	"backstory/schedules"
)

func TestRunsADay(t *testing.T) {
	for line, want := range map[string]int64{
		"* * * * *":             1440,
		"*/5 * * * *":           288,
		"@hourly":               24,
		"@every 30s":            2880,
		"@every 48h":            1,
		"0 3 * * *":             1,
		"*/10 9-17 * * 1-5":     54,
		"* * 13 2 *":            1440,
		"0 0 1 1 *":             1,
		"0 8,20 * * *":          2,
		"CRON_TZ=UTC 5 4 * * *": 1,
	} {
		times, err := schedules.ParseTimes(line, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := times.RunsADay(); got != want {
			t.Errorf("%s: got %d runs a day, want %d", line, got, want)
		}
	}
}
