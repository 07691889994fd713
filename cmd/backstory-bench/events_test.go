package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// The figures of two days can be compared only if the events are the same.
func TestGenerator(t *testing.T) {
	const events = 20_000
	a, b := newGenerator(), newGenerator()
	types := make(map[string]int)
	versions := make(map[[16]byte]int64)
	size := 0
	for n := range events {
		r, again := a.next(), b.next()
		if r.Stream != again.Stream || r.Version != again.Version || r.Topic != again.Topic || !bytes.Equal(r.State, again.State) {
			t.Fatalf("event %d is %s the first time and %s the second", n, r.State, again.State)
		}
		if !json.Valid(r.State) {
			t.Fatalf("event %d is not JSON: %s", n, r.State)
		}
		if versions[r.Stream]++; r.Version != versions[r.Stream] {
			t.Fatalf("event %d has version %d, and is number %d of its stream", n, r.Version, versions[r.Stream])
		}
		types[r.Topic]++
		size += len(r.State)
	}
	if len(types) != 4 {
		t.Errorf("there are %d types, want 4: %v", len(types), types)
	}
	if mean := size / events; mean < 360 || mean > 390 {
		t.Errorf("a payload has %d bytes on average, want about 370", mean)
	}
}
