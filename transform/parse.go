package transform

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"backstory/source"
)

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

// SyntaxError is a payload that is not a JSON document.
type SyntaxError struct {
	// Offset is the number of bytes before the error.
	Offset int
	err    error
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.err) }

// Untold is the error's text without what it quotes of the payload.
func (e *SyntaxError) Untold() string {
	return fmt.Sprintf("byte %d: %s", e.Offset, source.Untold(e.err))
}

// syntaxError makes a SyntaxError; format and args are source.Telling's.
func syntaxError(offset int, format string, args ...any) *SyntaxError {
	return &SyntaxError{offset, source.Telling(format, args...)}
}

func tellCharacter(c byte) source.Told {
	return source.Told{Value: strconv.QuoteRune(rune(c)), Kind: "character"}
}

// An openNode is an array or object whose end has not come yet.
type openNode struct {
	value  Value
	last   Value  // its newest child
	count  uint32 // its children so far
	object bool
	bloom  uint64 // which names it may hold: one bit a name
}

// Parse reads src, which it borrows until the next Parse. With markers,
// objects of exactly the members _type_ and _data_ become the typed value
// they stand for; of an unknown type, the value of _data_. The error is a
// *SyntaxError, and the document is empty then.
//
// The marker scheme is that of Python eventsourcing's JSONTranscoder.
func (d *Document) Parse(src []byte, markers bool) error {
	d.src, d.aux, d.nodes, d.open, d.unknown = src, d.aux[:0], d.nodes[:0], d.open[:0], d.unknown[:0]
	d.markers, d.root, d.vast = markers, 0, false
	err := d.parse(src)
	if err != nil {
		d.nodes = d.nodes[:0]
	}
	return err
}

// Reset empties the document and lets go of the bytes it was parsed from.
func (d *Document) Reset() {
	d.src, d.aux, d.nodes, d.unknown = nil, d.aux[:0], d.nodes[:0], d.unknown[:0]
	d.vast = false
	d.root = None // new values are none until SetRoot makes one of them the root
}

func (d *Document) parse(src []byte) error {
	if len(src) > maxDocument {
		return syntaxError(0, "document is larger than 1 GiB")
	}
	if !utf8.Valid(src) {
		return syntaxError(invalidUTF8(src), "text is not UTF-8")
	}
	i := skipSpace(src, 0)
	var name text // of the value that comes next
	var err error
	for {
		// A value begins at i.
		if i >= len(src) {
			return syntaxError(i, "document ends where a value should begin")
		}
		n := d.push(name)
		switch c := src[i]; c {
		case '{', '[':
			if d.markers && c == '{' {
				if end, ok := parseMarker(src, i, n); ok {
					i = end
					break
				}
			}
			n.kind = ValueObject
			if c == '[' {
				n.kind = ValueArray
			}
			if len(d.open) >= maxDepth {
				return syntaxError(i, "nested deeper than %d levels", maxDepth)
			}
			d.open = append(d.open, openNode{value: Value(len(d.nodes) - 1), last: None, object: c == '{'})
			i = skipSpace(src, i+1)
			if i < len(src) && src[i] == c+2 { // the closing bracket is two past the opening one in ASCII
				i++
				d.open = d.open[:len(d.open)-1]
				break
			}
			name = text{}
			if c == '{' {
				if name, i, err = d.parseName(src, i); err != nil {
					return err
				}
			}
			continue
		case '"':
			t, end, err := d.parseString(src, i)
			if err != nil {
				return err
			}
			i = end
			n.kind, n.off, n.end = ValueString, t.off, t.end
			n.flags |= t.flags
			if t.flags&textReplaced != 0 {
				n.first = Value(len(d.aux))
			}
		default:
			if i, err = parseScalar(src, i, n); err != nil {
				return err
			}
		}
		// A value has ended before i: close what ends with it.
		for {
			i = skipSpace(src, i)
			if len(d.open) == 0 {
				if i < len(src) {
					return syntaxError(i, "more text after the document")
				}
				return nil
			}
			if i >= len(src) {
				return syntaxError(i, "document ends inside "+d.openKind())
			}
			object := d.open[len(d.open)-1].object
			c := src[i]
			if c == ',' {
				i = skipSpace(src, i+1)
				if object {
					if name, i, err = d.parseName(src, i); err != nil {
						return err
					}
				}
				break
			}
			if object && c == '}' || !object && c == ']' {
				i++
				if err := d.close(); err != nil {
					return &SyntaxError{i, err}
				}
				continue
			}
			return syntaxError(i, "unexpected %s in %s", tellCharacter(c), d.openKind())
		}
	}
}

func (d *Document) openKind() string {
	if d.open[len(d.open)-1].object {
		return "an object"
	}
	return "a list"
}

// push adds a node, null as yet, to the tape and to the innermost open node.
// The pointer is valid until the next push.
func (d *Document) push(name text) *node {
	v := Value(len(d.nodes))
	if len(d.nodes) < cap(d.nodes) {
		d.nodes = d.nodes[:v+1]
	} else {
		d.nodes = append(d.nodes, node{})
	}
	if len(d.open) > 0 {
		o := &d.open[len(d.open)-1]
		if o.last == None {
			d.nodes[o.value].first = v
		} else {
			d.nodes[o.last].next = v
		}
		o.last = v
		o.count++
	}
	n := &d.nodes[v]
	n.kind, n.flags = ValueNull, name.flags
	n.nameOff, n.nameEnd = name.off, name.end
	n.off, n.end = 0, 0
	n.first, n.next = None, None
	return n
}

// close ends the innermost open node.
func (d *Document) close() error {
	o := &d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	if !o.object {
		return nil
	}
	if o.count > manyMembers {
		if err := d.checkManyNames(o.value); err != nil {
			return err
		}
	}
	if o.count == 2 && d.markers {
		d.resolveMarker(o.value)
	}
	return nil
}

func skipSpace(src []byte, i int) int {
	for i < len(src) && (src[i] == ' ' || src[i] == '\n' || src[i] == '\t' || src[i] == '\r') {
		i++
	}
	return i
}
