package expression

import (
	"bytes"
	"math"
	"math/big"
	"strconv"

	"backstory/transform"
)

func typeName(_ *machine, _ int, args []value) (value, error) {
	names := [kindCount]string{"nil", "bool", "int", "float", "decimal", "string", "array", "map", "time", "duration"}
	return textValue([]byte(names[args[0].kind])), nil
}

// isNumber tells whether text is a decimal number, with exponent or without.
func isNumber(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		exp := text[e+1:]
		if len(exp) > 0 && (exp[0] == '-' || exp[0] == '+') {
			exp = exp[1:]
		}
		if len(exp) == 0 || countDigits(exp) < len(exp) {
			return false
		}
		text = text[:e]
	}
	whole, fraction, point := bytes.Cut(text, []byte("."))
	digits := countDigits(whole) + countDigits(fraction)
	return digits > 0 && (digits == len(text) || point && digits == len(text)-1)
}

func countDigits(text []byte) int {
	n := 0
	for _, c := range text {
		if c-'0' <= 9 {
			n++
		}
	}
	return n
}

// written is the text of a number, or text that is to be one.
func (m *machine) written(column int, what string, v *value) ([]byte, error) {
	var x []byte
	if v.kind == text {
		x = m.bytes(v)
	} else {
		x = m.digits(v)
	}
	if !isNumber(x) {
		return nil, fault(column, "%s of %s, want a number", what, tellText(x))
	}
	return x, m.spend(column, len(x)>>4)
}

// toInt makes an integer of what is a whole number of 64 bits.
func toInt(m *machine, column int, args []value) (value, error) {
	v := &args[0]
	if v.kind == integer && v.doc == nil {
		return *v, nil
	}
	x, err := m.written(column, "int", v)
	if err != nil {
		return value{}, err
	}
	n, rest, _ := parseNumber(x, m.scratch)
	m.room -= len(rest) - len(m.scratch)
	m.scratch = rest
	digits := bytes.TrimRight(n.digits, "0")
	zeros := len(n.digits) - len(digits) - n.scale
	switch {
	case len(digits) == 0:
		return intValue(0), nil
	case zeros < 0:
		return value{}, fault(column, "%s is no whole number", tellNumber(x)).advise("write round, floor or ceil inside int(...)")
	case len(digits)+zeros > 19:
		return value{}, m.tooLong(column, v)
	}
	text := make([]byte, 0, 20)
	if n.negative {
		text = append(text, '-')
	}
	text = append(text, digits...)
	for range zeros {
		text = append(text, '0')
	}
	i, ok := parseInt(text)
	if !ok {
		return value{}, m.tooLong(column, v)
	}
	return intValue(i), nil
}

// toFloat gives the double that is nearest. It is the one function that may
// drop digits.
func toFloat(m *machine, column int, args []value) (value, error) {
	v := &args[0]
	if v.kind == float {
		if x, ok := v.float(); ok {
			return floatValue(x), nil
		}
	}
	if v.kind == decimal && !isNumber(m.digits(v)) {
		return floatValue(m.nonFinite(v)), nil
	}
	x, err := m.written(column, "float", v)
	if err != nil {
		return value{}, err
	}
	f, err := strconv.ParseFloat(string(x), 64)
	if err != nil {
		return value{}, fault(column, "%s is out of a float's range", tellNumber(x))
	}
	return floatValue(f), nil
}

func toDecimal(m *machine, column int, args []value) (value, error) {
	if args[0].kind == decimal {
		return args[0], nil
	}
	x, err := m.written(column, "decimal", &args[0])
	return decimalValue(x), err
}

func toText(m *machine, _ int, args []value) (value, error) {
	switch v := &args[0]; v.kind {
	case boolean:
		return textValue(strconv.AppendBool(nil, v.num != 0)), nil
	case text:
		return textValue(m.bytes(v)), nil
	case instant:
		start := len(m.scratch)
		m.scratch = appendTime(m.scratch, v.num)
		m.room -= len(m.scratch) - start
		return textValue(m.scratch[start:]), nil
	default:
		return textValue(m.digits(v)), nil
	}
}

// toJSON writes a value as compact JSON.
func toJSON(m *machine, column int, args []value) (value, error) {
	v := &args[0]
	if err := m.weigh(column, v); err != nil {
		return value{}, err
	}
	d, ref := v.doc, v.ref
	if d == nil {
		d = new(transform.Document)
		var err error
		if ref, err = m.store(column, v, d); err != nil {
			return value{}, err
		}
	}
	start := len(m.scratch)
	m.scratch = d.AppendJSON(m.scratch, ref)
	return textValue(m.scratch[start:]), m.take(column, len(m.scratch)-start)
}

func abs(m *machine, column int, args []value) (value, error) {
	v := &args[0]
	switch v.kind {
	case integer:
		if x, ok := v.int(); ok && x >= 0 {
			return *v, nil
		}
		return m.negate(column, v)
	case float:
		x, ok := v.float()
		if !ok {
			return value{}, m.tooExact(column, v)
		}
		return floatValue(math.Abs(x)), nil
	}
	if m.digits(v)[0] == '-' {
		return m.negate(column, v)
	}
	return *v, nil
}

func ceil(m *machine, column int, args []value) (value, error) {
	return m.whole(column, &args[0], math.Ceil, func(negative bool, _ int) bool { return !negative })
}

func floor(m *machine, column int, args []value) (value, error) {
	return m.whole(column, &args[0], math.Floor, func(negative bool, _ int) bool { return negative })
}

// away rounds halves away from zero, as math.Round does.
func away(_ bool, half int) bool { return half >= 0 }

func round_(m *machine, column int, args []value) (value, error) {
	v := &args[0]
	if len(args) == 1 || v.kind == integer {
		return m.whole(column, v, math.Round, away)
	}
	places, ok := args[1].int()
	if !ok || places < 0 || places > maxDigits {
		return value{}, fault(column, "round to %s places, want 0 to %d", tellNumber(m.digits(&args[1])), maxDigits)
	}
	r, err := m.toPlaces(column, v, int(places), away)
	if err != nil || v.kind == decimal {
		return r, err
	}
	return toFloat(m, column, []value{r})
}

// whole makes a number a whole one, of the same kind.
func (m *machine) whole(column int, v *value, double func(float64) float64, up func(negative bool, half int) bool) (value, error) {
	switch v.kind {
	case integer:
		return *v, nil
	case float:
		x, ok := v.float()
		if !ok {
			return value{}, m.tooExact(column, v)
		}
		return floatValue(double(x)), nil
	}
	return m.toPlaces(column, v, 0, up)
}

// toPlaces rounds a number to so many places behind the point, as a decimal.
// up says whether the digit before goes up, where what is dropped is not
// nothing: half is -1, 0, 1 as that is less, as much or more than half.
func (m *machine) toPlaces(column int, v *value, places int, up func(negative bool, half int) bool) (value, error) {
	scale, err := m.coefficient(column, v, &m.a)
	if err != nil {
		return value{}, err
	}
	if scale <= places {
		return m.newDecimal(column, &m.a, scale)
	}
	unit := powerOfTen(scale - places)
	negative := m.a.Sign() < 0
	m.a.QuoRem(&m.a, unit, &m.b)
	if m.b.Sign() != 0 && up(negative, m.b.Abs(&m.b).Lsh(&m.b, 1).Cmp(unit)) {
		one := int64(1)
		if negative {
			one = -1
		}
		m.a.Add(&m.a, big.NewInt(one))
	}
	return m.newDecimal(column, &m.a, places)
}
