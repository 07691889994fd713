package upcast

import (
	"errors"
	"fmt"

	"backstory/transform"
)

// A place is where a path leads in an event.
type place struct {
	doc *transform.Document
	in  transform.Value // the object or list; None where there is none, or the path has no steps
	at  transform.Value // what stands there; None where nothing does
}

// isNull tells whether nothing, or null, stands there.
func (pl *place) isNull() bool {
	return pl.at == transform.None || pl.doc.Kind(pl.at) == transform.ValueNull
}

// find follows the path. Where something on its way is not there, or null,
// nothing stands at its end. An error means that it meets a value of the
// wrong kind on its way.
func (p *path) find(s *Scope) (place, error) {
	doc, v := p.begin(s)
	pl := place{doc, transform.None, v}
	for i := range p.steps {
		if pl.isNull() {
			return place{doc, transform.None, transform.None}, nil
		}
		next, ok := p.steps[i].from(doc, pl.at)
		if !ok {
			return place{}, p.wrongKind(s, i, doc.Kind(pl.at))
		}
		pl.in, pl.at = pl.at, next
	}
	return pl, nil
}

// reach is find for a place that something is to be put at: it makes the
// objects on the way that are not there or null.
func (p *path) reach(s *Scope) (place, error) {
	doc, v := p.begin(s)
	if doc == nil {
		return place{}, errNoMeta
	}
	pl := place{doc, transform.None, v}
	for i := range p.steps {
		st := &p.steps[i]
		if pl.isNull() && !st.element {
			object := doc.NewObject()
			switch {
			case pl.at != transform.None:
				doc.Become(pl.at, object)
			case pl.in != transform.None:
				doc.Put(pl.in, p.steps[i-1].name, object)
				pl.at = object
			default:
				doc.SetRoot(object)
				pl.at = object
			}
		}
		if pl.isNull() {
			return place{}, fmt.Errorf("there is no list %s", p.to(i))
		}
		next, ok := st.from(doc, pl.at)
		if !ok {
			return place{}, p.wrongKind(s, i, doc.Kind(pl.at))
		}
		if next == transform.None && st.element {
			return place{}, fmt.Errorf("there is no element %d in %s, which has %d", st.index, p.to(i), doc.Len(pl.at))
		}
		pl.in, pl.at = pl.at, next
	}
	return pl, nil
}

var errNoMeta = errors.New("the event has no metadata")

// put makes v, which is in no object or list, what stands at pl, to which
// the path has reached.
func (p *path) put(pl place, v transform.Value) {
	switch {
	case pl.at != transform.None:
		pl.doc.Become(pl.at, v)
	case pl.in != transform.None:
		pl.doc.Put(pl.in, p.last().name, v)
	default:
		pl.doc.SetRoot(v)
	}
}

// from gives where the step leads from v, None where there is nothing. It
// gives false if v is neither object nor list as the step wants it.
func (st *step) from(doc *transform.Document, v transform.Value) (transform.Value, bool) {
	if st.element {
		if doc.Kind(v) != transform.ValueArray {
			return transform.None, false
		}
		return doc.Element(v, st.index), true
	}
	if doc.Kind(v) != transform.ValueObject {
		return transform.None, false
	}
	return doc.Member(v, st.name), true
}

// wrongKind says that what stands in front of a step is of the wrong kind.
func (p *path) wrongKind(s *Scope, i int, k transform.ValueKind) error {
	want, at := "an object", p.to(i)
	if i == 0 && !p.meta && s.List != transform.None {
		at = "the element"
	}
	if p.steps[i].element {
		want = "a list"
	}
	return hinted(fmt.Errorf("%s is %s, not %s", at, article(k), want),
		"the path fits only some events: mend the others by a repair in front of this (at: N, when: ...)")
}

// article gives the kind's name with its article.
func article(k transform.ValueKind) string {
	switch k {
	case transform.ValueNull:
		return "null"
	case transform.ValueInteger, transform.ValueObject:
		return "an " + k.String()
	}
	return "a " + k.String()
}

// wantKind is the reason why an operation takes no value of that kind.
func wantKind(want string, k transform.ValueKind) error {
	return fmt.Errorf("want %s, got %s", want, article(k))
}
