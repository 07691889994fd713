package upcast

// retype gives the event another type:
//
//	retype: Cart.Opened
//	retype: {to: Cart.Opened, version: 2}
//
// Version is the schema version of the other type that the event has then,
// and where its chain goes on; without it the version goes on by one in a
// step, and stays in a repair.
type retype struct {
	to      string
	version int // 0 where the rule does not say
}

const retypeHint = "write the new type's name, or {to: NAME, version: N}"

func compileRetype(c *compiler, arg *Node) Operation {
	var r retype
	switch arg.Kind {
	case Text:
		r.to = c.name(arg, retypeHint)
	case Map:
		to := arg.Member("to")
		if to == nil {
			c.fail(arg, retypeHint, "retype wants the new type under to")
			return nil
		}
		c.known(arg, "to", "version")
		r.to = c.name(to, retypeHint)
		if v := arg.Member("version"); v != nil {
			r.version = c.schemaVersion(v)
		}
	default:
		c.fail(arg, retypeHint, "want the name of an event type, got %s", arg.Kind)
	}
	if r.to == "" {
		return nil
	}
	if c.rule.retyped != nil {
		c.fail(arg, "leave one of them out", "a rule retypes an event once")
		return nil
	}
	c.rule.retyped = &outcome{r.to, r.version, arg}
	return &r
}

func (r *retype) Apply(s *Scope) error {
	s.Event.Retype(r.to, r.version)
	s.version = r.version
	return nil
}
