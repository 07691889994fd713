// Package figures writes numbers, and names that come out of a store, for
// people: on a terminal and on the worker's page alike.
package figures

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Thousands writes a number with commas: 20,000.
func Thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural writes a number of things: 1 window, 20,000 windows.
func Plural(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return Thousands(n) + " " + thing
}

// Bytes writes a number of bytes with a unit: 1.2 MiB.
func Bytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	x, i := float64(n)/1024, 0
	for ; x >= 1024; i++ {
		x /= 1024
	}
	return fmt.Sprintf("%.1f %ciB", x, units[i])
}

// Visible replaces what is no visible character, but for ends of lines: names
// and values come out of the store, and must not play with a terminal.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}
