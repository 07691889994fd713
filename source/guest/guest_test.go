package guest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"backstory/source"
	"backstory/source/guest"

	"github.com/google/go-cmp/cmp"
)

// TestPace reads pages as fast as a pacer lets it, over several connections at
// once, and holds the sum against the limit.
func TestPace(t *testing.T) {
	for name, tt := range map[string]struct {
		limits   guest.Limits
		bytes    int64         // of an event
		takes    time.Duration // to read a page
		readers  int
		want     int64 // events in ten seconds
		unpaced  bool
		pageSize int64
	}{
		"rows":             {limits: guest.Limits{RowsPerSecond: 1000}, bytes: 300, readers: 1, want: 10_000, pageSize: 250},
		"rows, two at it":  {limits: guest.Limits{RowsPerSecond: 1000}, bytes: 300, readers: 2, want: 10_000, pageSize: 250},
		"pages take time":  {limits: guest.Limits{RowsPerSecond: 1000}, bytes: 300, takes: 100 * time.Millisecond, readers: 1, want: 10_000, pageSize: 250},
		"bytes":            {limits: guest.Limits{BytesPerSecond: "1MB"}, bytes: 1000, readers: 1, want: 10_000, pageSize: 250},
		"bytes are less":   {limits: guest.Limits{RowsPerSecond: 5000, BytesPerSecond: "1MB"}, bytes: 1000, readers: 3, want: 10_000, pageSize: 250},
		"one large event":  {limits: guest.Limits{BytesPerSecond: "1KB"}, bytes: 1000, readers: 1, want: 10, pageSize: 1},
		"slower by itself": {limits: guest.Limits{RowsPerSecond: 1000}, takes: time.Second, readers: 1, want: 2500, pageSize: 250},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := (&guest.Manners{Limits: tt.limits}).Pacer()
				began := time.Now()
				counts := make(chan int64)
				for range tt.readers {
					go func() {
						var n int64
						for {
							if err := p.Wait(t.Context()); err != nil {
								t.Error(err)
							}
							if time.Since(began) >= 10*time.Second {
								break
							}
							rows, bytes := p.Page(20_000, 16<<20)
							rows = min(rows, max(1, bytes/max(tt.bytes, 1)))
							if rows != tt.pageSize {
								t.Errorf("a page holds %d rows, want %d", rows, tt.pageSize)
							}
							time.Sleep(tt.takes)
							p.Took(rows, rows*tt.bytes)
							n += rows
						}
						counts <- n
					}()
				}
				var sum int64
				for range tt.readers {
					sum += <-counts
				}
				// Each reader may have one page more under way.
				if most := tt.want + int64(tt.readers)*tt.pageSize; sum < tt.want || sum > most {
					t.Errorf("%d events in ten seconds, want %d to %d", sum, tt.want, most)
				}
			})
		})
	}
}

func TestNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := (&guest.Manners{}).Pacer(), time.Now()
		for range 1000 {
			if err := p.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.Took(20_000, 16<<20)
		}
		if rows, bytes := p.Page(7, 9); time.Since(began) > 0 || rows != 7 || bytes != 9 {
			t.Errorf("waited for %v, and a page of %d rows and %d bytes", time.Since(began), rows, bytes)
		}
	})
}

func TestQuiet(t *testing.T) {
	for _, tt := range []struct {
		quiet     []string
		now, want string // want "" means not quiet
	}{
		{nil, "2026-06-03T10:00:00Z", ""},
		{[]string{"08:00-20:00 UTC"}, "2026-06-03T07:59:59Z", ""},
		{[]string{"08:00-20:00 UTC"}, "2026-06-03T08:00:00Z", "2026-06-03T20:00:00Z"},
		{[]string{"08:00-20:00 UTC"}, "2026-06-03T20:00:00Z", ""},
		{[]string{"08:00-20:00 Europe/Berlin mon-fri"}, "2026-06-03T06:00:00Z", "2026-06-03T18:00:00Z"}, // Wednesday, UTC+2
		{[]string{"08:00-20:00 Europe/Berlin mon-fri"}, "2026-06-06T10:00:00Z", ""},                     // Saturday
		{[]string{"08:00-20:00 UTC sat,sun"}, "2026-06-06T10:00:00Z", "2026-06-06T20:00:00Z"},
		{[]string{"08:00-20:00 UTC fri-mon"}, "2026-06-07T10:00:00Z", "2026-06-07T20:00:00Z"},
		// Over midnight; the day is that on which they begin.
		{[]string{"22:00-06:00 UTC fri"}, "2026-06-06T05:00:00Z", "2026-06-06T06:00:00Z"},
		{[]string{"22:00-06:00 UTC fri"}, "2026-06-05T05:00:00Z", ""},
		// One after the other.
		{[]string{"08:00-12:00 UTC", "12:00-14:00 UTC"}, "2026-06-03T09:00:00Z", "2026-06-03T14:00:00Z"},
		{[]string{"00:00-24:00 UTC sat,sun"}, "2026-06-06T09:00:00Z", "2026-06-08T00:00:00Z"},
		// The clocks are changed in these nights.
		{[]string{"01:00-05:00 Europe/Berlin"}, "2026-03-29T00:30:00Z", "2026-03-29T03:00:00Z"},
		{[]string{"01:00-05:00 Europe/Berlin"}, "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		m := guest.Manners{Quiet: tt.quiet}
		if ps := m.Validate(); len(ps) > 0 {
			t.Errorf("%v: %v", tt.quiet, ps)
		}
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(now)) // a bubble begins in the year 2000
			p := m.Pacer()
			got := ""
			if until := p.Quiet(); !until.IsZero() {
				got = until.UTC().Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("%v at %s: got quiet until %q, want %q", tt.quiet, tt.now, got, tt.want)
			}
			var quiet *source.QuietError
			if err := p.Wait(t.Context()); errors.As(err, &quiet) != (tt.want != "") {
				t.Errorf("%v at %s: Wait gives %v", tt.quiet, tt.now, err)
			}
			if err := p.Slow(t.Context()); err != nil {
				t.Errorf("a look at one event: %v", err)
			}
			p.Hurry()
			if err := p.Wait(t.Context()); err != nil || !p.Quiet().IsZero() {
				t.Errorf("in a hurry: %v, quiet until %v", err, p.Quiet())
			}
		})
	}
}

// TestQuietBegins waits for a page into quiet hours.
func TestQuietBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := (&guest.Manners{Limits: guest.Limits{RowsPerSecond: 1}, Quiet: []string{"00:01-00:02 UTC"}}).Pacer()
		p.Took(90, 0) // a bubble begins at midnight
		var quiet *source.QuietError
		if err := p.Wait(t.Context()); !errors.As(err, &quiet) {
			t.Errorf("got %v, want a QuietError", err)
		}
	})
}

func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		manners guest.Manners
		want    []string // paths and messages
	}{
		{guest.Manners{Limits: guest.Limits{Connections: 2, RowsPerSecond: 20_000, BytesPerSecond: "20MB"}}, nil},
		{guest.Manners{Limits: guest.Limits{BytesPerSecond: "1.5 GiB"}}, nil},
		{guest.Manners{Limits: guest.Limits{BytesPerSecond: "20000000"}}, nil},
		{guest.Manners{Limits: guest.Limits{Connections: -1, RowsPerSecond: -1, BytesPerSecond: "fast"}}, []string{
			"limits.connections: a reader has at least one connection",
			"limits.rows_per_second: a reader takes at least one row a second",
			`limits.bytes_per_second: "fast" is no number of bytes`,
		}},
		{guest.Manners{Limits: guest.Limits{BytesPerSecond: "-5MB"}}, []string{`limits.bytes_per_second: "-5MB" is no number of bytes`}},
		{guest.Manners{Limits: guest.Limits{BytesPerSecond: "5MM"}}, []string{`limits.bytes_per_second: "5MM" is no number of bytes`}},
		{guest.Manners{Quiet: []string{"8-20", "25:00-26:00", "08:00-08:00", "08:00-09:00 Mars/Olympus", "mon"}}, []string{
			`quiet: 8-20 in "8-20" is neither hours nor days nor a time zone`,
			`quiet: "25:00-26:00" are no hours`,
			`quiet: "08:00-08:00" are no hours`,
			`quiet: Mars/Olympus in "08:00-09:00 Mars/Olympus" is neither hours nor days nor a time zone`,
			`quiet: "mon" are no hours`,
		}},
		{guest.Manners{Quiet: []string{"00:00-12:00 UTC", "12:00-24:00 UTC"}}, []string{
			"quiet: these hours are all there are; nothing would ever be read",
		}},
		{guest.Manners{Quiet: []string{"00:00-24:00 UTC mon-sat", "01:00-24:00 UTC sun"}}, nil},
	} {
		var got []string
		for _, p := range tt.manners.Validate() {
			text := ""
			for i, key := range p.Path {
				if i > 0 {
					text += "."
				}
				text += key
			}
			got = append(got, text+": "+p.Message)
			if p.Hint == "" {
				t.Errorf("%s has no hint", p.Message)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.manners, diff)
		}
	}
}
