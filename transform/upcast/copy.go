package upcast

import (
	"errors"

	"backstory/transform"
)

// copyOperation puts copies of values to other places:
//
//	copy: {address.country: country, meta.tenant: tenant}
//
// It goes like move but that the value stays where it is as well. The path
// from where may be data, meta or $ alone: all of the payload, the metadata
// or the element.
type copyOperation struct{ fields []transfer }

func compileCopy(c *compiler, arg *Node) Operation {
	fields, ok := c.transfers(arg, moveHint, c.path)
	if !ok {
		return nil
	}
	return &copyOperation{fields}
}

// maxCopied is how many values a document may grow to by copies: copies of
// copies could double it again and again.
const maxCopied = 1 << 21

var errTooLarge = errors.New("copies have made the event too large")

func (o *copyOperation) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.copy(s); err != nil {
			return &pathError{"copy", f.from.text, err}
		}
	}
	return nil
}

func (f *transfer) copy(s *Scope) error {
	from, err := f.from.find(s)
	if err != nil || from.at == transform.None {
		return err
	}
	doc := f.to.document(s)
	if doc == nil {
		return errNoMeta
	}
	if doc.Size() > maxCopied {
		return errTooLarge
	}
	// Copied first: the way to the new place may lead through what is copied.
	v := doc.Import(from.doc, from.at)
	to, err := f.to.reach(s)
	if err != nil {
		return err
	}
	if !to.isNull() {
		if from.isNull() {
			return nil
		}
		return clash(f.to.text)
	}
	f.to.put(to, v)
	return nil
}

func (o *copyOperation) reads() []string { return readsOf(o.fields) }
