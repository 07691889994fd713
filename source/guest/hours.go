package guest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// hours are a part of some days of the week, as a clock on the wall of a zone
// shows it.
type hours struct {
	begin, end int // minutes since midnight; end is later, and may be tomorrow
	zone       *time.Location
	days       [7]bool // by time.Weekday: on which they begin
}

const dayMinutes = 24 * 60

// parseHours reads HH:MM-HH:MM, a time zone and days, which may be left out.
// Hours that end before they begin end on the next day.
func parseHours(text string) (hours, error) {
	h := hours{begin: -1, zone: time.Local}
	daily := true
	for _, word := range strings.Fields(text) {
		var from, to clock
		if _, err := fmt.Sscanf(word+"\n", "%d:%d-%d:%d\n", &from.hour, &from.minute, &to.hour, &to.minute); err == nil {
			if h.begin >= 0 || !from.valid() || !to.valid() || from == to {
				return hours{}, fmt.Errorf("%q are no hours", text)
			}
			h.begin, h.end = from.minutes(), to.minutes()
			if h.end <= h.begin {
				h.end += dayMinutes
			}
			continue
		}
		if err := h.addDays(word); err == nil {
			daily = false
			continue
		}
		zone, err := time.LoadLocation(word)
		if err != nil {
			return hours{}, fmt.Errorf("%s in %q is neither hours nor days nor a time zone", word, text)
		}
		h.zone = zone
	}
	if h.begin < 0 || h.begin >= dayMinutes {
		return hours{}, fmt.Errorf("%q are no hours", text)
	}
	if daily {
		h.days = [7]bool{true, true, true, true, true, true, true}
	}
	return h, nil
}

type clock struct{ hour, minute int }

func (c clock) minutes() int { return 60*c.hour + c.minute }

// valid includes 24:00, the end of a day.
func (c clock) valid() bool {
	return c.hour >= 0 && c.minute >= 0 && c.minute < 60 && c.minutes() <= dayMinutes
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// addDays adds days such as mon, sat,sun or fri-mon.
func (h *hours) addDays(text string) error {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, to := slices.Index(weekdays, first), slices.Index(weekdays, last)
		if from < 0 || to < 0 {
			return errors.New("no days")
		}
		for day := from; ; day = (day + 1) % 7 {
			h.days[day] = true
			if day == to {
				break
			}
		}
	}
	return nil
}

// until gives when the hours end that t lies in, or t.
func (h hours) until(t time.Time) time.Time {
	year, month, day := t.In(h.zone).Date()
	for _, d := range []int{day - 1, day} { // they may have begun yesterday
		at := func(minutes int) time.Time { return time.Date(year, month, d, 0, minutes, 0, 0, h.zone) }
		if h.days[at(0).Weekday()] && !t.Before(at(h.begin)) && t.Before(at(h.end)) {
			return at(h.end)
		}
	}
	return t
}

// quietUntil gives when the first moment is, from t on, that lies in none of
// the hours. It looks no further than a little over a week.
func quietUntil(all []hours, t time.Time) time.Time {
	for start := t; t.Sub(start) <= week+24*time.Hour; {
		before := t
		for _, h := range all {
			t = h.until(t)
		}
		if t.Equal(before) {
			break
		}
	}
	return t
}

const week = 7 * 24 * time.Hour

// always tells whether the hours leave none of a week.
func always(all []hours) bool {
	start := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC) // no zone changes its clocks in this week
	return quietUntil(all, start).Sub(start) > week
}
