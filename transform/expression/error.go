package expression

import (
	"fmt"
	"regexp"
	"strings"
)

// Error is an expression that cannot be used, or that cannot be evaluated
// over some event.
type Error struct {
	// Column is where in the text the cause stands, in characters from 1, or 0
	// where that is not known. Lines do not count anew.
	Column  int
	Message string
	Advice  string // one sentence that says what to do, or ""
}

func (e *Error) Error() string {
	if e.Column == 0 {
		return e.Message
	}
	return fmt.Sprintf("column %d: %s", e.Column, e.Message)
}

// Hint says what to do about the error.
func (e *Error) Hint() string { return e.Advice }

// fault makes an Error; format and args are fmt.Sprintf's.
func fault(column int, format string, args ...any) *Error {
	return &Error{Column: column, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) advise(hint string) *Error {
	e.Advice = hint
	return e
}

// clip shortens a text for messages.
func clip(text []byte) string {
	const most = 60
	if len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "..."
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
