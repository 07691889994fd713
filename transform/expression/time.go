package expression

import (
	"math"
	"strings"
	"time"

	"backstory/transform"
)

const durationHint = "write .Seconds() or .Hours() behind the duration"

// Times and durations are counted in microseconds.
const (
	second = 1_000_000
	minute = 60 * second
	hour   = 60 * minute
)

// The first and the last microsecond that four digits of a year can name.
var (
	firstTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastTime  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

func timeValue(column int, micros int64) (value, error) {
	if micros < firstTime || micros > lastTime {
		return value{}, fault(column, "the time is before the year 1 or after the year 9999")
	}
	return value{kind: instant, num: micros}, nil
}

func asTime(v *value) time.Time { return time.UnixMicro(v.num).UTC() }

// appendTime appends a time as ISO 8601.
func appendTime(dst []byte, micros int64) []byte {
	return time.UnixMicro(micros).UTC().AppendFormat(dst, "2006-01-02T15:04:05.999999Z07:00")
}

// addTimes computes + and - of times and durations.
func addTimes(column int, op operator, a, b *value) (value, error) {
	x, y := a.num, b.num
	if op == minus {
		y = -y // no time and no duration is as small as to have no negative
	}
	r := x + y
	fits := (r > x) == (y > 0)
	switch {
	case a.kind == span && b.kind == span, a.kind == instant && b.kind == instant && op == minus:
		if !fits || r == math.MinInt64 {
			return value{}, fault(column, "the duration is too long")
		}
		return value{kind: span, num: r}, nil
	case a.kind == instant && b.kind == span, a.kind == span && b.kind == instant && op == plus:
		if !fits {
			r = lastTime + 1
		}
		return timeValue(column, r)
	}
	return value{}, noPairing(column, op, a, b)
}

// date reads text as ISO 8601, taken for UTC where it names no zone, or by a
// layout as Go's time package has them.
func date(m *machine, column int, args []value) (value, error) {
	if args[0].kind == instant {
		return args[0], nil
	}
	x := m.bytes(&args[0])
	if len(args) == 1 {
		m.scrap.Reset()
		if v, ok := m.scrap.NewText(transform.ValueString, x[:min(len(x), 64)]); ok && len(x) <= 64 {
			if micros, _, ok := m.scrap.Time(v); ok {
				return timeValue(column, micros)
			}
		}
		t, err := time.Parse(time.DateOnly, string(x))
		if err != nil {
			return value{}, fault(column, "date of %s, want ISO 8601 with at most microseconds", tellText(x)).
				advise("name the layout as the second argument: date(text, \"02.01.2006\")")
		}
		return timeValue(column, t.UnixMicro())
	}
	layout := string(m.bytes(&args[1]))
	if strings.Contains(layout, "MST") {
		return value{}, fault(column, "a layout cannot name zones by letters").advise("write Z07:00 or -0700 in the layout")
	}
	t, err := time.ParseInLocation(layout, string(x), time.UTC)
	if err != nil {
		return value{}, fault(column, "date of %s does not follow the layout %s", tellText(x), tellText(m.bytes(&args[1])))
	}
	if t.Nanosecond()%1000 != 0 {
		return value{}, fault(column, "date of %s is finer than a microsecond", tellText(x))
	}
	return timeValue(column, t.UnixMicro())
}

// duration reads text such as 1h30m.
func duration(m *machine, column int, args []value) (value, error) {
	x := m.bytes(&args[0])
	d, err := time.ParseDuration(string(x))
	if err != nil || d%time.Microsecond != 0 {
		return value{}, fault(column, "duration of %s, want one such as 1h30m, of whole microseconds", tellText(x))
	}
	return value{kind: span, num: d.Microseconds()}, nil
}

// timePart gives the function that is the method of time.Time of that name.
func timePart(name string) func(*machine, int, []value) (value, error) {
	parts := map[string]func(time.Time) int64{
		"Year":      func(t time.Time) int64 { return int64(t.Year()) },
		"Month":     func(t time.Time) int64 { return int64(t.Month()) },
		"Day":       func(t time.Time) int64 { return int64(t.Day()) },
		"YearDay":   func(t time.Time) int64 { return int64(t.YearDay()) },
		"Weekday":   func(t time.Time) int64 { return int64(t.Weekday()) },
		"Hour":      func(t time.Time) int64 { return int64(t.Hour()) },
		"Minute":    func(t time.Time) int64 { return int64(t.Minute()) },
		"Second":    func(t time.Time) int64 { return int64(t.Second()) },
		"Unix":      time.Time.Unix,
		"UnixMilli": time.Time.UnixMilli,
		"UnixMicro": time.Time.UnixMicro,
	}
	part := parts[name]
	return func(_ *machine, _ int, args []value) (value, error) {
		return intValue(part(asTime(&args[0]))), nil
	}
}

// format writes a time by a layout as Go's time package has them.
func format(m *machine, column int, args []value) (value, error) {
	layout := m.bytes(&args[1])
	if err := m.take(column, 10*len(layout)); err != nil { // January for Jan, and the like
		return value{}, err
	}
	start := len(m.scratch)
	m.scratch = asTime(&args[0]).AppendFormat(m.scratch, string(layout))
	return textValue(m.scratch[start:]), nil
}

func spanIn(unit float64) func(*machine, int, []value) (value, error) {
	return func(_ *machine, _ int, args []value) (value, error) {
		return floatValue(float64(args[0].num) / unit), nil
	}
}

func milliseconds(_ *machine, _ int, args []value) (value, error) {
	return intValue(args[0].num / 1000), nil
}
