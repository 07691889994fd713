package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTelling(t *testing.T) {
	cause := errors.New("cause")
	inner := Telling("want %s, got %s", "an integer", Told{"12.5", "a float"})
	outer := Telling("part %d: %w", 2, inner)
	tests := []struct {
		err          error
		told, untold string
	}{
		{inner, "want an integer, got 12.5", "want an integer, got a float"},
		{outer, "part 2: want an integer, got 12.5", "part 2: want an integer, got a float"},
		{Telling("%s: %w", Told{"5%d", "a value"}, cause), "5%d: cause", "a value: cause"},
		{fmt.Errorf("lost: %w", outer), "lost: part 2: want an integer, got 12.5", "part 2: want an integer, got a float"},
		{fmt.Errorf("nothing told: %w", cause), "nothing told: cause", "nothing told: cause"},
	}
	for _, tt := range tests {
		if tt.err.Error() != tt.told || Untold(tt.err) != tt.untold {
			t.Errorf("got %q and %q, want %q and %q", tt.err, Untold(tt.err), tt.told, tt.untold)
		}
	}
	if !errors.Is(tests[2].err, cause) || !errors.Is(outer, inner) {
		t.Error("what is wrapped is not found")
	}
	e := &EventError{Type: "E", Step: "upcast", Path: "a", Err: inner, Advice: "mend it"}
	if got := e.Discreet().Error(); strings.Contains(got, "12.5") || !strings.HasSuffix(got, "at a: want an integer, got a float") || e.Discreet().Hint() != "mend it" {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(e.Error(), "12.5") {
		t.Error("the error itself was changed")
	}
}

func TestClip(t *testing.T) {
	if got := Clip(strings.Repeat("x", 60)); len(got) != 60 {
		t.Errorf("a short text became %q", got)
	}
	for n := range 4 {
		got := Clip([]byte(strings.Repeat("x", n) + strings.Repeat("\U0001F600", 40)))
		if !utf8.ValidString(got) || len(got) < 57+3 || len(got) > 60+3 {
			t.Errorf("got %q", got)
		}
	}
}
