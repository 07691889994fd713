package bqtest

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind tells the words of a query apart.
type tokenKind int

const (
	endOfText tokenKind = iota
	wordToken           // a keyword, or a name that needs no quotes
	nameToken           // a name in backquotes
	numberToken
	textToken
	signToken
)

// token is one word of a query.
type token struct {
	kind tokenKind
	text string
	at   int // its first byte in the query
}

// is tells whether a token is a keyword or a sign, capitals or not.
func (t token) is(text string) bool {
	return (t.kind == wordToken || t.kind == signToken) && strings.EqualFold(t.text, text)
}

// signs are those of the dialect, the longer ones first.
var signs = []string{"<=", ">=", "!=", "<", ">", "=", "(", ")", ",", ";", "+", "*"}

// tokens takes a query apart
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical).
// Comments, and texts in double quotes, are not simulated.
func tokens(query string) ([]token, *apiError) {
	var all []token
	for at := 0; at < len(query); {
		rest := query[at:]
		r, size := utf8.DecodeRuneInString(rest)
		t := token{at: at}
		n := 0
		switch {
		case unicode.IsSpace(r):
			at += size
			continue
		case r == '`':
			end := strings.IndexByte(rest[1:], '`')
			if end < 0 {
				return nil, syntax(query, at, "Unclosed identifier literal")
			}
			t.kind, t.text, n = nameToken, rest[1:1+end], end+2
		case r == '\'':
			text, length, ok := quotedText(rest)
			if !ok {
				return nil, syntax(query, at, "Unclosed or malformed string literal")
			}
			t.kind, t.text, n = textToken, text, length
		case r >= '0' && r <= '9':
			n = len(rest) - len(strings.TrimLeft(rest, "0123456789"))
			t.kind, t.text = numberToken, rest[:n]
		case wordLength(rest) > 0:
			n = wordLength(rest)
			t.kind, t.text = wordToken, rest[:n]
		default:
			for _, sign := range signs {
				if strings.HasPrefix(rest, sign) {
					t.kind, t.text, n = signToken, sign, len(sign)
					break
				}
			}
			if n == 0 {
				return nil, syntax(query, at, "Illegal input character %q", r)
			}
		}
		all = append(all, t)
		at += n
	}
	return append(all, token{kind: endOfText, at: len(query)}), nil
}

func wordLength(s string) int {
	for i, r := range s {
		if r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r)) && (i == 0 || !unicode.IsDigit(r)) {
			return i
		}
	}
	return len(s)
}

// escapes are what a backslash makes of a letter.
var escapes = map[byte]byte{'\\': '\\', '\'': '\'', 'n': '\n', 'r': '\r'}

// quotedText reads a text in single quotes.
func quotedText(s string) (text string, length int, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\'':
			return b.String(), i + 1, true
		case '\n':
			return "", 0, false
		case '\\':
			i++
			if i == len(s) {
				return "", 0, false
			}
			c, known := escapes[s[i]]
			if !known {
				return "", 0, false // other escapes are not simulated
			}
			b.WriteByte(c)
			continue
		}
		b.WriteByte(s[i])
	}
	return "", 0, false
}

// syntax is the service's answer to a query that it cannot read.
func syntax(query string, at int, format string, args ...any) *apiError {
	line := 1 + strings.Count(query[:at], "\n")
	column := 1 + at - (1 + strings.LastIndexByte(query[:at], '\n'))
	return invalidQuery("Syntax error: "+format+" at [%d:%d]", append(args, line, column)...)
}

func invalidQuery(format string, args ...any) *apiError {
	e := fail(400, "invalidQuery", format, args...)
	e.location = "query"
	return e
}
