package transform

import "backstory/source"

// An Observer adds stored events to Shapes, as the chain leaves them. It is
// for one goroutine.
type Observer struct {
	pipeline *Pipeline
	intake   *intake
	shapes   *Shapes
	again    bool // the event is known not to fail
}

// NewObserver makes an Observer that adds to s.
func (p *Pipeline) NewObserver(s *Shapes) *Observer {
	o := &Observer{pipeline: p, shapes: s}
	o.intake = p.newIntake(o.result)
	return o
}

// Observe adds one event, which it does not keep, or counts it as failed. It
// always gives nil: events that fail have a place too.
func (o *Observer) Observe(e *source.Event) error {
	o.again = false
	if err := o.intake.take(e); err != nil {
		o.shapes.fail(1, o.pipeline.discreet(err))
		return nil
	}
	// An upcaster may fail after its first results, and an event that fails is
	// in no table. So what becomes of it is looked at in a second go.
	if o.intake.chain.moved && o.intake.chain.index > 0 {
		o.again = true
		if err := o.intake.take(e); err != nil { // by an upcaster that does not always do the same
			o.shapes.fail(1, o.pipeline.discreet(err))
		}
	}
	return nil
}

func (o *Observer) result(env *Envelope) error {
	if o.again || !o.intake.chain.moved {
		o.shapes.Observe(env)
	}
	return nil
}
