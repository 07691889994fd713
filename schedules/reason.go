package schedules

import (
	"errors"
	"strings"

	"backstory/source"
)

// Reason says why a run failed and what to do about it, "" where it did not,
// to those who need not know of whom an event tells: streams, which may be
// named after people, are left out.
func (o Outcome) Reason() (text, hint string) {
	if o.Err == nil {
		return "", ""
	}
	text = o.Err.Error()
	var advice interface{ Hint() string }
	if errors.As(o.Err, &advice) {
		hint = advice.Hint()
	}
	var e *source.EventError
	if errors.As(o.Err, &e) {
		text, hint = withoutStream(text, e), withoutStream(hint, e)
	}
	if o.Report != nil && o.Report.FirstQuarantined != nil {
		text, hint = withoutStream(text, o.Report.FirstQuarantined), withoutStream(hint, o.Report.FirstQuarantined)
	}
	return text, hint
}

// withoutStream cuts the stream out of what EventError.Error wrote into a text.
func withoutStream(text string, e *source.EventError) string {
	if e.Stream == "" {
		return text
	}
	return strings.ReplaceAll(text, " of stream "+e.Stream+" (", " (")
}
