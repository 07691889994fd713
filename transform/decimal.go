package transform

import (
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow/decimal128"
)

// A decimal is a parsed decimal number: digits, of which the last scale
// stand behind the point; scale is negative for trailing zeros that were
// not written.
type decimal struct {
	hi, lo   uint64 // the digits as an unsigned number
	digits   int    // how many digits that number has, 0 for zero
	scale    int
	written  int // the scale as it was written, zeros at the end included
	negative bool
}

// maxExponent bounds what an exponent may say before the number counts as
// too large for any column.
const maxExponent = 1 << 20

// isDecimal tells whether text is what Python's str(Decimal) writes: a
// number, with exponent or without, NaN, sNaN or Infinity.
func isDecimal(text []byte) bool {
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		i++
	}
	end := skipDigits(text, i)
	digits := end - i
	if end < len(text) && text[end] == '.' {
		i = end + 1
		end = skipDigits(text, i)
		digits += end - i
	}
	if digits == 0 {
		return isNonFinite(text)
	}
	if end < len(text) && (text[end] == 'e' || text[end] == 'E') {
		_, ok := parseExponent(text[end+1:])
		return ok
	}
	return end == len(text)
}

func isNonFinite(text []byte) bool {
	switch string(text) {
	case "NaN", "-NaN", "sNaN", "-sNaN", "Infinity", "-Infinity":
		return true
	}
	return false
}

// parseDecimal reads a decimal number. It gives false for what is none, and
// for numbers of more than 38 significant digits, which no column holds.
func parseDecimal(text []byte) (decimal, bool) {
	var x decimal
	i := 0
	if i < len(text) && (text[i] == '-' || text[i] == '+') {
		x.negative = text[i] == '-'
		i++
	}
	seen, point, zeros := false, false, 0
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
			x.scale++
		}
		if x.digits == 0 && c == '0' {
			continue
		}
		// Trailing zeros wait: they may be more than the digits we can hold.
		if c == '0' {
			zeros++
			continue
		}
		for ; zeros > 0; zeros-- {
			if !x.push(0) {
				return x, false
			}
		}
		if !x.push(uint64(c - '0')) {
			return x, false
		}
	}
	if !seen {
		return x, false
	}
	x.scale -= zeros
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		exp, ok := parseExponent(text[i+1:])
		if !ok {
			return x, false
		}
		x.scale -= exp
		i = len(text)
	}
	x.written = max(x.scale+zeros, 0)
	if x.digits == 0 {
		x.scale = 0
	}
	return x, i == len(text)
}

// push appends a digit to the number.
func (x *decimal) push(digit uint64) bool {
	if x.digits == MaxPrecision {
		return false
	}
	hi, lo := bits.Mul64(x.lo, 10)
	hi += x.hi * 10
	var carry uint64
	x.lo, carry = bits.Add64(lo, digit, 0)
	x.hi = hi + carry
	x.digits++
	return true
}

func parseExponent(text []byte) (int, bool) {
	negative := false
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		negative = text[0] == '-'
		text = text[1:]
	}
	if len(text) == 0 {
		return 0, false
	}
	exp := 0
	for _, c := range text {
		if c-'0' > 9 {
			return 0, false
		}
		exp = min(exp*10+int(c-'0'), maxExponent)
	}
	if negative {
		exp = -exp
	}
	return exp, true
}

// integerDigits is how many digits stand before the point.
func (x decimal) integerDigits() int { return max(x.digits-x.scale, 0) }

// fit gives the number as a decimal column of that precision and scale holds
// it, or false if digits would be lost.
func (x decimal) fit(precision, scale int32) (decimal128.Num, bool) {
	if x.digits == 0 {
		return decimal128.Num{}, true
	}
	shift := int(scale) - x.scale
	if shift < 0 || x.digits+shift > int(precision) {
		return decimal128.Num{}, false
	}
	for ; shift > 0; shift-- {
		x.push(0)
	}
	n := decimal128.New(int64(x.hi), x.lo)
	if x.negative {
		n = n.Negate()
	}
	return n, true
}
