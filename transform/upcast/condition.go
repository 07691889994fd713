package upcast

import (
	"cmp"
	"errors"
	"strings"
	"unicode"

	"backstory/transform/expression"
)

// condition compiles an expression that is true or false, and gives nil where
// it cannot.
func (c *compiler) condition(n *Node) *expression.Program {
	return c.expression(n, true)
}

const expressionHint = "write an expression over data, meta and the envelope, such as data.total > 0"

func (c *compiler) expression(n *Node, isBool bool) *expression.Program {
	text := n.Text
	switch n.Kind {
	case Text:
	case Bool, Number: // as YAML reads true and 1
	default:
		c.fail(n, expressionHint, "want an expression, got %s", n.Kind)
		return nil
	}
	p, err := expression.Compile(text, expression.Options{Bool: isBool, InEach: c.inEach})
	if err == nil {
		if c.strict {
			c.checkExpression(n, p)
		}
		return p
	}
	var e *expression.Error
	if !errors.As(err, &e) {
		e = &expression.Error{Message: err.Error()}
	}
	hint := cmp.Or(e.Advice, expressionHint)
	if !isBool && bareWord(text) {
		hint = setHint
	}
	c.fail(n.character(e.Column), hint, "bad expression: %s", e.Message)
	return nil
}

// character is the place of a character of a text, which counts from 1; of
// several lines it takes each to begin in the column of the first.
func (n *Node) character(i int) *Node {
	at := &Node{Line: n.Line, Column: n.Column}
	if at.Column == 0 {
		return at
	}
	for _, r := range n.Text {
		if i--; i <= 0 {
			break
		}
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, n.Column
		}
	}
	return at
}

// holds evaluates a condition.
func (s *Scope) holds(p *expression.Program) (bool, error) {
	ok, err := p.Bool(s.expression())
	if err != nil {
		return false, err
	}
	s.witness.read(s, p)
	return ok, nil
}

// bareWord tells whether a text is one word, which its author may have meant
// as text.
func bareWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' })
}
