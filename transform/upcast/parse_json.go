package upcast

import (
	"sync"

	"backstory/source"
	"backstory/transform"
)

// parsedJSON reads a text that is a JSON document.
type parsedJSON struct{ documents sync.Pool }

func readJSON(c *compiler, arg, _ *Node) reading {
	if arg.Kind != Bool || arg.Text != "true" {
		c.fail(arg, parseHint, "want json: true, got %s", arg.describe())
		return nil
	}
	return &parsedJSON{sync.Pool{New: func() any { return new(transform.Document) }}}
}

func (p *parsedJSON) read(doc *transform.Document, text []byte) (transform.Value, error) {
	if doc.Size() > maxCopied {
		return transform.None, errTooLarge
	}
	inner := p.documents.Get().(*transform.Document)
	defer func() {
		inner.Reset() // it has borrowed the text
		if inner.Held() <= maxPooled {
			p.documents.Put(inner)
		}
	}()
	if err := inner.Parse(text, false); err != nil {
		return transform.None, misread(source.Telling("a JSON document (%w)", err), text)
	}
	return doc.Import(inner, inner.Root()), nil
}
