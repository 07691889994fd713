package transform

import (
	"regexp"
	"strings"
	"testing"
)

// timeForm is what parseTime says it takes, but for whether the digits make
// a time.
var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,6}0*)?)?([Zz]|[+-]([01]\d|2[0-3])(:?[0-5]\d(:?[0-5]\d)?)?)?$`)

// FuzzTime compares times with the standard library.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2025-01-01T08:28:09.736868+00:00", "2025-01-01T08:28:09", "2025-01-01 08:28", "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00",
		"2000-02-29T23:59:59.999999-23:59", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "0000-01-01T00:00:00", "2025-01-01T24:00:00",
		"2025-01-01T08:28:60", "2025-01-01T08:28:09.7368680", "2025-01-01T08:28:09.7368681", "2025-01-01T08:28:09,5+0530", "2025-01-01T08:28:09+05",
		"2025-01-01T08:28:09+053015", "2025-01-01T08:28:09+05:30:15", "2025-01-01T08:28:09+5", "2025-01-01T08:28:09.", "2025-01-01", "2025-13-01T00:00", "2025-01-01T08:28:09z",
		"2025-01-01T08:28:09+24:00", "2025-01-01T08:28:09+00:60", "2025-01-01T08:28Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime([]byte(text))
		if !timeForm.MatchString(text) {
			if ok {
				t.Fatalf("took %q", text)
			}
			return
		}
		if i := strings.LastIndexAny(text, "+-"); i > 10 && strings.Count(text[i:], ":") == 1 && len(text[i:]) == 8 {
			return // ±HH:MMSS and ±HHMM:SS are taken, but no layout of package time reads them
		}
		want, zoned, valid := goTime(text)
		valid = valid && want.Year() >= 1 || valid && strings.HasPrefix(text, "0001-")
		if strings.HasPrefix(text, "0000") {
			valid = false
		}
		if ok != valid {
			t.Fatalf("%s: got %v, package time says %v", text, ok, valid)
		}
		if ok && (got.micros != want.UnixMicro() || got.zoned != zoned) {
			t.Fatalf("%s: got %d %v, want %d %v", text, got.micros, got.zoned, want.UnixMicro(), zoned)
		}
	})
}
