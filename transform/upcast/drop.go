package upcast

import "backstory/transform"

// drop takes values out, members of objects or elements of lists:
//
//	drop: [note, customer.phone, meta.trace]
//
// What is not there is not dropped. All are found before one is taken out:
// lines[0] and lines[1] are the first two elements.
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
	var buf [8]place
	found := buf[:0]
	for i := range o.paths {
		pl, err := o.paths[i].find(s)
		if err != nil {
			return &pathError{"drop", o.paths[i].text, err}
		}
		if pl.at != transform.None {
			found = append(found, pl)
		}
	}
	for _, pl := range found {
		pl.doc.Remove(pl.in, pl.at)
	}
	return nil
}

func (o *drop) reads() []string {
	return texts(o.paths, func(p path) string { return p.text })
}
