package survey

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"

	"backstory/transform/upcast"
)

const starterHead = `# Upcasters for what was found in the history, to begin with. Read each, mend
# it, put the section into the configuration, and check it with: backstory test
# Values that look personal are masked in the examples.
`

// WriteStarter writes the suggested upcasters as a section of a
// configuration, YAML, with comments that say why and how sure each is.
func (r *Report) WriteStarter(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(starterHead)
	if len(r.Upcasters) == 0 {
		b.WriteString("upcasters: []\n")
		return b.Flush()
	}
	b.WriteString("upcasters:\n")
	for i := range r.Upcasters {
		if i > 0 {
			b.WriteString("\n")
		}
		r.Upcasters[i].write(b)
	}
	return b.Flush()
}

func (u *Upcaster) write(b *bufio.Writer) {
	in := "  " // what stands in front of each line
	if u.Broken {
		in = "  # "
	}
	title := fmt.Sprintf("%s: schema version %d to %d", u.Event, u.From, u.From+1)
	if u.At > 0 {
		title = fmt.Sprintf("%s: mends events of schema version %d", u.Event, u.At)
	}
	comment(b, "  ", title)
	for _, why := range u.Why {
		comment(b, "  ", why)
	}
	fmt.Fprintf(b, "%s- event: %s\n", in, yamlText(u.Event))
	if u.At > 0 {
		fmt.Fprintf(b, "%s  at: %d\n%s  when: %s\n", in, u.At, in, yamlText(u.When))
	} else {
		fmt.Fprintf(b, "%s  from: %d\n", in, u.From)
	}
	if len(u.live()) == 0 {
		fmt.Fprintf(b, "%s  do: []\n", in)
	} else {
		fmt.Fprintf(b, "%s  do:\n", in)
	}
	for _, op := range u.Do {
		comment(b, in+"    ", op.Why)
		open := ""
		if op.Open && !u.Broken {
			open = "# "
		}
		fmt.Fprintf(b, "%s    %s- %s\n", in, open, bare(yamlOf(op.Rule)))
	}
	if len(u.Examples) > 0 {
		fmt.Fprintf(b, "%s  examples:\n", in)
	}
	for _, e := range u.Examples {
		fmt.Fprintf(b, "%s    - given: %s\n%s      then: %s\n", in, yamlOf(e.Given), in, yamlOf(e.Then))
	}
}

// comment writes a text as lines of a comment.
func comment(b *bufio.Writer, in, text string) {
	in = strings.TrimSuffix(in, "# ")
	const width = 100
	line := in + "#"
	for word := range strings.FieldsSeq(printable(text)) {
		if len(line)+1+len(word) > width && line != in+"#" {
			fmt.Fprintln(b, line)
			line = in + "#"
		}
		line += " " + word
	}
	fmt.Fprintln(b, line)
}

// printable replaces what is no visible character: a name out of a payload
// must not end a comment, or play with a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// bare takes the braces of a map of one member off.
func bare(flow string) string { return strings.TrimSuffix(strings.TrimPrefix(flow, "{"), "}") }

// yamlOf writes JSON as YAML on one line, with its members in order and its
// digits.
func yamlOf(text json.RawMessage) string {
	n, err := upcast.Parse(text)
	if err != nil {
		return string(text)
	}
	return string(appendYAML(nil, n))
}

func appendYAML(dst []byte, n *upcast.Node) []byte {
	switch n.Kind {
	case upcast.Map:
		dst = append(dst, '{')
		for i := range n.Keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(dst, yamlText(n.Keys[i].Text)...)
			dst = append(dst, ": "...)
			dst = appendYAML(dst, &n.Values[i])
		}
		return append(dst, '}')
	case upcast.List:
		dst = append(dst, '[')
		for i := range n.Values {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendYAML(dst, &n.Values[i])
		}
		return append(dst, ']')
	case upcast.Null:
		return append(dst, "null"...)
	case upcast.Text:
		return append(dst, yamlText(n.Text)...)
	}
	return append(dst, n.Text...)
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_.@/-]*$`)
	notText   = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|y|n)$`)
)

// yamlText writes a text as a YAML scalar, in quotes where it could be taken
// for something else. What JSON escapes, YAML reads.
func yamlText(s string) string {
	if plainText.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""`
	}
	return escapeControls(strings.TrimSuffix(b.String(), "\n"))
}

// escapeControls escapes the characters that JSON allows and YAML does not.
func escapeControls(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r) || r == ' ':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	return b.String()
}
