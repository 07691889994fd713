package schedules_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"backstory/schedules"
	"backstory/source"
)

// TestReason shows errors to those who are not to read streams.
func TestReason(t *testing.T) {
	event := &source.EventError{Position: at(7), Stream: "customer-anna", Type: "Cart.Paid", Step: "upcast", Path: "price", Err: errors.New("it is no number"), Advice: "mend it"}
	wrapped := schedules.Outcome{Err: fmt.Errorf("load (0,10]: %w", event)}
	text, hint := wrapped.Reason()
	if want := "load (0,10]: upcast event 7 (Cart.Paid) at price: it is no number"; text != want || hint != "mend it" {
		t.Errorf("got %q, hint %q; want %q, hint %q", text, hint, want, "mend it")
	}
	told := schedules.Outcome{Err: errors.New("3 events; the first: " + event.Error()), Report: &schedules.Report{FirstQuarantined: event}}
	if text, hint := told.Reason(); strings.Contains(text, "anna") || !strings.Contains(text, "event 7 (Cart.Paid)") || hint != "" {
		t.Errorf("got %q, hint %q", text, hint)
	}
	if text, hint := (schedules.Outcome{}).Reason(); text != "" || hint != "" {
		t.Errorf("a run that did not fail has the reason %q, hint %q", text, hint)
	}
}
