package transform

import (
	"time"

	"backstory/source"
)

// A Clock reads the times of stored events. It is for one goroutine.
type Clock struct{ opener *Opener }

// NewClock makes a Clock for the pipeline's payloads.
func (p *Pipeline) NewClock() *Clock { return &Clock{p.NewOpener()} }

// Time gives the time of an event, false if it has none. An error is a
// *source.EventError.
func (c *Clock) Time(e *source.Event) (time.Time, bool, error) {
	env, err := c.opener.Open(e)
	if err != nil || !env.HasTime {
		return time.Time{}, false, err
	}
	return time.UnixMicro(env.Micros).UTC(), true, nil
}
