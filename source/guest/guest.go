// Package guest says how a reader behaves towards a store that others live
// by: how much it takes in a second, over how many connections, and in which
// hours it leaves the store alone.
//
// A limit is kept between pages, each of which is a statement of its own:
// nothing is held open in the store while a reader waits.
package guest

import (
	"fmt"
	"strings"

	"backstory/source"
)

// Manners are what a source's section says of how it is read.
type Manners struct {
	Limits Limits `yaml:"limits"`
	// Quiet are hours in which windows are not read, such as
	// "08:00-20:00 Europe/Berlin mon-fri".
	Quiet []string `yaml:"quiet"`
}

// Limits bound what is taken from a store. What is zero or empty is not
// bounded.
type Limits struct {
	// Connections is how many there are at a time.
	Connections int `yaml:"connections"`
	// RowsPerSecond is how many events are read in a second, over all
	// connections together.
	RowsPerSecond int64 `yaml:"rows_per_second"`
	// BytesPerSecond is how many bytes of payloads are read in a second, as
	// they are stored: 20MB, 512KiB or a number.
	BytesPerSecond string `yaml:"bytes_per_second"`
}

// Validate finds everything that is wrong with m in itself.
func (m *Manners) Validate() []source.Problem {
	var ps []source.Problem
	add := func(message, hint string, path ...string) {
		ps = append(ps, source.Problem{Path: path, Message: message, Hint: hint})
	}
	if m.Limits.Connections < 0 {
		add("a reader has at least one connection", "leave it out for no limit", "limits", "connections")
	}
	if m.Limits.RowsPerSecond < 0 {
		add("a reader takes at least one row a second", "leave it out for no limit", "limits", "rows_per_second")
	}
	if _, err := parseSize(m.Limits.BytesPerSecond); err != nil {
		add(err.Error(), "write 20MB, 512KiB or a number of bytes", "limits", "bytes_per_second")
	}
	var all []hours
	for _, text := range m.Quiet {
		h, err := parseHours(text)
		if err != nil {
			add(err.Error(), `write "08:00-20:00", and after it a time zone and days if need be: "08:00-20:00 Europe/Berlin mon-fri"`, "quiet")
			continue
		}
		all = append(all, h)
	}
	if always(all) {
		add("these hours are all there are; nothing would ever be read", "leave some hours of the week out", "quiet")
	}
	return ps
}

// parseSize reads a number of bytes; "" is 0.
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	number := strings.TrimRight(text, "BKMGikmgb ")
	var n float64
	if _, err := fmt.Sscanf(number+"\n", "%g\n", &n); err != nil {
		return 0, fmt.Errorf("%q is no number of bytes", text)
	}
	unit, ok := units[strings.ToLower(strings.TrimSpace(text[len(number):]))]
	if size := n * unit; ok && size >= 1 && size < 1<<62 {
		return int64(size), nil
	}
	return 0, fmt.Errorf("%q is no number of bytes", text)
}

var units = map[string]float64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}
