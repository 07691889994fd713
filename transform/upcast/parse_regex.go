package upcast

import (
	"regexp"
	"slices"
	"strings"

	"backstory/transform"
)

// matching reads the parts of a text that a regular expression captures. It
// must match the whole text. The groups are named in it, (?P<name>...), or by
// into, in their order. A group that took no part is null. The syntax is that
// of Go's regexp, which takes no more than linear time.
type matching struct {
	pattern *regexp.Regexp
	into    []string // by group, from 0, which is the whole match; "" for those passed over
}

func readRegex(c *compiler, arg, n *Node) reading {
	if arg.Kind != Text || arg.Text == "" {
		c.fail(arg, parseHint, "want a regular expression, got %s", arg.describe())
		return nil
	}
	if _, err := regexp.Compile(arg.Text); err != nil {
		c.fail(arg, "the syntax is that of https://pkg.go.dev/regexp/syntax", "bad regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	whole, err := regexp.Compile(`\A(?:` + arg.Text + `)\z`)
	if err != nil {
		c.fail(arg, "make it shorter", "bad regular expression: %s", err)
		return nil
	}
	m := &matching{whole, slices.Clone(whole.SubexpNames())}
	if into := n.Member("into"); into != nil {
		names, ok := c.partNames(into)
		if !ok {
			return nil
		}
		if len(names) != len(m.into)-1 || slices.ContainsFunc(m.into, func(name string) bool { return name != "" }) {
			c.fail(into, "name the groups in the expression, (?P<name>...), or all of them in into", "into has %d names, and the expression %d groups", len(names), len(m.into)-1)
			return nil
		}
		copy(m.into[1:], names)
	}
	named := m.into[:0:0]
	for _, name := range m.into {
		switch {
		case name == "":
		case slices.Contains(named, name):
			c.fail(arg, "give each group a name of its own", "two groups are called %s", name)
			return nil
		default:
			named = append(named, name)
		}
	}
	if len(named) == 0 {
		c.fail(arg, "name the groups in the expression, (?P<name>...), or in into", "the expression has no group with a name")
		return nil
	}
	return m
}

func (m *matching) read(doc *transform.Document, text []byte) (transform.Value, error) {
	at := m.pattern.FindSubmatchIndex(text)
	if at == nil {
		return transform.None, hinted(misread("what the regular expression matches as a whole", text),
			"let the expression allow for such texts, with .* at its ends where more may stand there")
	}
	object := doc.NewObject()
	for i, name := range m.into {
		if name == "" {
			continue
		}
		v := transform.None
		if at[2*i] >= 0 {
			// A group may end inside a character only by \C, which Go does not have.
			v, _ = doc.NewText(transform.ValueString, text[at[2*i]:at[2*i+1]])
		}
		if v == transform.None {
			v = doc.NewNull()
		}
		doc.Put(object, name, v)
	}
	return object, nil
}
