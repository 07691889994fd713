package transform

import (
	"math"
	"strconv"
	"unsafe"
)

// exactDigits is the number of significant decimal digits that every double
// from smallestNormal on keeps.
const (
	exactDigits    = 15
	smallestNormal = 0x1p-1022
)

// parseFloat reads a number as a double if that keeps its digits: the double
// is the one whose shortest text has the digits that are written. NaN,
// Infinity and -Infinity are kept too.
func parseFloat(text []byte) (float64, bool) {
	switch text[len(text)-1] {
	case 'N':
		return math.NaN(), true
	case 'y':
		if text[0] == '-' {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	if x, ok := simpleFloat(text); ok {
		return x, true
	}
	// ParseFloat does not keep its argument, so the bytes may be lent.
	x, err := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	if err != nil {
		return 0, false
	}
	if len(text) <= exactDigits && (x >= smallestNormal || x <= -smallestNormal) {
		return x, true
	}
	var buf [32]byte
	return x, sameDigits(text, strconv.AppendFloat(buf[:0], x, 'e', -1, 64))
}

// powersOfTen are those that a double holds exactly, as far as simpleFloat
// needs them.
var powersOfTen = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// simpleFloat reads a number of at most fifteen digits and no exponent: digits
// and power of ten are exact doubles then, and their quotient is the nearest
// one (Clinger, How to Read Floating Point Numbers Accurately, 1990).
func simpleFloat(text []byte) (float64, bool) {
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) > exactDigits+1 {
		return 0, false
	}
	digits, scale, point := int64(0), 0, false
	for _, c := range text {
		switch {
		case c-'0' <= 9:
			digits = digits*10 + int64(c-'0')
			if point {
				scale++
			}
		case c == '.' && !point:
			point = true
		default:
			return 0, false
		}
	}
	if len(text) > exactDigits && !point {
		return 0, false
	}
	x := float64(digits) / powersOfTen[scale]
	if negative {
		x = -x
	}
	return x, true
}

// sameDigits tells whether two texts of one magnitude have the same
// significant digits.
func sameDigits(a, b []byte) bool {
	i, j := 0, 0
	next := func(text []byte, i *int, started bool) byte {
		for ; *i < len(text); *i++ {
			switch c := text[*i]; {
			case c == 'e' || c == 'E':
				*i = len(text)
				return 0
			case c-'0' > 9 || c == '0' && !started:
			default:
				*i++
				return c
			}
		}
		return 0
	}
	for started := false; ; started = true {
		x, y := next(a, &i, started), next(b, &j, started)
		for x == '0' && y == 0 {
			x = next(a, &i, true)
		}
		for y == '0' && x == 0 {
			y = next(b, &j, true)
		}
		if x != y {
			return false
		}
		if x == 0 {
			return true
		}
	}
}
