package upcast

import (
	"strconv"
	"strings"

	"backstory/transform"
)

// each applies operations to each element of a list:
//
//	each: {lines: [{rename: {qty: quantity}}, {cast: {price: {decimal: [18, 2]}}}]}
//
// Paths in there begin at the element, which is $ itself, as in
// each: {tags: [{cast: {$: string}}]}. Elements that are null are passed
// over, and nothing is done where there is no list. Lists in lists take an
// each inside each.
type each struct{ lists []eachList }

type eachList struct {
	path  path
	steps []Operation
}

const eachListHint = "write {path: [operations]}"

func compileEach(c *compiler, arg *Node) Operation {
	var e each
	ok := c.each(arg, eachListHint, func(key, value *Node) bool {
		p, ok := c.path(key)
		outside, problems := c.inEach, len(c.problems)
		c.inEach = true
		steps := c.operations(value)
		c.inEach = outside
		e.lists = append(e.lists, eachList{p, steps})
		return ok && len(c.problems) == problems
	})
	if !ok {
		return nil
	}
	return &e
}

func (o *each) Apply(s *Scope) error {
	for i := range o.lists {
		if err := o.lists[i].apply(s); err != nil {
			return err
		}
	}
	return nil
}

func (l *eachList) apply(s *Scope) error {
	pl, err := l.path.find(s)
	if err == nil && !pl.isNull() && pl.doc.Kind(pl.at) != transform.ValueArray {
		err = wantKind("a list", pl.doc.Kind(pl.at))
	}
	if err != nil {
		return &pathError{"each", l.path.text, err}
	}
	if pl.isNull() {
		return nil
	}
	doc, root, list := s.Doc, s.Root, s.List
	s.Doc, s.List = pl.doc, pl.at
	defer func() { s.Doc, s.Root, s.List = doc, root, list }()
	for i, v := 0, pl.doc.First(pl.at); v != transform.None; i, v = i+1, pl.doc.Next(v) {
		if pl.doc.Kind(v) == transform.ValueNull {
			continue
		}
		s.Root = v
		for _, o := range l.steps {
			if err := o.Apply(s); err != nil {
				return l.within(i, err)
			}
		}
	}
	return nil
}

// within says of an error that it is of element i.
func (l *eachList) within(i int, err error) error {
	place := l.path.text + "[" + strconv.Itoa(i) + "]"
	p, ok := err.(*pathError)
	if !ok {
		return &pathError{"each", place, err}
	}
	if rest, ok := strings.CutPrefix(p.path, "$"); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
		return &pathError{p.operation, place + rest, p.err}
	}
	return &pathError{p.operation, place + "." + p.path, p.err}
}

func (o *each) reads() []string {
	return texts(o.lists, func(l eachList) string { return l.path.text })
}
