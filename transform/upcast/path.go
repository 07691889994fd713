package upcast

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"backstory/source"
	"backstory/transform"
)

// A path leads to a value of an event:
//
//	line.price       the member price of the object line
//	lines[0].sku     of a list's first element; [-1] is the last
//	"odd.name".x     quotes around a name with any of . [ ] " in it
//	meta.user        the metadata's member user
//	data.meta        the payload's member meta, which "meta" is too
//	$                inside each: the element itself
//
// It begins at the payload, or inside each at the element. In front, data and
// meta are the words that expressions use: members of these names stand
// behind data or in quotes. In quotes, \" is a quote and \\ a backslash.
type path struct {
	text  string // as the rule writes it
	meta  bool   // it begins at the metadata
	steps []step // none for all of payload, metadata or element
}

// A step goes from an object to a member, or from a list to an element.
type step struct {
	name    string
	element bool
	index   int // of the element, from the end where it is negative
}

// pathSyntaxError is a text that is no path.
type pathSyntaxError struct {
	offset int // bytes in front of what is wrong
	msg    string
}

func (e *pathSyntaxError) Error() string { return e.msg }

const (
	pathHint = `write names joined by dots, such as line.price or lines[0].sku, and quotes around odd names: "a.b".c`
	eachHint = `inside each, paths begin at the element; quote the name if it is a member's, or use set with an expression, which sees data and meta`
)

// path reads a path, and notes it where it is none or has no place here.
func (c *compiler) path(n *Node) (path, bool) {
	if n.Kind != Text && n.Kind != Number && n.Kind != Bool {
		c.fail(n, pathHint, "want a path, got %s", n.describe())
		return path{}, false
	}
	p, first, err := parsePath(n.Text)
	var syntax *pathSyntaxError
	switch {
	case errors.As(err, &syntax):
		at := *n
		if at.Column > 0 {
			at.Column += syntax.offset
		}
		c.fail(&at, pathHint, "bad path %s: %s", source.Clip(n.Text), syntax.msg)
	case first == "$" && !c.inEach:
		c.fail(n, `a member of that name stands in quotes: "$"`, "$ stands for an element inside each, and has no place here")
	case (first == "data" || first == "meta") && c.inEach:
		c.fail(n, eachHint, "%s has no place inside each", first)
	default:
		return p, true
	}
	return path{}, false
}

// field is path for what must be a member or element, not all of payload,
// metadata or element.
func (c *compiler) field(n *Node) (path, bool) {
	p, ok := c.path(n)
	if ok && len(p.steps) == 0 {
		c.fail(n, fmt.Sprintf("a member of that name stands in quotes: %s", quote(p.text)), "%s has no place here: it is the %s", p.text, p.start())
		return path{}, false
	}
	return p, ok
}

// member is field for what must be a member of an object.
func (c *compiler) member(n *Node) (path, bool) {
	p, ok := c.field(n)
	if ok && p.last().element {
		c.fail(n, "", "want the path of a member, got that of an element: %s", source.Clip(p.text))
		return path{}, false
	}
	return p, ok
}

// parsePath reads a path. First is the word data, meta or $ in front of it, or
// nothing.
func parsePath(text string) (p path, first string, err error) {
	p.text = text
	i := 0
	for {
		name, end, bare, err := parseName(text, i)
		if err != nil {
			return p, "", err
		}
		if i == 0 && bare && isFirst(name) {
			first, p.meta = name, name == "meta"
		} else {
			p.steps = append(p.steps, step{name: name})
		}
		i = end
		for i < len(text) && text[i] == '[' {
			index, end, err := parseIndex(text, i)
			if err != nil {
				return p, "", err
			}
			p.steps = append(p.steps, step{element: true, index: index})
			i = end
		}
		if i == len(text) {
			return p, first, nil
		}
		if text[i] != '.' {
			return p, "", &pathSyntaxError{i, fmt.Sprintf("want a dot in front of %s", source.Clip(text[i:]))}
		}
		i++
	}
}

// parseName reads the name at i and gives the place after it.
func parseName(text string, i int) (name string, end int, bare bool, err error) {
	if i == len(text) || text[i] != '"' {
		end = i + strings.IndexAny(text[i:], `.[]"`)
		if end < i {
			end = len(text)
		}
		name = text[i:end]
		switch {
		case name == "":
			return "", i, true, &pathSyntaxError{i, "a name is missing"}
		case strings.TrimSpace(name) != name:
			return "", i, true, &pathSyntaxError{i, "a name with spaces at its ends stands in quotes"}
		}
		return name, end, true, nil
	}
	var b strings.Builder
	for end = i + 1; end < len(text); end++ {
		switch c := text[end]; c {
		case '"':
			return b.String(), end + 1, false, nil
		case '\\':
			end++
			if end == len(text) || text[end] != '"' && text[end] != '\\' {
				return "", i, false, &pathSyntaxError{end - 1, `in quotes, a backslash stands in front of " or \`}
			}
			b.WriteByte(text[end])
		default:
			b.WriteByte(c)
		}
	}
	return "", i, false, &pathSyntaxError{i, "the closing quote is missing"}
}

// parseIndex reads the [N] at i and gives the place after it.
func parseIndex(text string, i int) (index, end int, err error) {
	digits, _, ok := strings.Cut(text[i+1:], "]")
	switch {
	case !ok:
		return 0, i, &pathSyntaxError{i, "the closing ] is missing"}
	case digits == "":
		return 0, i, &pathSyntaxError{i, "[] has no number: operations on all elements stand in each"}
	}
	index, err = strconv.Atoi(digits)
	if err != nil || len(digits) > 9 || digits[0] == '+' {
		return 0, i, &pathSyntaxError{i + 1, fmt.Sprintf("%s is no element's number", source.Clip(digits))}
	}
	return index, i + len(digits) + 2, nil
}

// counts tells whether the path leads to or through an element.
func (p *path) counts() bool {
	return slices.ContainsFunc(p.steps, func(st step) bool { return st.element })
}

// last is the last step, of which there must be one.
func (p *path) last() *step { return &p.steps[len(p.steps)-1] }

// start names what the path begins at.
func (p *path) start() string {
	switch {
	case p.meta:
		return "metadata"
	case p.text == "$" || strings.HasPrefix(p.text, "$.") || strings.HasPrefix(p.text, "$["):
		return "element"
	}
	return "payload"
}

// to writes the path up to a step that it does not go any more.
func (p *path) to(n int) string {
	if n == 0 {
		return "the " + p.start()
	}
	var b strings.Builder
	switch {
	case p.meta:
		b.WriteString("meta")
	case p.steps[0].element && p.start() == "element":
		b.WriteString("$")
	case p.steps[0].element:
		b.WriteString("data")
	}
	for i, st := range p.steps[:n] {
		if st.element {
			fmt.Fprintf(&b, "[%d]", st.index)
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		if isOdd(st.name) || i == 0 && b.Len() == 0 && isFirst(st.name) {
			b.WriteString(quote(st.name))
		} else {
			b.WriteString(st.name)
		}
	}
	return b.String()
}

// isOdd tells whether a name stands in quotes.
func isOdd(name string) bool {
	return name == "" || strings.ContainsAny(name, `.[]"`) || name != strings.TrimSpace(name)
}

// isFirst tells whether a name at the beginning of a path is no member's.
func isFirst(name string) bool { return name == "data" || name == "meta" || name == "$" }

// quote writes a name in quotes as paths do.
func quote(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// document is where the path's values live; nil for metadata that is not there.
func (p *path) document(s *Scope) *transform.Document {
	if p.meta {
		return s.Event.Meta
	}
	return s.Doc
}

// begin gives the value where the path begins.
func (p *path) begin(s *Scope) (*transform.Document, transform.Value) {
	if p.meta {
		return s.Event.Meta, s.Event.Meta.Root()
	}
	return s.Doc, s.Root
}

// texts gives the paths of an operation's fields, as the rule writes them.
func texts[F any](fields []F, text func(F) string) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = text(f)
	}
	return all
}
