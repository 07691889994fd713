package upcast

import (
	"bytes"

	"backstory/source"
	"backstory/transform"
)

// splitting cuts a text at a separator into named parts, of which the last
// takes all that is left: "Ana Maria Silva" at " " into [first, last] gives
// "Ana" and "Maria Silva". With optional: true, parts that are missing are
// null.
type splitting struct {
	separator []byte
	into      []string // "" for parts that are passed over
	optional  bool
}

func readSplit(c *compiler, arg, n *Node) reading {
	if arg.Kind != Text || arg.Text == "" {
		c.fail(arg, parseHint, "want the text to split at, got %s", arg.describe())
		return nil
	}
	into := n.Member("into")
	if into == nil {
		c.fail(n, parseHint, "split wants the parts' names in into")
		return nil
	}
	names, ok := c.partNames(into)
	s := &splitting{separator: []byte(arg.Text), into: names}
	if o := n.Member("optional"); o != nil {
		if o.Kind != Bool {
			c.fail(o, parseHint, "want true or false, got %s", o.describe())
			return nil
		}
		s.optional = o.Text == "true"
	}
	if !ok {
		return nil
	}
	return s
}

func (s *splitting) read(doc *transform.Document, text []byte) (transform.Value, error) {
	object := doc.NewObject()
	rest, left := text, true
	for i, name := range s.into {
		if !left && !s.optional {
			return object, hinted(source.Telling("want %d parts between %q, got %d in %s", len(s.into), s.separator, i, showText(text)),
				"with optional: true, missing parts are null")
		}
		part, here := rest, left
		if left && i < len(s.into)-1 {
			part, rest, left = bytes.Cut(rest, s.separator)
		}
		if name == "" {
			continue
		}
		v := transform.None
		if here {
			v, _ = doc.NewText(transform.ValueString, part)
		}
		if v == transform.None { // missing, or cut inside a character, which a separator cannot do
			v = doc.NewNull()
		}
		doc.Put(object, name, v)
	}
	return object, nil
}
