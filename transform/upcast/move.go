package upcast

import (
	"slices"

	"backstory/source"
	"backstory/transform"
)

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
//
// Moves go one after the other, but elements are counted before any is moved:
// lines[0] and lines[1] are the first two elements.
type move struct {
	fields   []transfer
	elements bool // some are of elements
}

// A transfer is one way from a place to another.
type transfer struct{ from, to path }

const moveHint = "write {path: path}, from where to where"

func compileMove(c *compiler, arg *Node) Operation {
	fields, ok := c.transfers(arg, moveHint, c.field)
	if !ok {
		return nil
	}
	return &move{fields, slices.ContainsFunc(fields, func(f transfer) bool { return f.from.counts() })}
}

// transfers reads pairs of paths, those from where by the function from.
func (c *compiler) transfers(arg *Node, hint string, from func(*Node) (path, bool)) (all []transfer, ok bool) {
	ok = c.each(arg, hint, func(key, value *Node) bool {
		origin, ok := from(key)
		target, reaches := c.path(value)
		if ok && reaches && origin.meta == target.meta && origin.to(len(origin.steps)) == target.to(len(target.steps)) {
			c.fail(value, "", "both paths are the same: %s", source.Clip(target.text))
			return false
		}
		all = append(all, transfer{origin, target})
		return ok && reaches
	})
	return all, ok
}

func (o *move) Apply(s *Scope) error {
	var buf [8]place
	var counted []place // by field
	if o.elements {
		counted = append(buf[:0], make([]place, len(o.fields))...)
	}
	for i := range counted {
		if f := &o.fields[i]; f.from.counts() {
			var err error
			if counted[i], err = f.from.find(s); err != nil {
				return &pathError{"move", f.from.text, err}
			}
		}
	}
	for i := range o.fields {
		f := &o.fields[i]
		var from place
		var err error
		if f.from.counts() {
			from = counted[i]
		} else {
			from, err = f.from.find(s)
		}
		if err == nil && from.at != transform.None {
			err = f.move(s, from)
		}
		if err != nil {
			return &pathError{"move", f.from.text, err}
		}
	}
	return nil
}

func (f *transfer) move(s *Scope, from place) error {
	if !from.doc.Remove(from.in, from.at) {
		return nil // another has moved it
	}
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
