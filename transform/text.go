package transform

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"backstory/source"
)

// A text is a string that was read: its place in src, or in aux.
type text struct {
	off, end uint32
	flags    nodeFlags // as of a value, or of a name
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainEnd gives the place of the first byte from i on that a string may not
// hold as it is, or the end of src: a quote, a backslash or a control
// character. It looks at eight bytes at a time.
func plainEnd(src []byte, i int) int {
	for ; i+8 <= len(src); i += 8 {
		w := binary.LittleEndian.Uint64(src[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// A byte is zero in x exactly when its high bit survives here (the
		// lowest one always; higher ones may be false, but only above it).
		m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
		if m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(src) && src[i] != '"' && src[i] != '\\' && src[i] >= 0x20 {
		i++
	}
	return i
}

// parseString reads the string that begins with the quote at i and gives the
// place after its closing quote.
func (d *Document) parseString(src []byte, i int) (text, int, error) {
	start := i + 1
	i = plainEnd(src, start)
	if i < len(src) && src[i] == '"' {
		return text{off: uint32(start), end: uint32(i)}, i + 1, nil
	}
	t := text{off: uint32(len(d.aux)), flags: textInAux}
	d.aux = append(d.aux, src[start:i]...)
	for i < len(src) {
		switch c := src[i]; {
		case c == '"':
			t.end = uint32(len(d.aux))
			if t.flags&textReplaced != 0 {
				d.aux = append(d.aux, src[start-1:i+1]...)
			}
			return t, i + 1, nil
		case c == '\\':
			next, exact, err := d.unescape(src, i)
			if err != nil {
				return t, i, err
			}
			if !exact {
				t.flags |= textReplaced
			}
			i = next
		case c < 0x20:
			return t, i, syntaxError(i, "control character %#02x in a string", c)
		default:
			end := plainEnd(src, i)
			d.aux = append(d.aux, src[i:end]...)
			i = end
		}
	}
	return t, i, syntaxError(len(src), "document ends inside a string")
}

// unescape appends to aux what the escape that begins with the backslash at
// i stands for, and gives the place after it. It is not exact for half a
// surrogate pair, which stands for no character.
func (d *Document) unescape(src []byte, i int) (next int, exact bool, err error) {
	if i+1 >= len(src) {
		return i, false, syntaxError(len(src), "document ends inside a string")
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
			return i, false, syntaxError(i, `want four hexadecimal digits after \u`)
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
		return i, false, syntaxError(i, "unknown escape %s", source.Told{Value: "\\" + string(rune(c)), Kind: "sequence"})
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
