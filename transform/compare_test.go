package transform

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// What counts as the same: kinds, names, texts and their order; two failures.
func TestComparer(t *testing.T) {
	put := func(v func(d *Document) Value) Upcaster {
		return UpcasterFunc(func(e *Envelope, emit Emit) error {
			e.Data.Put(e.Data.Root(), "b", v(e.Data))
			return emit(e)
		})
	}
	text := put(func(d *Document) Value { return d.NewString("1.50") })
	decimal := put(func(d *Document) Value { v, _ := d.NewDecimal("1.50"); return v })
	fail := UpcasterFunc(func(*Envelope, Emit) error { return errors.New("no") })
	twice := UpcasterFunc(func(e *Envelope, emit Emit) error { return errors.Join(emit(e), emit(e)) })
	nothing := UpcasterFunc(func(*Envelope, Emit) error { return nil })
	same := UpcasterFunc(func(e *Envelope, emit Emit) error { return emit(e) })
	retype := UpcasterFunc(func(e *Envelope, emit Emit) error { e.Retype("F", 0); return emit(e) })
	tests := []struct {
		name     string
		old, now Upcaster
		same     bool
		events   []string
	}{
		{"nothing changed", same, same, true, []string{"E"}},
		{"the same by another way", text, put(func(d *Document) Value { return d.NewString("1.5" + "0") }), true, []string{"E"}},
		{"text and decimal", text, decimal, false, []string{"E"}},
		{"another member", same, text, false, []string{"E"}},
		{"one fails", same, fail, false, []string{"E"}},
		{"both fail", fail, fail, true, nil},
		{"once and twice", same, twice, false, []string{"E"}},
		{"discarded", same, nothing, false, []string{"E"}},
		{"both discarded", nothing, nothing, true, nil},
		{"another type", same, retype, false, []string{"E", "F"}},
	}
	e := event(7, `{"a": 1}`)
	for _, tt := range tests {
		old := compile(t, Rules{}, WithUpcaster("E", 1, tt.old))
		now := compile(t, Rules{}, WithUpcaster("E", 1, tt.now))
		c := now.NewComparer(old)
		for range 2 {
			if got := c.Same(&e); got != tt.same {
				t.Errorf("%s: got %t", tt.name, got)
			}
			if got := slices.Sorted(slices.Values(c.Events())); !slices.Equal(got, tt.events) {
				t.Errorf("%s: event types %v, want %v", tt.name, got, tt.events)
			}
		}
	}
}

// Without lengths, a type's last letter and the time behind it would be the
// same transcript as another time; and no time is not the beginning of 1970.
func TestComparerBoundaries(t *testing.T) {
	become := func(event string, micros int64, hasTime bool) *Pipeline {
		return compile(t, Rules{}, WithUpcaster("E", 1, UpcasterFunc(func(e *Envelope, emit Emit) error {
			e.Retype(event, 0)
			e.Micros, e.HasTime = micros, hasTime
			return emit(e)
		})))
	}
	stored := event(1, `{}`)
	micros, _ := binary.Varint(binary.AppendVarint([]byte("é"), 5))
	for name, tt := range map[string]struct{ old, now *Pipeline }{
		"type": {become("Fé", 5, true), become("F", micros, true)},
		"time": {become("F", 0, true), become("F", 0, false)},
	} {
		if tt.now.NewComparer(tt.old).Same(&stored) {
			t.Errorf("%s: another one is said to be the same", name)
		}
	}
}
