package upcast

import (
	"fmt"

	"backstory/source"
	"backstory/transform"
)

// rename gives members of an object other names:
//
//	rename: {qty: quantity, line.cost: price}
//
// The new name is a name in the same object, not a path, and the member keeps
// its place there. What is not there is not renamed. Where both names are
// there, one that is null gives way; otherwise the event cannot be upcast.
type rename struct{ fields []renaming }

type renaming struct {
	from path
	to   string
}

const renameHint = "write {path: name}; move takes a member to another object"

func compileRename(c *compiler, arg *Node) Operation {
	var r rename
	ok := c.each(arg, renameHint, func(key, value *Node) bool {
		from, ok := c.member(key)
		to, named := c.newName(value, renameHint)
		if ok && named && from.last().name == to {
			c.fail(value, "", "the new name is the old one: %s", source.Clip(to))
			return false
		}
		r.fields = append(r.fields, renaming{from, to})
		return ok && named
	})
	if !ok {
		return nil
	}
	return &r
}

func (o *rename) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.apply(s); err != nil {
			return &pathError{"rename", f.from.text, err}
		}
	}
	return nil
}

func (f *renaming) apply(s *Scope) error {
	pl, err := f.from.find(s)
	if err != nil || pl.at == transform.None {
		return err
	}
	if other := (place{pl.doc, pl.in, pl.doc.Member(pl.in, f.to)}); other.at != transform.None {
		switch {
		case other.isNull():
			pl.doc.Remove(pl.in, other.at)
		case pl.isNull():
			pl.doc.Remove(pl.in, pl.at)
			return nil
		default:
			return clash(f.to)
		}
	}
	pl.doc.Rename(pl.in, f.from.last().name, f.to)
	return nil
}

func (o *rename) reads() []string {
	return texts(o.fields, func(f renaming) string { return f.from.text })
}

// clash says that there is a value already where another would be put.
func clash(at string) error {
	return hinted(fmt.Errorf("there is another value at %s already", at),
		"say which one counts: drop the other first, or mend such events by a repair (at: N, when: ...)")
}
