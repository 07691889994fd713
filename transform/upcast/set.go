package upcast

import "backstory/transform/expression"

// set gives fields the values of expressions, one after the other:
//
//	set: {total: data.quantity * data.price, currency: '"USD"'}
//
// Each sees what those before it have set. The objects on the way to a field
// are made. A value that is only passed on keeps its digits and its kind.
type set struct{ fields []setField }

type setField struct {
	path  path
	value *expression.Program
}

const setHint = `write {path: expression}, and a text as '"text"'`

func compileSet(c *compiler, arg *Node) Operation {
	var o set
	ok := c.each(arg, setHint, func(key, value *Node) bool {
		p, ok := c.target(key)
		v := c.expression(value, false)
		o.fields = append(o.fields, setField{p, v})
		return ok && v != nil
	})
	if !ok {
		return nil
	}
	return &o
}

// target reads the path of a field to set; inside each it may be the element.
func (c *compiler) target(n *Node) (path, bool) {
	if c.inEach {
		return c.path(n)
	}
	return c.field(n)
}

func (o *set) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.set(s); err != nil {
			return &pathError{"set", f.path.text, err}
		}
	}
	return nil
}

func (f *setField) set(s *Scope) error {
	doc := f.path.document(s)
	if doc == nil {
		return errNoMeta
	}
	if doc.Size() > maxCopied {
		return errTooLarge
	}
	v, err := f.value.Value(s.expression(), doc)
	if err != nil {
		return err
	}
	s.witness.read(s, f.value)
	to, err := f.path.reach(s)
	if err != nil {
		return err
	}
	f.path.put(to, v)
	return nil
}
