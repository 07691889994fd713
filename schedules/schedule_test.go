package schedules_test

import (
	"strings"
	"testing"
	"time"

	"backstory/schedules"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestTimes goes through days on which clocks are changed.
func TestTimes(t *testing.T) {
	const (
		berlin   = "Europe/Berlin"       // an hour, at 2 and at 3
		newYork  = "America/New_York"    // an hour, at 2
		lordHowe = "Australia/Lord_Howe" // half an hour, at 2
		santiago = "America/Santiago"    // an hour, at midnight
		apia     = "Pacific/Apia"        // left out the 30th of December 2011
	)
	for _, tc := range []struct {
		name, zone, line, after string
		want                    []string
	}{
		{"a usual day", berlin, "30 2 * * *", "2026-03-27T12:00:00Z", []string{"2026-03-28T02:30:00+01:00"}},
		{"in the gap", berlin, "30 2 * * *", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"in the gap, several", berlin, "*/20 2,3 * * *", "2026-03-28T12:00:00Z", []string{
			"2026-03-29T03:00:00+02:00", "2026-03-29T03:20:00+02:00", "2026-03-29T03:40:00+02:00", "2026-03-30T02:00:00+02:00",
		}},
		{"each hour, gap", berlin, "30 * * * *", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00", "2026-03-29T04:30:00+02:00"}},
		{"doubled", berlin, "30 2 * * *", "2026-10-24T12:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"doubled, from between", berlin, "30 2 * * *", "2026-10-25T01:10:00Z", []string{"2026-10-26T02:30:00+01:00"}},
		{"behind the doubled", berlin, "0 3 * * *", "2026-10-24T12:00:00Z", []string{"2026-10-25T03:00:00+01:00", "2026-10-26T03:00:00+01:00"}},
		{"each hour, doubled", berlin, "30 * * * *", "2026-10-25T00:00:00Z", []string{"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:30:00+01:00"}},
		{"each half hour, doubled", berlin, "*/30 * * * *", "2026-10-25T00:00:00Z", []string{
			"2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-25T03:00:00+01:00",
		}},
		{"gap", newYork, "15 2 * * *", "2026-03-07T12:00:00Z", []string{"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"}},
		{"doubled", newYork, "15 1 * * *", "2026-10-31T12:00:00Z", []string{"2026-11-01T01:15:00-04:00", "2026-11-02T01:15:00-05:00"}},
		{"gap of half an hour", lordHowe, "15 2 * * *", "2026-10-03T00:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"}},
		{"behind the gap", lordHowe, "30 2 * * *", "2026-10-03T00:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-05T02:30:00+11:00"}},
		{"both sides of the gap", lordHowe, "15,45 2 * * *", "2026-10-03T00:00:00Z", []string{"2026-10-04T02:30:00+11:00", "2026-10-04T02:45:00+11:00"}},
		{"half an hour doubled", lordHowe, "45 1 * * *", "2026-04-04T00:00:00Z", []string{"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30"}},
		{"before the doubled half", lordHowe, "15 1 * * *", "2026-04-04T00:00:00Z", []string{"2026-04-05T01:15:00+11:00", "2026-04-06T01:15:00+10:30"}},
		{"midnight is not there", santiago, "0 0 * * *", "2026-09-05T12:00:00Z", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"a day is not there", apia, "0 12 30 12 *", "2011-12-01T00:00:00Z", []string{"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"}},
		{"every", berlin, "@every 90m", "2026-03-29T00:00:00.5Z", []string{"2026-03-29T03:30:00+02:00", "2026-03-29T05:00:00+02:00"}},
		{"a zone of its own", "", "CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", []string{"2026-03-29T03:00:00+02:00"}},
		{"in summer years ahead", berlin, "0 4 29 2 *", "2024-03-01T00:00:00Z", []string{"2028-02-29T04:00:00+01:00"}},
	} {
		t.Run(tc.zone+" "+tc.name, func(t *testing.T) {
			var zone *time.Location
			if tc.zone != "" {
				zone = loadZone(t, tc.zone)
			}
			times, err := schedules.ParseTimes(tc.line, zone)
			if err != nil {
				t.Fatal(err)
			}
			if zone == nil {
				zone = loadZone(t, berlin)
			}
			at, err := time.Parse(time.RFC3339Nano, tc.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range tc.want {
				at = times.Next(at)
				got = append(got, at.In(zone).Format(time.RFC3339))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s after %s (-want +got):\n%s", tc.line, tc.after, diff)
			}
		})
	}
}

func loadZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := schedules.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestTimesNext holds Next to what is said of it by going through the minutes
// one by one, in zones of all kinds.
func TestTimesNext(t *testing.T) {
	lines := []string{"30 2 * * *", "*/20 1-3 * * *", "7 * * * *", "0 0 * * *", "15,45 1,2 * * 0", "59 23 * * 6", "*/15 * * * *"}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca", "Asia/Kathmandu"}
	rapid.Check(t, func(rt *rapid.T) {
		line := rapid.SampledFrom(lines).Draw(rt, "line")
		zone, err := schedules.LoadZone(rapid.SampledFrom(zones).Draw(rt, "zone"))
		if err != nil {
			rt.Fatal(err)
		}
		times, err := schedules.ParseTimes(line, zone)
		if err != nil {
			rt.Fatal(err)
		}
		plain, err := schedules.ParseTimes(line, time.UTC) // by the clock on the wall
		if err != nil {
			rt.Fatal(err)
		}
		hourly := strings.Fields(line)[1] == "*"
		start := time.Unix(rapid.Int64Range(1_735_689_600, 1_798_761_600).Draw(rt, "second"), 0) // 2025 and 2026
		// Near a change of the clocks, if there is one.
		if _, end := start.In(zone).ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(rt, "near") {
			start = end.Add(-time.Duration(rapid.IntRange(0, 3*3600).Draw(rt, "before")) * time.Second)
		}
		matches := func(wall time.Time) bool { return plain.Next(wall.Add(-time.Second)).Equal(wall) }
		due := func(at time.Time) bool {
			wall, now := wallOf(at, zone), at.In(zone)
			if hourly {
				return matches(wall)
			}
			_, offset := now.Zone()
			begin, _ := now.ZoneBounds()
			if begin.IsZero() {
				return matches(wall)
			}
			_, before := begin.Add(-time.Second).Zone()
			change := time.Duration(offset-before) * time.Second
			if change > 0 && at.Equal(begin) {
				for skipped := wall.Add(-change); skipped.Before(wall); skipped = skipped.Add(time.Minute) {
					if matches(skipped) {
						return true
					}
				}
			}
			return matches(wall) && at.Sub(begin) >= -change
		}
		end := times.Next(start)
		if end.Sub(start) > 8*24*time.Hour {
			rt.Fatalf("after %s nothing is due until %s", start, end)
		}
		for at := start.Truncate(time.Minute).Add(time.Minute); at.Before(end); at = at.Add(time.Minute) {
			if due(at) {
				rt.Fatalf("%s in %s: after %s comes %s, and %s is left out", line, zone, start, end.In(zone), at.In(zone))
			}
		}
		if !due(end) {
			rt.Fatalf("%s in %s: %s is not due", line, zone, end.In(zone))
		}
	})
}

// wallOf gives what the clock on the wall shows, as a time in UTC.
func wallOf(at time.Time, zone *time.Location) time.Time {
	_, offset := at.In(zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

func TestParseTimesRefuses(t *testing.T) {
	for _, tc := range []struct{ line, want string }{
		{"every hour", "expected exactly 5 fields"},
		{"61 * * * *", "above maximum"},
		{"0 0 30 2 *", "there is no such day"},
		{"@every 500ms", "want whole seconds"},
		{"@every 90s500ms", "want whole seconds"},
		{"@every -1h", "want whole seconds"},
		{"TZ=Europe/Berlin", "empty spec"},
		{"CRON_TZ= 0 0 * * *", `there is no time zone ""`},
		{"CRON_TZ=Europe/Bonn 0 0 * * *", `there is no time zone "Europe/Bonn"`},
		{"", "empty spec"},
	} {
		_, err := schedules.ParseTimes(tc.line, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got error %v, want %q", tc.line, err, tc.want)
		}
	}
	if _, err := schedules.ParseTimes("TZ=UTC 0 0 * * *", time.UTC); err == nil {
		t.Error("two time zones are taken")
	}
}
