package upcast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func parseDate(t rapid.TB, text, format, more string) string {
	t.Helper()
	o := compileOne(t, fmt.Sprintf(`{"parse":{"v":{"date":%q%s}}}`, format, more), Options{})
	s := scopeOf(t, fmt.Sprintf(`{"v":%q}`, text), "")
	if err := o.Apply(s); err != nil {
		return "error: " + strings.TrimPrefix(err.Error(), "parse v: ")
	}
	return string(s.Doc.Text(s.Doc.Get("v")))
}

func TestParseDate(t *testing.T) {
	for _, tt := range []struct{ text, format, more, want string }{
		{"31.01.2025", "%d.%m.%Y", "", "2025-01-31T00:00:00"},
		{"1.2.2025", "%d.%m.%Y", "", "2025-02-01T00:00:00"},
		{"20250131", "%Y%m%d", "", "2025-01-31T00:00:00"},
		{"01/31/25 3:04 PM", "%m/%d/%y %I:%M %p", "", "2025-01-31T15:04:00"},
		{"01/31/69 12:04 am", "%m/%d/%y %I:%M %p", "", "1969-01-31T00:04:00"},
		{"31-Jan-2025 09:30:05", "%d-%b-%Y %H:%M:%S", "", "2025-01-31T09:30:05"},
		{"may 5, 2025", "%B %d, %Y", "", "2025-05-05T00:00:00"},
		{"2025-01-31 09:30:05.12", "%Y-%m-%d %H:%M:%S.%f", "", "2025-01-31T09:30:05.120000"},
		{"2025-01-31 09:30:05 +0130", "%Y-%m-%d %H:%M:%S %z", "", "2025-01-31T09:30:05+0130"},
		{"2025-01-31", "%Y-%m-%d", `,"zone":"UTC"`, "2025-01-31T00:00:00+00:00"},
		{"100% 2025-01-31", "100%% %Y-%m-%d", "", "2025-01-31T00:00:00"},
		{"29.02.2025", "%d.%m.%Y", "", `error: want a day that exists, got the text "29.02.2025"`},
		{"01.01.0000", "%d.%m.%Y", "", `error: want a day that exists, got the text "01.01.0000"`},
		{"31.13.2025", "%d.%m.%Y", "", `error: want a date as %d.%m.%Y, got the text "31.13.2025"`},
		{"31.01.2025 ", "%d.%m.%Y", "", `error: want a date as %d.%m.%Y, got the text "31.01.2025 "`},
		{"31.01", "%d.%m.%Y", "", `error: want a date as %d.%m.%Y, got the text "31.01"`},
		{"2025-01-31 +99", "%Y-%m-%d %z", "", `error: want a date as %Y-%m-%d %z, got the text "2025-01-31 +99"`},
		{"2025-01-31 00:00:00.1234567", "%Y-%m-%d %H:%M:%S.%f", "", `error: want a date as %Y-%m-%d %H:%M:%S.%f, got the text "2025-01-31 00:00:00.1234567"`},
		{"31. Mai 2025", "%d. %b %Y", "", `error: want a date as %d. %b %Y, got the text "31. Mai 2025"`},
	} {
		if got := parseDate(t, tt.text, tt.format, tt.more); got != tt.want {
			t.Errorf("%s as %s: got %s, want %s", tt.text, tt.format, got, tt.want)
		}
	}
	testBadRules(t, []badRule{
		{`{"parse":{"a":{"date":"%d.%m"}}}`, "the format has no year, month or day"},
		{`{"parse":{"a":{"date":"%d.%m.%Y %I"}}}`, "the format has %I without %p, or both %I and %H"},
		{`{"parse":{"a":{"date":"%d.%m.%Y %Q"}}}`, "unknown sign %Q in the format"},
		{`{"parse":{"a":{"date":"%d.%m.%Y %"}}}`, "unknown sign % in the format"},
		{`{"parse":{"a":{"date":"%d.%m.%Y %d"}}}`, "%d stands twice in the format"},
		{`{"parse":{"a":{"date":"%d.%m.%Y %z","zone":"UTC"}}}`, "the format has an offset (%z), and so needs no zone"},
		{`{"parse":{"a":{"date":"02.01.2006"}}}`, "the format has no year, month or day"},
		{`{"parse":{"a":{"date":true}}}`, "want a format, got true"},
	})
}

// What Go writes by a layout is read back by the same format.
func TestParseDateAgainstTime(t *testing.T) {
	formats := map[string]string{
		"%d.%m.%Y %H:%M:%S.%f":    "02.01.2006 15:04:05.000000",
		"%b %d %Y, %I:%M:%S.%f%p": "Jan 2 2006, 03:04:05.000000PM",
		"%Y%m%dT%H%M%S%f":         "20060102T150405.000000",
		"%B-%d-%Y %H:%M:%S,%f":    "January-2-2006 15:04:05,000000",
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(firstMicros, lastMicros).Draw(t, "micros")).UTC()
		format := rapid.SampledFrom([]string{"%d.%m.%Y %H:%M:%S.%f", "%b %d %Y, %I:%M:%S.%f%p", "%Y%m%dT%H%M%S%f", "%B-%d-%Y %H:%M:%S,%f"}).Draw(t, "format")
		text := at.Format(formats[format])
		if format == "%Y%m%dT%H%M%S%f" {
			text = strings.Replace(text, ".", "", 1)
		}
		want := string(appendClock(nil, at.UnixMicro()))
		if got := parseDate(t, text, format, ""); got != want {
			t.Fatalf("%s as %s: got %s, want %s", text, format, got, want)
		}
	})
}
