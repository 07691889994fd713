package main

import (
	"strings"
	"testing"

	"backstory/source"
)

// TestWriteHeld tells no time of a transaction whose beginning is not known.
func TestWriteHeld(t *testing.T) {
	var out strings.Builder
	writeHeld(&out, true, source.Watermark{Head: source.Position{Seq: 9}, Holders: []source.Holder{{PID: 7, Application: "slow", User: "shop"}}})
	want := "  by process 7 (slow, user shop, -); only a member of pg_read_all_stats may know since when\n"
	if got := out.String(); !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}
