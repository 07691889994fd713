package transform

import "backstory/source"

// An Observer adds stored events to Shapes, as the chain leaves them. It is
// for one goroutine.
type Observer struct{ intake *intake }

// NewObserver makes an Observer that adds to s.
func (p *Pipeline) NewObserver(s *Shapes) *Observer {
	return &Observer{p.newIntake(func(env *Envelope) error {
		s.Observe(env)
		return nil
	})}
}

// Observe adds one event, which it does not keep. An error is a
// *source.EventError.
func (o *Observer) Observe(e *source.Event) error { return o.intake.take(e) }
