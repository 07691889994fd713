package upcast

import "backstory/transform"

// drop takes values out, members of objects or elements of lists:
//
//	drop: [note, customer.phone, meta.trace]
//
// What is not there is not dropped.
type drop struct{ paths []path }

const dropHint = "write a list of paths, such as [note, customer.phone]"

func compileDrop(c *compiler, arg *Node) Operation {
	paths, ok := c.paths(arg, dropHint, c.field)
	if !ok {
		return nil
	}
	return &drop{paths}
}

func (o *drop) Apply(s *Scope) error {
	for i := range o.paths {
		p := &o.paths[i]
		pl, err := p.find(s)
		if err != nil {
			return &pathError{"drop", p.text, err}
		}
		if pl.at != transform.None {
			pl.doc.Remove(pl.in, pl.at)
		}
	}
	return nil
}

func (o *drop) reads() []string {
	return texts(o.paths, func(p path) string { return p.text })
}
