package schedules_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform/survey"

	"github.com/google/go-cmp/cmp"
)

// versions appends so many events of each of so many schema versions, one
// after the other.
func (r *rig) versions(versions, each int) {
	for v := range versions {
		for range each {
			r.events++
			r.src.Append(source.Event{
				Position: at(int64(r.events)), Stream: []byte("s"), Type: "T", SchemaVersion: v + 1,
				StreamVersion: int64(r.events), Data: fmt.Appendf(nil, `{"n":%d}`, r.events),
			})
		}
	}
}

// However many windows are read at once, they are put together in their
// order: no version seems to have been written again after a newer one.
func TestSurvey(t *testing.T) {
	r := newRig(t)
	r.versions(8, 800)
	var want *survey.Report
	for _, workers := range []int{1, 3, 8} {
		var read, planned atomic.Int64
		j := r.job(t)
		j.Workers = workers
		j.Watch = func(s schedules.Step) {
			switch s.Name {
			case schedules.StepPlanned:
				planned.Add(s.Events)
			case schedules.StepRead:
				read.Add(s.Events)
			}
		}
		s, err := j.Survey(t.Context(), window(0, int64(r.events)), 1280)
		if err != nil {
			t.Fatal(err)
		}
		got := s.Report(survey.Options{})
		if got.Events != 1280 || read.Load() != 1280 || planned.Load() != 1280 || len(got.Types[0].Versions) != 8 {
			t.Errorf("%d workers: got %d events of %d versions, %d read of %d", workers, got.Events, len(got.Types[0].Versions), read.Load(), planned.Load())
		}
		if slices.ContainsFunc(got.Findings, func(f survey.Finding) bool { return f.Kind == survey.WentBack }) {
			t.Errorf("%d workers: got %+v", workers, got.Findings)
		}
		if want == nil {
			want = got
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d workers (-one +these):\n%s", workers, d)
		}
	}
}

// A window that is begun again is not counted twice, and a failure that does
// not pass ends the survey.
func TestSurveyFails(t *testing.T) {
	r := newRig(t)
	r.versions(1, 300)
	all := window(0, 300)
	r.src.FailAfter(100, source.Transient(errors.New("connection lost")))
	s, err := r.job(t).Survey(t.Context(), all, -1)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Report(survey.Options{}).Events; n != 300 {
		t.Errorf("got %d events, want 300", n)
	}
	lost := errors.New("disk lost")
	r.src.FailAfter(1, lost)
	if _, err := r.job(t).Survey(t.Context(), all, 128); !errors.Is(err, lost) {
		t.Errorf("got %v, want %v", err, lost)
	}
}
