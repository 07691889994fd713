package upcast

import "backstory/transform"

// A literal is a value that stands in a rule. It does not change.
type literal struct{ doc *transform.Document }

// literal reads a value of any kind.
func (c *compiler) literal(n *Node) (literal, bool) {
	l := literal{new(transform.Document)}
	if err := l.doc.Parse(n.appendJSON(nil), false); err != nil {
		c.fail(n, "write numbers as JSON does, and each name of an object once", "want a value, got %s", n.describe())
		return literal{}, false
	}
	return l, true
}

// in makes the value one of a document, in no object or list.
func (l literal) in(doc *transform.Document) transform.Value {
	return doc.Import(l.doc, l.doc.Root())
}
