package transform

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// parseScalar reads null, a bool or a number at i into n.
func parseScalar(src []byte, i int, n *node) (int, error) {
	start := i
	switch src[i] {
	case 'n':
		n.kind = ValueNull
		return parseWord(src, i, "null")
	case 't':
		n.kind = ValueTrue
		return parseWord(src, i, "true")
	case 'f':
		n.kind = ValueFalse
		return parseWord(src, i, "false")
	case 'N', 'I':
		n.kind = ValueFloat
		word := "NaN"
		if src[i] == 'I' {
			word = "Infinity"
		}
		end, err := parseWord(src, i, word)
		n.off, n.end = uint32(start), uint32(end)
		return end, err
	case '-':
		i++
		if i < len(src) && src[i] == 'I' {
			n.kind = ValueFloat
			end, err := parseWord(src, i, "Infinity")
			n.off, n.end = uint32(start), uint32(end)
			return end, err
		}
	}
	n.kind = ValueInteger
	digits := i
	i = skipDigits(src, i)
	switch {
	case i == digits:
		if i < len(src) {
			return i, &SyntaxError{i, fmt.Sprintf("unexpected %q where a value should begin", src[i])}
		}
		return i, &SyntaxError{i, "document ends inside a number"}
	case src[digits] == '0' && i > digits+1:
		return i, &SyntaxError{digits, "a number must not begin with 0"}
	}
	if i < len(src) && src[i] == '.' {
		n.kind = ValueFloat
		digits = i + 1
		if i = skipDigits(src, digits); i == digits {
			return i, &SyntaxError{i, "want a digit after the decimal point"}
		}
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		n.kind = ValueFloat
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		digits = i
		if i = skipDigits(src, digits); i == digits {
			return i, &SyntaxError{i, "want a digit in the exponent"}
		}
	}
	n.off, n.end = uint32(start), uint32(i)
	return i, nil
}

func skipDigits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}

func parseWord(src []byte, i int, word string) (int, error) {
	if len(src)-i < len(word) || string(src[i:i+len(word)]) != word {
		return i, &SyntaxError{i, "unknown word where a value should begin"}
	}
	return i + len(word), nil
}

// unescape appends to aux what the escape that begins with the backslash at
// i stands for, and gives the place after it. It is not exact for half a
// surrogate pair, which stands for no character.
func (d *Document) unescape(src []byte, i int) (next int, exact bool, err error) {
	if i+1 >= len(src) {
		return i, false, &SyntaxError{len(src), "document ends inside a string"}
	}
	switch c := src[i+1]; c {
	case '"', '\\', '/':
		d.aux = append(d.aux, c)
	case 'b':
		d.aux = append(d.aux, '\b')
	case 'f':
		d.aux = append(d.aux, '\f')
	case 'n':
		d.aux = append(d.aux, '\n')
	case 'r':
		d.aux = append(d.aux, '\r')
	case 't':
		d.aux = append(d.aux, '\t')
	case 'u':
		r, ok := hex4(src, i+2)
		if !ok {
			return i, false, &SyntaxError{i, `want four hexadecimal digits after \u`}
		}
		i += 6
		exact = true
		if utf16.IsSurrogate(r) {
			low, ok := rune(0), false
			if i+1 < len(src) && src[i] == '\\' && src[i+1] == 'u' {
				low, ok = hex4(src, i+2)
			}
			if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
				i += 6
			} else {
				r, exact = utf8.RuneError, false
			}
		}
		d.aux = utf8.AppendRune(d.aux, r)
		return i, exact, nil
	default:
		return i, false, &SyntaxError{i, fmt.Sprintf("unknown escape \\%c", c)}
	}
	return i + 2, true, nil
}

func hex4(src []byte, i int) (rune, bool) {
	if i+4 > len(src) {
		return 0, false
	}
	var r rune
	for _, c := range src[i : i+4] {
		x := hexDigit(c)
		if x > 15 {
			return 0, false
		}
		r = r<<4 | rune(x)
	}
	return r, true
}

// hexDigit gives the value of a hexadecimal digit, or 255.
func hexDigit(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// invalidUTF8 gives the place of the first byte that is not UTF-8.
func invalidUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return len(src)
}
