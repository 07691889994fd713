package upcast

import (
	"bytes"
	"strconv"
)

// A number is a decimal number taken apart.
type number struct {
	negative bool
	digits   []byte // ASCII, neither first nor last 0; none for zero
	exp      int    // the power of ten of the last digit
}

// maxExponent bounds what exponents may say; what is beyond fits nowhere.
const maxExponent = 1 << 20

// readNumber reads a finite number, as JSON or Python's Decimal write it. Its
// digits are appended to buf, which is empty.
func readNumber(text, buf []byte) (number, bool) {
	n := number{digits: buf}
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		n.negative = text[i] == '-'
		i++
	}
	seen, point := false, false
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c-'0' > 9 {
			break
		}
		seen = true
		if point {
			n.exp--
		}
		if len(n.digits) > 0 || c != '0' {
			n.digits = append(n.digits, c)
		}
	}
	if !seen {
		return n, false
	}
	if i < len(text) {
		if text[i]|0x20 != 'e' {
			return n, false
		}
		exp, err := strconv.Atoi(string(text[i+1:]))
		if err != nil && !isRange(err) {
			return n, false
		}
		n.exp += min(max(exp, -maxExponent), maxExponent)
	}
	for last := len(n.digits) - 1; last >= 0 && n.digits[last] == '0'; last-- {
		n.digits = n.digits[:last]
		n.exp++
	}
	if len(n.digits) == 0 {
		n.exp = 0
	}
	return n, true
}

func isRange(err error) bool {
	e, ok := err.(*strconv.NumError)
	return ok && e.Err == strconv.ErrRange
}

// isPlain tells whether the text of a number is as JSON writes numbers:
// without plus sign and leading zeros, and with digits on both sides of the
// point.
func isPlain(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	if len(text) == 0 || text[0]-'0' > 9 || text[0] == '0' && len(text) > 1 && text[1]-'0' <= 9 {
		return false
	}
	point := bytes.IndexByte(text, '.')
	return point < 0 || point+1 < len(text) && text[point+1]-'0' <= 9
}

// appendFixed appends the number with so many digits behind the point, which
// must be enough of them.
func (n *number) appendFixed(dst []byte, scale int) []byte {
	if n.negative && len(n.digits) > 0 {
		dst = append(dst, '-')
	}
	before := len(n.digits) + n.exp // digits in front of the point
	if len(n.digits) == 0 {
		before = 0
	}
	if before <= 0 {
		dst = append(dst, '0')
	}
	for i := range max(before, 0) {
		dst = append(dst, n.digit(i))
	}
	if scale > 0 {
		dst = append(dst, '.')
		for i := range scale {
			dst = append(dst, n.digit(before+i))
		}
	}
	return dst
}

// appendScientific appends the number as one digit, a point, the others and an
// exponent.
func (n *number) appendScientific(dst []byte) []byte {
	if n.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, n.digit(0), '.')
	if len(n.digits) > 1 {
		dst = append(dst, n.digits[1:]...)
	} else {
		dst = append(dst, '0')
	}
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(n.exp+len(n.digits)-1), 10)
}

// digit is the digit at a place from the first one on, 0 beside them.
func (n *number) digit(i int) byte {
	if i < 0 || i >= len(n.digits) {
		return '0'
	}
	return n.digits[i]
}

// rounding says what becomes of digits that a scale has no place for.
type rounding uint8

const (
	exactly  rounding = iota // they are an error
	halfUp                   // half goes away from zero
	halfEven                 // half goes to the even digit
)

// round gives the number without the digits behind so many places after the
// point. It gives false if there are any and r does not allow it. The result
// has the memory of n.
func (n number) round(scale int, r rounding) (number, bool) {
	cut := -n.exp - scale
	if cut <= 0 {
		return n, true
	}
	if r == exactly {
		return n, false
	}
	kept := len(n.digits) - cut
	up := kept >= 0 && n.digits[kept] >= '5'
	// Exactly one half: a 5 and nothing behind it, since the last digit is not 0.
	if up && r == halfEven && n.digits[kept] == '5' && kept == len(n.digits)-1 {
		up = kept > 0 && (n.digits[kept-1]-'0')%2 == 1
	}
	n.digits = n.digits[:max(kept, 0)]
	n.exp = -scale
	for i := len(n.digits) - 1; up; i-- {
		switch {
		case i < 0: // all were 9, and are cut, or there were none
			n.digits = append(n.digits[:0], '1')
			up = false
		case n.digits[i] == '9':
			n.digits = n.digits[:i]
			n.exp++
		default:
			n.digits[i]++
			up = false
		}
	}
	for last := len(n.digits) - 1; last >= 0 && n.digits[last] == '0'; last-- {
		n.digits = n.digits[:last]
		n.exp++
	}
	return n, true
}
