package upcast

import (
	"fmt"

	"backstory/transform"
)

// Parse reads rules that stand as JSON, such as Set.Text gives, or nothing.
func Parse(text []byte) (*Node, error) {
	if len(text) == 0 {
		return &Node{}, nil
	}
	var d transform.Document
	if err := d.Parse(text, false); err != nil {
		return nil, fmt.Errorf("parse upcasters: %w", err)
	}
	n := nodeOf(&d, d.Root())
	return &n, nil
}

// nodeOf copies a value of a document.
func nodeOf(d *transform.Document, v transform.Value) Node {
	n := Node{}
	switch k := d.Kind(v); k {
	case transform.ValueNull:
	case transform.ValueFalse, transform.ValueTrue:
		n.Kind, n.Text = Bool, "false"
		if k == transform.ValueTrue {
			n.Text = "true"
		}
	case transform.ValueInteger, transform.ValueFloat:
		n.Kind, n.Text = Number, string(d.Text(v))
	case transform.ValueArray:
		n.Kind = List
		for e := d.First(v); e != transform.None; e = d.Next(e) {
			n.Values = append(n.Values, nodeOf(d, e))
		}
	case transform.ValueObject:
		n.Kind = Map
		for m := d.First(v); m != transform.None; m = d.Next(m) {
			n.Keys = append(n.Keys, Node{Kind: Text, Text: string(d.Name(m))})
			n.Values = append(n.Values, nodeOf(d, m))
		}
	default:
		n.Kind, n.Text = Text, string(d.Text(v))
	}
	return n
}

// appendJSON appends the node as compact JSON, members and digits as they
// were written.
func (n *Node) appendJSON(dst []byte) []byte {
	switch n.Kind {
	case Bool, Number:
		return append(dst, n.Text...)
	case Text:
		return appendText(dst, n.Text)
	case List:
		dst = append(dst, '[')
		for i := range n.Values {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = n.Values[i].appendJSON(dst)
		}
		return append(dst, ']')
	case Map:
		dst = append(dst, '{')
		for i := range n.Keys {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendText(dst, n.Keys[i].Text)
			dst = append(dst, ':')
			dst = n.Values[i].appendJSON(dst)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// appendText appends text as a JSON string.
func appendText(dst []byte, text string) []byte {
	var d transform.Document
	return d.AppendJSON(dst, d.NewString(text))
}

// isJSONNumber tells whether text is a number as JSON writes it.
func isJSONNumber(text string) bool {
	var d transform.Document
	if d.Parse([]byte(text), false) != nil {
		return false
	}
	start, end := text[0], text[len(text)-1] // neither blank nor the letters of NaN and Infinity
	return (start == '-' || start-'0' <= 9) && end-'0' <= 9
}
