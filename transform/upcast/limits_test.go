package upcast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"backstory/source"
	"backstory/transform"
)

// Operations that double an event, again and again, stop early.
func TestDoubling(t *testing.T) {
	for name, one := range map[string]string{
		"set":  `{set: {x%d: data}}`,
		"list": `{set: {x%d: "[data, data]"}}`,
		"each": `{each: {l: [{set: {x%d: data}}]}}`,
	} {
		var do []string
		for i := range 64 {
			do = append(do, fmt.Sprintf(one, i))
		}
		p := pipeline(t, compileYAML(t, `[{event: E, from: 1, do: [`+strings.Join(do, ", ")+`]}]`), source.Payload{})
		began := time.Now()
		got, err := upcast(p, stored("E", 1, `{"l":[{},{}]}`))
		if err == nil || !strings.Contains(err.Error(), "too large") && !strings.Contains(err.Error(), "MiB") {
			t.Errorf("%s: got %d bytes and error %v", name, len(got), err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: took %v", name, took)
		}
	}
	// A value of one piece is passed on whatever its length.
	p := pipeline(t, compileYAML(t, `[{event: E, from: 1, do: [{set: {b: data.a}}]}]`), source.Payload{})
	if got, err := upcast(p, stored("E", 1, `{"a":"`+strings.Repeat("x", 20<<20)+`"}`)); err != nil || len(got) < 40<<20 {
		t.Errorf("a long text: got %d bytes, %v", len(got), err)
	}
}

// The memory of a large event is not kept for those that follow.
func TestLargeEventForgotten(t *testing.T) {
	c := new(copied)
	if err := c.data.Parse([]byte("["+strings.Repeat("0,", maxPooled/16)+"0]"), false); err != nil {
		t.Fatal(err)
	}
	held := c.data.Held()
	if held <= maxPooled {
		t.Fatalf("the event takes %d bytes only", held)
	}
	c.free()
	for range 100 {
		if c := copies.Get().(*copied); c.data.Held() > maxPooled {
			t.Fatal("a large copy went back")
		}
	}
	small := new(copied)
	small.event.Type = "E"
	if err := small.data.Parse([]byte(`{"a":1}`), false); err != nil {
		t.Fatal(err)
	}
	small.free()
	if small.data.Root() != transform.None || small.event.Type != "" {
		t.Error("a copy that went back holds on to what it borrowed")
	}
}

func TestSetMasks(t *testing.T) {
	for rules, want := range map[string]bool{
		`[{event: E, from: 1, do: [{drop: [a]}]}]`:                                                       false,
		`[{event: E, from: 1, do: [{mask: {a: redact}}]}, {event: F, from: 1, do: [{drop: [a]}]}]`:       true,
		`[{event: E, from: 1, do: [{each: {l: [{mask: {a: {partial: {last: 4}}}}]}}]}]`:                  true,
		`[{event: E, from: 1, do: [{split: [{type: F, version: 1, do: [{mask: {a: {date: year}}}]}]}]}]`: true,
	} {
		if got := compileYAML(t, rules).Masks(); got != want {
			t.Errorf("%s: got %t", rules, got)
		}
	}
}
