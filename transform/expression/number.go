package expression

import (
	"bytes"
	"math"
	"math/big"
	"slices"
)

// maxDigits is how many digits decimals may have in arithmetic, before and
// behind the point together: twice what a decimal column holds, so that any
// product of two such is exact.
const maxDigits = 76

// number is the text of a number, taken apart: digits × 10^-scale. digits have
// no zeros in front, those behind count for the scale.
type number struct {
	negative bool
	digits   []byte
	scale    int
}

// maxExponent bounds what an exponent is taken for; two numbers beyond it are
// compared by their digits only.
const maxExponent = 1 << 30

// parseNumber takes a finite number apart. It gives false for NaN and the
// infinities. buf is room for the digits where they do not stand together.
func parseNumber(text, buf []byte) (n number, rest []byte, ok bool) {
	start := len(buf)
	i := 0
	if text[0] == '-' || text[0] == '+' {
		n.negative = text[0] == '-'
		i++
	}
	point := false
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '.':
			point = true
			continue
		case c == 'e' || c == 'E':
			n.scale -= exponent(text[i+1:])
			i = len(text)
			continue
		case c-'0' > 9:
			return n, buf, false
		}
		if point {
			n.scale++
		}
		if c != '0' || len(buf) > start {
			buf = append(buf, c)
		}
	}
	n.digits = buf[start:]
	return n, buf, true
}

func exponent(text []byte) int {
	negative := text[0] == '-'
	x := 0
	for _, c := range text {
		if c-'0' <= 9 {
			x = min(x*10+int(c-'0'), maxExponent)
		}
	}
	if negative {
		return -x
	}
	return x
}

// compare orders two numbers exactly.
func (n number) compare(o number) int {
	a, b := bytes.TrimRight(n.digits, "0"), bytes.TrimRight(o.digits, "0")
	sign := 1
	switch {
	case len(a) == 0 && len(b) == 0:
		return 0
	case len(a) == 0:
		return signOf(!o.negative)
	case len(b) == 0, n.negative != o.negative:
		return signOf(n.negative)
	case n.negative:
		sign = -1
	}
	// The power of ten of the first digit decides, then the digits.
	if x, y := len(n.digits)-n.scale, len(o.digits)-o.scale; x != y {
		return sign * signOf(x < y)
	}
	return sign * bytes.Compare(a, b)
}

func signOf(negative bool) int {
	if negative {
		return -1
	}
	return 1
}

// sameNumber tells whether two texts are one number. Neither is NaN.
func sameNumber(a, b []byte) bool {
	x, _, ok := parseNumber(a, nil)
	y, _, also := parseNumber(b, nil)
	return ok && also && x.compare(y) == 0
}

// number takes a number apart, false if it is not finite. What it gives is
// valid until the evaluation ends.
func (m *machine) number(v *value) (number, bool) {
	text := m.digits(v)
	n, rest, ok := parseNumber(text, m.scratch)
	m.room -= len(rest) - len(m.scratch)
	m.scratch = rest
	return n, ok
}

// nonFinite tells what a number that is not finite is.
func (m *machine) nonFinite(v *value) float64 {
	text := m.digits(v)
	switch {
	case text[len(text)-1] != 'y':
		return math.NaN()
	case text[0] == '-':
		return math.Inf(-1)
	}
	return math.Inf(1)
}

// coefficient reads a decimal's digits for arithmetic.
func (m *machine) coefficient(column int, v *value, into *big.Int) (scale int, err error) {
	n, ok := m.number(v)
	if !ok {
		return 0, fault(column, "%s has no place in arithmetic with decimals", tellNumber(m.digits(v)))
	}
	if len(n.digits) > maxDigits || len(n.digits) > 0 && (n.scale > maxDigits || len(n.digits)-n.scale > maxDigits) {
		return 0, fault(column, "%s has more than %d digits", tellNumber(m.digits(v)), maxDigits)
	}
	if len(n.digits) == 0 {
		n.scale = min(max(n.scale, 0), maxDigits)
	}
	setDigits(into, n.digits)
	if n.negative {
		into.Neg(into)
	}
	if n.scale < 0 {
		into.Mul(into, powerOfTen(-n.scale))
		n.scale = 0
	}
	return n.scale, nil
}

func setDigits(x *big.Int, digits []byte) {
	if len(digits) <= 19 {
		var u uint64
		for _, c := range digits {
			u = u*10 + uint64(c-'0')
		}
		x.SetUint64(u)
		return
	}
	x.SetString(string(digits), 10)
}

// powersOfTen are those that decimals within maxDigits need.
var powersOfTen = func() (p [2*maxDigits + 2]big.Int) {
	p[0].SetInt64(1)
	for i := range p[1:] {
		p[i+1].Mul(&p[i], big.NewInt(10))
	}
	return p
}()

func powerOfTen(n int) *big.Int { return &powersOfTen[n] }

// newDecimal makes a decimal of x × 10^-scale, where scale is not negative.
func (m *machine) newDecimal(column int, x *big.Int, scale int) (value, error) {
	start := len(m.scratch)
	out := x.Append(m.scratch, 10)
	digits := start
	if x.Sign() < 0 {
		digits++
	}
	if short := scale + 1 - (len(out) - digits); short > 0 { // 0.05
		out = slices.Insert(out, digits, bytes.Repeat([]byte("0"), short)...)
	}
	if len(out)-digits > maxDigits+1 || scale > maxDigits {
		return value{}, fault(column, "the result has more than %d digits", maxDigits)
	}
	if scale > 0 {
		out = slices.Insert(out, len(out)-scale, '.')
	}
	v, err := m.newText(column, out)
	v.kind = decimal
	return v, err
}

// decimals computes + - * / of decimals, and of numbers beside one, exactly.
func (m *machine) decimals(column int, op operator, a, b *value) (value, error) {
	x, err := m.coefficient(column, a, &m.a)
	if err != nil {
		return value{}, err
	}
	y, err := m.coefficient(column, b, &m.b)
	if err != nil {
		return value{}, err
	}
	switch op {
	case multiply:
		return m.newDecimal(column, m.c.Mul(&m.a, &m.b), x+y)
	case divide:
		return m.quotient(column, x-y)
	}
	if x < y {
		m.a.Mul(&m.a, powerOfTen(y-x))
	} else {
		m.b.Mul(&m.b, powerOfTen(x-y))
	}
	if op == plus {
		m.c.Add(&m.a, &m.b)
	} else {
		m.c.Sub(&m.a, &m.b)
	}
	return m.newDecimal(column, &m.c, max(x, y))
}

// quotient divides m.a by m.b, and the result by 10^scale. It must come out
// even: a decimal never rounds.
func (m *machine) quotient(column, scale int) (value, error) {
	if m.b.Sign() == 0 {
		return value{}, fault(column, "division by zero")
	}
	if m.a.Sign() == 0 {
		return m.newDecimal(column, &m.a, min(max(scale, 0), maxDigits))
	}
	m.c.GCD(nil, nil, m.c.Abs(&m.a), new(big.Int).Abs(&m.b))
	m.a.Quo(&m.a, &m.c)
	m.b.Quo(&m.b, &m.c)
	// A fraction in lowest terms has an end if its denominator is 2^i × 5^j.
	if m.b.Sign() < 0 {
		m.a.Neg(&m.a)
		m.b.Neg(&m.b)
	}
	twos := int(m.b.TrailingZeroBits())
	m.b.Rsh(&m.b, uint(twos))
	fives, five, rest := 0, big.NewInt(5), new(big.Int)
	for {
		m.c.QuoRem(&m.b, five, rest)
		if rest.Sign() != 0 {
			break
		}
		m.b.Set(&m.c)
		fives++
	}
	more := max(twos, fives)
	if m.b.Cmp(big.NewInt(1)) != 0 || more > maxDigits {
		return value{}, fault(column, "the quotient of these decimals has no end").
			advise("write float(...) around one of them to compute it as a float")
	}
	for range more - twos {
		m.a.Lsh(&m.a, 1)
	}
	for range more - fives {
		m.a.Mul(&m.a, five)
	}
	if scale += more; scale < 0 {
		m.a.Mul(&m.a, powerOfTen(-scale))
		scale = 0
	}
	return m.newDecimal(column, &m.a, scale)
}
