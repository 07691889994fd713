package expression

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"backstory/source"
)

// Error is an expression that cannot be used, or that cannot be evaluated
// over some event.
type Error struct {
	// Column is where in the text the cause stands, in characters from 1, or 0
	// where that is not known. Lines do not count anew.
	Column  int
	Message string
	Advice  string // one sentence that says what to do, or ""

	untold string // the Message without values of the event
}

func (e *Error) Error() string { return e.at(e.Message) }

// Untold is the error's text without the values of the event that it tells.
func (e *Error) Untold() string { return e.at(e.untold) }

func (e *Error) at(message string) string {
	if e.Column == 0 {
		return message
	}
	return fmt.Sprintf("column %d: %s", e.Column, message)
}

// Hint says what to do about the error.
func (e *Error) Hint() string { return e.Advice }

// fault makes an Error; format and args are source.Telling's.
func fault(column int, format string, args ...any) *Error {
	err := source.Telling(format, args...)
	return &Error{Column: column, Message: err.Error(), untold: source.Untold(err)}
}

func (e *Error) advise(hint string) *Error {
	e.Advice = hint
	return e
}

// tellNumber tells the digits of a number that an event may have.
func tellNumber(digits []byte) source.Told {
	return source.Told{Value: source.Clip(digits), Kind: "a number"}
}

// tellText tells a text that an event may have.
func tellText(text []byte) source.Told {
	return source.Told{Value: strconv.Quote(source.Clip(text)), Kind: "a text"}
}

// What the parser says of tokens: Operator("=="), EOF.
var token = regexp.MustCompile(`\b(?:Identifier|Number|String|Bytes|Operator|Bracket)\((".*")\)`)

// parserMessage puts what the parser says in our words.
func parserMessage(text string) string {
	text = token.ReplaceAllString(text, "$1")
	switch {
	case strings.Contains(text, "maximum allowed nodes"):
		return fmt.Sprintf("expression has more than %d parts", maxNodes)
	case strings.Contains(text, "integer literal"):
		return "integer has more than 64 bits"
	case strings.Contains(text, "float literal"):
		return "float is out of range"
	case strings.HasPrefix(text, "Operator (") && strings.Contains(text, "??"):
		return "?? beside another operator: put one of them in parentheses"
	}
	text = strings.ReplaceAll(text, "unexpected token EOF", "unexpected end of expression")
	text = strings.ReplaceAll(text, "unexpected token", "unexpected")
	return text
}
