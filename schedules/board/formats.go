package board

import (
	"fmt"
	"html/template"
	"reflect"
	"strconv"
	"strings"
	"time"

	"backstory/schedules/figures"
)

// formats are what the page's templates write values with.
var formats = template.FuncMap{
	"thousands": figures.Thousands,
	"plural":    figures.Plural,
	"bytes":     figures.Bytes,
	"clock":     clock,
	"about":     about,
	"visible":   figures.Visible,
	"stamp":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"hour":      func(t time.Time) string { return t.UTC().Format("15:04") },
	"second":    func(t time.Time) string { return t.UTC().Format(time.DateTime) },
	"upper":     func(s string) string { return strings.ToUpper(s[:1]) + s[1:] },
	"ago": func(now, t time.Time) string {
		if d := now.Sub(t).Truncate(time.Second); d > 0 {
			return about(d) + " ago"
		}
		return "just now"
	},
	"in": func(now, t time.Time) string {
		if d := t.Sub(now).Truncate(time.Second); d > 0 {
			return "in " + about(d)
		}
		return "now"
	},
	"took":  func(r run) string { return about(r.Ended.Sub(r.Started)) },
	"round": func(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) },
	"span":  span,
	"i64":   func(n int) int64 { return int64(n) },
	"dec":   func(n int) int { return n - 1 },
	"len64": func(list any) int64 { return int64(reflect.ValueOf(list).Len()) },
}

// clock writes a moment: 2026-01-02 15:04.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// about writes a time that has passed with at most two units: 3 h 20 min.
func about(d time.Duration) string {
	pair := func(big, small time.Duration, bigName, smallName string) string {
		d := d.Round(small)
		s := fmt.Sprintf("%d %s", d/big, bigName)
		if rest := d % big / small; rest > 0 {
			s += fmt.Sprintf(" %d %s", rest, smallName)
		}
		return s
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Millisecond:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second && d%time.Second >= 100*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute-time.Second/2:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour-time.Second/2:
		return pair(time.Minute, time.Second, "min", "s")
	case d < day-time.Minute/2:
		return pair(time.Hour, time.Minute, "h", "min")
	}
	return pair(day, time.Hour, "d", "h")
}

// spoken writes the unit that a bar stands for.
func spoken(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	case 7 * 24 * time.Hour:
		return "week"
	}
	return about(d)
}
