package schedules

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Times are the points in time at which something is due.
//
// The lines are those of github.com/robfig/cron, and so is what their fields
// mean, but not what becomes of them when clocks are changed: cron leaves out
// what is due in the hour that is skipped, and runs twice what is due in the
// hour that there is twice (robfig/cron, pull request 541). Here the first is
// due as soon as the clocks have been changed, and the second once, the first
// time. Lines with * for the hour are due in each hour that there is, in the
// doubled one twice. This is what Debian's cron does.
type Times struct {
	line  cron.Schedule
	zone  *time.Location
	every time.Duration // of @every, else 0
	// hourly says that the hour does not matter.
	hourly bool
}

// ParseTimes reads a cron line of five fields (minute, hour, day of the
// month, month, day of the week), @hourly and the like, or @every 15m. CRON_TZ=Europe/Berlin
// before the fields says where its hours are, else zone does; nil means the
// local zone.
func ParseTimes(line string, zone *time.Location) (*Times, error) {
	fail := func(err error) error { return fmt.Errorf("parse schedule %q: %w", line, err) }
	rest := strings.TrimSpace(line)
	if name, fields, ok := cutZone(rest); ok {
		if zone != nil {
			return nil, fail(errors.New("the time zone is given twice"))
		}
		var err error
		if zone, err = LoadZone(name); err != nil {
			return nil, fail(err)
		}
		rest = strings.TrimSpace(fields)
	}
	if zone == nil {
		zone = time.Local
	}
	parsed, err := cron.ParseStandard(rest)
	if err != nil {
		return nil, fail(err)
	}
	t := &Times{line: parsed, zone: zone}
	switch p := parsed.(type) {
	case cron.ConstantDelaySchedule:
		if t.every = p.Delay; !wholeSeconds(rest) {
			return nil, fail(errors.New("want whole seconds, and at least one"))
		}
	case *cron.SpecSchedule:
		p.Location = time.UTC // Next moves the clock of the wall there
		t.hourly = p.Hour&starBit != 0
		if t.Next(time.Unix(0, 0)).IsZero() {
			return nil, fail(errors.New("there is no such day"))
		}
	}
	return t, nil
}

// maxChanges is how many changes of the clocks Next looks past: more than
// there are anywhere in the five years that cron looks ahead.
const maxChanges = 64

// starBit is what cron's parser sets in a field that is *.
const starBit = 1 << 63

// wholeSeconds tells whether @every says what cron makes of it.
func wholeSeconds(line string) bool {
	d, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(line, "@every ")))
	return err == nil && d >= time.Second && d%time.Second == 0
}

// CheckSchedule tells what is wrong with a line that ParseTimes would read.
func CheckSchedule(line string, zone *time.Location) error {
	_, err := ParseTimes(line, zone)
	return err
}

// LoadZone gives the time zone of that name, such as Europe/Berlin.
func LoadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return nil, fmt.Errorf("there is no time zone %q", name)
	}
	return zone, nil
}

// cutZone takes the time zone off a line. cron's own parser panics where
// nothing stands behind it.
func cutZone(line string) (zone, rest string, ok bool) {
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		if after, found := strings.CutPrefix(line, prefix); found {
			zone, rest, _ = strings.Cut(after, " ")
			return zone, rest, true
		}
	}
	return "", line, false
}

// Next gives the first time after t, or the zero time where there is none
// within five years.
func (s *Times) Next(t time.Time) time.Time {
	if s.every > 0 {
		return s.line.Next(t).Round(0)
	}
	t = t.Round(0).In(s.zone)
	_, offset := t.Zone()
	begin, end := t.ZoneBounds()
	from := onWall(t, offset)
	if first := s.firstOnly(begin, offset); from.Before(first) {
		from = first
	}
	for range maxChanges {
		wall := s.line.Next(from)
		if wall.IsZero() {
			return time.Time{}
		}
		due := offWall(wall, offset).In(s.zone)
		if end.IsZero() || due.Before(end) {
			return due
		}
		// The clocks are changed before that.
		_, next := end.Zone()
		if !s.hourly && next > offset {
			if skipped := s.line.Next(onWall(end, offset).Add(-time.Second)); skipped.Before(onWall(end, next)) {
				return end
			}
		}
		from = onWall(end, next).Add(-time.Second)
		begin, offset = end, next
		if first := s.firstOnly(begin, offset); from.Before(first) {
			from = first
		}
		_, end = begin.ZoneBounds()
	}
	return time.Time{}
}

// firstOnly gives the time on the wall up to which clocks that were set back
// show what they have shown before, where that does not count; from there on
// they show what is new.
func (s *Times) firstOnly(begin time.Time, offset int) time.Time {
	if begin.IsZero() || s.hourly {
		return time.Time{}
	}
	_, before := begin.Add(-time.Nanosecond).Zone()
	return onWall(begin, max(before, offset)).Add(-time.Second)
}

// onWall gives what a clock shows that is that many seconds ahead of UTC, as
// a time in UTC, which knows no changes of clocks.
func onWall(t time.Time, offset int) time.Time {
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// offWall is the reverse of onWall.
func offWall(wall time.Time, offset int) time.Time {
	return wall.Add(-time.Duration(offset) * time.Second)
}

// mostCounted is how many times between counts at most: what counts by the
// second, and a clock that is set forward by years, must not hold up anything.
const mostCounted = 100_000

// between counts the times after one and up to another.
func (s *Times) between(after, through time.Time) (n int64) {
	if s.every > 0 {
		return int64(through.Sub(after) / s.every)
	}
	for t := s.Next(after); !t.IsZero() && !t.After(through) && n < mostCounted; t = s.Next(t) {
		n++
	}
	return n
}
