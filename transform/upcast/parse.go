package upcast

import (
	"errors"

	"backstory/source"
	"backstory/transform"
)

// parse takes the text of a field apart:
//
//	parse: {ship_to: {split: ", ", into: [region, country]}}
//	parse: {sku: {regex: '(?P<brand>[A-Z]+)-(?P<number>\d+)', as: article}}
//	parse: {details: {json: true}}
//	parse: {born: {date: "%d.%m.%Y"}}
//
// What comes of it takes the text's place; with as: it stands at that path
// instead and the text stays. Where an object is there already, or as: is
// data, the parts become members of it. A text that does not fit means that
// the event cannot be upcast. Null stays null, and what is not there so.
//
// The ways to read a text are in parse_split.go, parse_regex.go,
// parse_json.go and parse_date.go.
type parse struct{ fields []parsing }

type parsing struct {
	path path
	as   *path // nil for the same
	way  reading
}

// A reading makes a value of a text, in no object or list of doc. The text
// may lie in doc.
type reading interface {
	read(doc *transform.Document, text []byte) (transform.Value, error)
}

const parseHint = "write {path: {split: TEXT, into: [names]}}, or regex: PATTERN, json: true, date: FORMAT in place of split"

func compileParse(c *compiler, arg *Node) Operation {
	var p parse
	ok := c.each(arg, parseHint, func(key, value *Node) bool {
		from, ok := c.path(key)
		f, read := c.parsing(value)
		f.path = from
		p.fields = append(p.fields, f)
		return ok && read
	})
	if !ok {
		return nil
	}
	return &p
}

func (c *compiler) parsing(n *Node) (parsing, bool) {
	var p parsing
	before := len(c.problems)
	ways := []struct {
		name    string
		options []string
		read    func(c *compiler, arg, n *Node) reading
	}{
		{"split", []string{"into", "optional"}, readSplit},
		{"regex", []string{"into"}, readRegex},
		{"json", nil, readJSON},
		{"date", []string{"zone"}, readDate},
	}
	for _, w := range ways {
		if arg := n.Member(w.name); arg != nil && n.Kind == Map && p.way == nil {
			c.known(n, append([]string{w.name, "as"}, w.options...)...)
			if p.way = w.read(c, arg, n); p.way == nil {
				return p, false
			}
		}
	}
	if p.way == nil {
		c.fail(n, parseHint, "want a way to parse: split, regex, json or date")
		return p, false
	}
	if as := n.Member("as"); as != nil {
		if to, ok := c.path(as); ok {
			p.as = &to
		}
	}
	return p, len(c.problems) == before
}

func (o *parse) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		if err := f.apply(s); err != nil {
			return &pathError{"parse", f.path.text, err}
		}
	}
	return nil
}

func (f *parsing) apply(s *Scope) error {
	from, err := f.path.find(s)
	if err != nil || from.isNull() {
		return err
	}
	if k := from.doc.Kind(from.at); k != transform.ValueString && k != transform.ValueInteger {
		return wantKind("text", k)
	}
	if !from.doc.Exact(from.at) {
		return errHalfCharacter
	}
	text := from.doc.Text(from.at)
	if f.as == nil {
		v, err := f.way.read(from.doc, text)
		if err == nil {
			f.path.put(from, v)
		}
		return err
	}
	doc := f.as.document(s)
	if doc == nil {
		return errNoMeta
	}
	v, err := f.way.read(doc, text)
	if err != nil {
		return err
	}
	to, err := f.as.reach(s)
	switch {
	case err != nil:
		return err
	case to.isNull():
		f.as.put(to, v)
		return nil
	case doc.Kind(to.at) != transform.ValueObject || doc.Kind(v) != transform.ValueObject:
		return clash(f.as.text)
	}
	return merge(doc, to.at, v)
}

// merge puts the members of another object into object. A null gives way.
func merge(doc *transform.Document, object, other transform.Value) error {
	for m := doc.First(other); m != transform.None; m = doc.First(other) {
		doc.Remove(other, m)
		name := string(doc.Name(m))
		if old := (place{doc, object, doc.Member(object, name)}); !old.isNull() {
			if (&place{doc, other, m}).isNull() {
				continue
			}
			return clash(name)
		}
		doc.Put(object, name, m)
	}
	return nil
}

func (o *parse) reads() []string {
	return texts(o.fields, func(f parsing) string { return f.path.text })
}

var errHalfCharacter = errors.New("the text holds half a character (a surrogate without the other), which would be lost")

// misread says that a text is not as a reading wants it: a string, or an error
// that says more.
func misread(want any, text []byte) error {
	told := showText(text)
	told.Value = "the text " + told.Value
	return source.Telling("want %s, got %s", want, told)
}

// partNames reads the names in into:, "" for parts that are passed over.
func (c *compiler) partNames(n *Node) ([]string, bool) {
	const hint = "write the parts' names in a list, with null for those to pass over: into: [region, country]"
	if n.Kind != List || len(n.Values) == 0 {
		c.fail(n, hint, "want names in into, got %s", n.describe())
		return nil, false
	}
	names, ok := make([]string, len(n.Values)), true
	for i := range n.Values {
		if n.Values[i].Kind == Null {
			continue
		}
		name, is := c.newName(&n.Values[i], hint)
		for _, other := range names[:i] {
			if is && name == other {
				c.fail(&n.Values[i], hint, "the name %s stands twice", source.Clip(name))
				is = false
			}
		}
		names[i], ok = name, ok && is
	}
	return names, ok
}
