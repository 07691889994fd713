package main

import (
	"regexp"
	"strings"

	"backstory/transform/upcast"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// ruleNode gives a part of the section upcasters as package upcast reads it:
// members in order, numbers with the digits that were written. What YAML
// knows and JSON does not is noted, and becomes null.
func (d *document) ruleNode(node ast.Node) upcast.Node {
	n := upcast.Node{Kind: upcast.Null}
	if node == nil {
		return n
	}
	at := startOf(node).Position
	n.Line, n.Column = at.Line, at.Column
	switch v := node.(type) {
	case ast.MapNode:
		n.Kind = upcast.Map
		for it := v.MapRange(); it.Next(); {
			n.Keys = append(n.Keys, d.ruleKey(it.Key()))
			n.Values = append(n.Values, d.ruleNode(it.Value()))
		}
	case *ast.SequenceNode:
		n.Kind = upcast.List
		for _, value := range v.Values {
			n.Values = append(n.Values, d.ruleNode(value))
		}
	case *ast.BoolNode:
		n.Kind, n.Text = upcast.Bool, strings.ToLower(v.Token.Value)
	case *ast.LiteralNode:
		// The text begins in the line below the sign, where it is indented to.
		n.Line, n.Column = at.Line+1, indentation(d.text, at.Line+1)+1
		d.ruleText(&n, v.Start, v.Value.Value)
	case *ast.StringNode:
		if isPlain(v.Token) && looksLikeNumber.MatchString(v.Value) {
			d.ruleNumber(&n, v.Token)
			break
		}
		if !isPlain(v.Token) {
			n.Column++ // what is said of a place in the text counts from its first character
		}
		d.ruleText(&n, v.Token, v.Value)
	case *ast.NullNode:
	case ast.ScalarNode:
		d.ruleNumber(&n, v.GetToken())
	default:
		d.add(startOf(node), "want a value, a list or keys with values here", "")
	}
	return n
}

func (d *document) ruleKey(key ast.MapKeyNode) upcast.Node {
	at := key.GetToken()
	if _, ok := key.(*ast.MappingKeyNode); ok {
		d.add(at, "want a name here", "write NAME: and the value behind it")
	}
	n := upcast.Node{Line: at.Position.Line, Column: at.Position.Column}
	d.ruleText(&n, at, scalarText(key))
	return n
}

// ruleText makes n a text. The environment has no place in it: what rules say
// is kept with the tables, and must be the same tomorrow.
func (d *document) ruleText(n *upcast.Node, at *token.Token, text string) {
	n.Kind, n.Text = upcast.Text, text
	if envPattern.MatchString(text) {
		d.add(at, "environment variables are not read in upcasters: what these say is kept with the tables", "write the value itself, and the key of masks under mask:")
	}
}

var (
	// jsonNumber is a number as JSON writes it (RFC 8259, 6).
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	// looksLikeNumber finds plain texts that most take for a number, though the
	// YAML parser, which has 64 bits for one, does not.
	looksLikeNumber = regexp.MustCompile(`^[+-]?[0-9][0-9_]*(\.[0-9_]*)?([eE][+-]?[0-9]+)?$`)
)

// ruleNumber makes n a number of the digits that were written.
func (d *document) ruleNumber(n *upcast.Node, at *token.Token) {
	digits := strings.ReplaceAll(at.Value, "_", "")
	if !jsonNumber.MatchString(digits) {
		d.add(at, at.Value+" may be a number or a text", "write a number in plain decimal digits, and a text in quotes")
		return
	}
	n.Kind, n.Text = upcast.Number, digits
}

func isPlain(t *token.Token) bool { return t.Type == token.StringType }

// indentation counts the blanks at the beginning of a line; lines count from 1.
func indentation(text string, line int) int {
	for range line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	return len(text) - len(strings.TrimLeft(text, " "))
}
