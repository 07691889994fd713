package upcast

import (
	"time"

	"backstory/transform"
)

// A zone is UTC or a fixed offset from it.
type zone struct {
	suffix  string // as ISO 8601 writes it behind a time
	seconds int    // east of Greenwich
}

// zone reads a zone, and gives nil where it is none.
func (c *compiler) zone(n *Node) *zone {
	suffix := n.Text
	if suffix == "UTC" || suffix == "Z" {
		suffix = "+00:00"
	}
	var doc transform.Document
	if n.Kind == Text && len(suffix) == len("+00:00") && suffix[3] == ':' {
		midnight := doc.NewString("1970-01-01T00:00:00" + suffix)
		if micros, zoned, ok := doc.Time(midnight); ok && zoned {
			return &zone{suffix, int(-micros / 1e6)}
		}
	}
	c.fail(n, "write UTC, or an offset such as +01:00; zones by name are not known, since their clocks show some times twice",
		"unknown zone %s", n.describe())
	return nil
}

// The first and last microsecond that has a year of four digits.
var (
	firstMicros = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastMicros  = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC).UnixMicro()
)

func inYears(micros int64) bool { return micros >= firstMicros && micros <= lastMicros }

// appendClock appends what a clock shows so many microseconds after the
// beginning of 1970, as Python's isoformat writes it.
func appendClock(dst []byte, micros int64) []byte {
	layout := "2006-01-02T15:04:05.000000"
	if micros%1e6 == 0 {
		layout = layout[:len("2006-01-02T15:04:05")]
	}
	return time.UnixMicro(micros).UTC().AppendFormat(dst, layout)
}
