package schedules

import (
	"slices"
	"time"

	"backstory/source"
)

// Standing is how a job stands by what its worker and its ledger say; the
// source is not asked.
type Standing struct {
	JobState
	// Ledger is what the ledger knows of the job, nil where it could not be
	// read, and Err why not.
	Ledger *State
	Err    error
	// Watermark is that of the last run that took one in this process, nil
	// where none did.
	Watermark *source.Watermark
	// Success is when the last run that succeeded began, in this process or
	// before it; Current the same of the last one that no transaction held
	// back: whatever was visible in the store then is loaded. Zero where there
	// was none, or the ledger does not say.
	Success, Current time.Time
}

// Stand puts together what is known of a job. state may be nil.
func Stand(j JobState, state *State, err error) Standing {
	s := Standing{JobState: j, Ledger: state, Err: err}
	for _, o := range []*Outcome{j.Last, j.Good} {
		if s.Watermark == nil && o != nil {
			s.Watermark = watermarkOf(*o)
		}
	}
	if o := j.Good; o != nil {
		s.Success = o.Started
		if o.Report != nil && !o.Report.Held {
			s.Current = o.Started
		}
	}
	if state == nil {
		return s
	}
	for _, r := range state.Runs { // newest first
		if r.Kind != "run" || r.Error != "" || r.Finished.IsZero() {
			continue
		}
		if s.Success.Before(r.Started) {
			s.Success = r.Started
		}
		if s.Current.IsZero() && s.before(r) {
			s.Current = r.Started
		}
	}
	return s
}

// watermarkOf gives the watermark that a run found, nil where it found none.
func watermarkOf(o Outcome) *source.Watermark {
	if o.Report == nil || o.Report.Watermark.Head.IsZero() {
		return nil
	}
	return &o.Report.Watermark
}

// before tells whether a run of the ledger, which does not know what was held
// back, began before what holds the last one back: that does, or the last.
func (s *Standing) before(r Run) bool {
	if since := s.HeldSince(); !since.IsZero() && slices.ContainsFunc(s.Ledger.Runs, func(r Run) bool { return r.Started.Before(since) }) {
		return r.Started.Before(since)
	}
	return s.Good == nil || r.Started.Before(s.Good.Started.Truncate(time.Second))
}

// Held tells whether a transaction kept the last watermark below the store's end.
func (s *Standing) Held() bool {
	return s.Watermark != nil && s.Watermark.Safe.Compare(s.Watermark.Head) < 0
}

// HeldSince is when the oldest transaction began that held the last watermark
// back, zero where none did. Of a transaction that the source's user may not
// look into, it is when a run first found itself held back.
func (s *Standing) HeldSince() (since time.Time) {
	if !s.Held() {
		return since
	}
	for _, h := range s.Watermark.Holders {
		began := h.Since
		if began.IsZero() {
			began = s.HeldFrom
		}
		if since.IsZero() || !began.IsZero() && began.Before(since) {
			since = began
		}
	}
	return since
}

// Behind is about how many events are known of and not loaded: those of the
// windows that are planned, and those above what is planned that the last
// watermark saw. Newer ones are not known of until the next run.
func (s *Standing) Behind() (events int64) {
	if s.Ledger == nil {
		return 0
	}
	var end source.Position
	for _, w := range s.Ledger.Pending {
		events += w.Events
		end = w.Through
	}
	if n := len(s.Ledger.Loaded); n > 0 && end.Compare(s.Ledger.Loaded[n-1].Through) < 0 {
		end = s.Ledger.Loaded[n-1].Through
	}
	if s.Watermark != nil && s.Watermark.Head.Compare(end) > 0 {
		events += s.Watermark.Head.Seq - end.Seq
	}
	return max(events, 0)
}

// Lag is how long the tables have not been brought up to the store's end, 0
// where they never were or the ledger does not say.
func (s *Standing) Lag(now time.Time) time.Duration {
	if s.Current.IsZero() {
		return 0
	}
	return max(now.Sub(s.Current), 0)
}
