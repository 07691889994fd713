package schedules

import (
	"context"
	"errors"
	"time"

	"backstory/source"
)

// Lag is how far what is loaded is behind the store.
type Lag struct {
	// Events is about how many events up to the store's end are not loaded,
	// those above the watermark among them.
	Events int64 `json:"events"`
	// Oldest is when the first of them that has a time happened; zero where
	// all is loaded, or none has one.
	Oldest time.Time `json:"oldest,omitzero"`
}

// Age is how long ago the first event that is not loaded happened; 0 where
// there is none.
func (l *Lag) Age(now time.Time) time.Duration {
	if l == nil || l.Oldest.IsZero() {
		return 0
	}
	return max(now.Sub(l.Oldest), 0)
}

// lag asks the source what of it is not loaded. It costs as much as planning
// a run: a few index look-ups for each window that is missing.
func (j *Job) lag(ctx context.Context, s *State, mark source.Watermark) (*Lag, error) {
	mark.Safe = mark.Head // nothing is loaded here: what may still change is counted too
	p, err := j.plan(ctx, s, []Range{{}}, mark)
	if err == nil {
		err = p.Stuck
	}
	if err != nil {
		return nil, err
	}
	all := p.all()
	if len(all) == 0 {
		return &Lag{}, nil
	}
	_, when, err := j.timeAfter(ctx, all[0].After, all[0].Through)
	var unreadable *source.EventError
	var quiet *source.QuietError
	// The next run says of an event that it is not readable, and not who asks
	// how far it is; and in quiet hours how old it is need not be known.
	if err != nil && !errors.As(err, &unreadable) && !errors.As(err, &quiet) {
		return nil, err
	}
	return &Lag{Events: p.Events(), Oldest: when}, nil
}
