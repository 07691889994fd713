package upcast

import "backstory/transform"

// move takes values from one object to another, also from the payload to the
// metadata and back:
//
//	move: {sku: line.sku, price: line.price, meta.user: user}
//
// The objects on the way are made where they are not there. What is not there
// is not moved. A null at the new place gives way, a null that is moved gives
// way to a value there, and so does an object that the move itself has
// emptied (move: {name.full: name}); otherwise a value that is there already
// means that the event cannot be upcast.
type move struct{ fields []transfer }

// A transfer is one way from a place to another.
type transfer struct{ from, to path }

const moveHint = "write {path: path}, from where to where"

func compileMove(c *compiler, arg *Node) Operation {
	fields, ok := c.transfers(arg, moveHint, c.field)
	if !ok {
		return nil
	}
	return &move{fields}
}

// transfers reads pairs of paths, those from where by the function from.
func (c *compiler) transfers(arg *Node, hint string, from func(*Node) (path, bool)) (all []transfer, ok bool) {
	ok = c.each(arg, hint, func(key, value *Node) bool {
		source, ok := from(key)
		target, reaches := c.path(value)
		if ok && reaches && source.meta == target.meta && source.to(len(source.steps)) == target.to(len(target.steps)) {
			c.fail(value, "", "both paths are the same: %s", clip(target.text))
			return false
		}
		all = append(all, transfer{source, target})
		return ok && reaches
	})
	return all, ok
}

func (o *move) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.move(s); err != nil {
			return &pathError{"move", f.from.text, err}
		}
	}
	return nil
}

func (f *transfer) move(s *Scope) error {
	from, err := f.from.find(s)
	if err != nil || from.at == transform.None {
		return err
	}
	from.doc.Remove(from.in, from.at)
	to, err := f.to.reach(s)
	if err != nil {
		return err
	}
	if !to.isNull() {
		emptied := to.doc == from.doc && to.at == from.in && to.doc.First(to.at) == transform.None
		if !emptied {
			if from.isNull() {
				return nil
			}
			return clash(f.to.text)
		}
	}
	v := from.at
	if to.doc != from.doc {
		v = to.doc.Import(from.doc, v)
	}
	f.to.put(to, v)
	return nil
}

func (o *move) reads() []string { return readsOf(o.fields) }

func readsOf(fields []transfer) []string {
	return texts(fields, func(f transfer) string { return f.from.text })
}
