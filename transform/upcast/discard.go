package upcast

import "backstory/transform/expression"

// discard makes the event nothing:
//
//	discard: true
//	discard: data.total == 0
//
// Where the expression is false the operations go on.
type discard struct {
	when *expression.Program // nil for always
}

func compileDiscard(c *compiler, arg *Node) Operation {
	switch {
	case arg.Kind == Bool && arg.Text == "true":
		return &discard{}
	case arg.Kind == Text:
		if when := c.condition(arg); when != nil {
			return &discard{when}
		}
	default:
		c.fail(arg, "write discard: true, or an expression", "want true or an expression, got %s", arg.describe())
	}
	return nil
}

func (d *discard) Apply(s *Scope) error {
	if d.when == nil {
		s.discard = true
		return nil
	}
	var err error
	s.discard, err = s.holds(d.when)
	return err
}
