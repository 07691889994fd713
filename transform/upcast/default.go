package upcast

// defaults gives a value to fields that are not there, or null:
//
//	default: {currency: USD, tags: [], address.country: null}
//
// The value may be anything that can be written down; numbers keep their
// digits. The objects on the way are made where they are not there.
type defaults struct{ fields []filling }

type filling struct {
	path  path
	value literal
}

const defaultHint = "write {path: value}"

func compileDefault(c *compiler, arg *Node) Operation {
	var d defaults
	ok := c.each(arg, defaultHint, func(key, value *Node) bool {
		p, ok := c.path(key)
		l, made := c.literal(value)
		d.fields = append(d.fields, filling{p, l})
		return ok && made
	})
	if !ok {
		return nil
	}
	return &d
}

func (o *defaults) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.apply(s); err != nil {
			return &pathError{"default", f.path.text, err}
		}
	}
	return nil
}

func (f *filling) apply(s *Scope) error {
	pl, err := f.path.find(s)
	if err != nil || !pl.isNull() {
		return err
	}
	if pl, err = f.path.reach(s); err != nil {
		return err
	}
	f.path.put(pl, f.value.in(pl.doc))
	return nil
}
