package transform

import (
	"time"

	"backstory/source"
)

// A Clock reads the times of stored events. It is for one goroutine.
type Clock struct{ opener *opener }

// NewClock makes a Clock for the pipeline's payloads.
func (p *Pipeline) NewClock() *Clock { return &Clock{newOpener(p.lifted)} }

// Time gives the time of an event, false if it has none. An error is a
// *source.EventError.
func (c *Clock) Time(e *source.Event) (time.Time, bool, error) {
	if e.Err != nil {
		return time.Time{}, false, e.Err
	}
	env, err := c.opener.open(e)
	if err != nil || !env.HasTime {
		return time.Time{}, false, err
	}
	return time.UnixMicro(env.Micros).UTC(), true, nil
}
