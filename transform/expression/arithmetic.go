package expression

import (
	"math"
	"math/bits"
)

// add computes + and - of all they are for.
func add(m *machine, column int, op operator, a, b, out *value) (err error) {
	switch {
	case numbers.has(a.kind) && numbers.has(b.kind):
		return arithmetic(m, column, op, a, b, out)
	case a.kind == text && b.kind == text && op == plus:
		return m.join(column, a, b, out)
	case a.kind == instant || a.kind == span || b.kind == instant || b.kind == span:
		*out, err = addTimes(column, op, a, b)
		return err
	}
	return noPairing(column, op, a, b)
}

func (m *machine) join(column int, a, b, out *value) error {
	x, y := m.bytes(a), m.bytes(b)
	if err := m.take(column, len(x)+len(y)); err != nil {
		return err
	}
	start := len(m.scratch)
	m.scratch = append(append(m.scratch, x...), y...)
	out.setText(m.scratch[start:])
	return nil
}

// arithmetic computes + - * / of numbers. Integers give integers, but for /,
// and never overflow in silence; beside a decimal all is exact; the rest is
// computed in doubles.
func arithmetic(m *machine, column int, op operator, a, b, out *value) (err error) {
	switch {
	case !numbers.has(a.kind) || !numbers.has(b.kind):
		return noPairing(column, op, a, b)
	case a.kind == decimal || b.kind == decimal:
		*out, err = m.decimals(column, op, a, b)
		return err
	case a.kind == integer && b.kind == integer && op != divide:
		return m.integers(column, op, a, b, out)
	}
	x, ok := a.asFloat()
	if !ok {
		return m.tooExact(column, a)
	}
	y, ok := b.asFloat()
	if !ok {
		return m.tooExact(column, b)
	}
	if y == 0 && op == divide {
		return fault(column, "division by zero")
	}
	r := doubles(op, x, y)
	if r-r != 0 && x-x == 0 && y-y == 0 { // x-x is 0 but for what is not finite
		return fault(column, "the result is too large for a float")
	}
	out.setFloat(r)
	return nil
}

func doubles(op operator, x, y float64) float64 {
	switch op {
	case plus:
		return x + y
	case minus:
		return x - y
	case multiply:
		return x * y
	}
	return x / y
}

// tooExact is a number that has more digits than a double holds.
func (m *machine) tooExact(column int, v *value) *Error {
	return fault(column, "%s has more digits than a float holds", tellNumber(m.digits(v))).
		advise("write decimal(...) around it to compute exactly, or float(...) to round it")
}

// tooLong is an integer of more than 64 bits.
func (m *machine) tooLong(column int, v *value) *Error {
	return fault(column, "%s has more than 64 bits", tellNumber(m.digits(v))).
		advise("write decimal(...) around it")
}

func (m *machine) integers(column int, op operator, a, b, out *value) error {
	x, ok := a.int()
	if !ok {
		return m.tooLong(column, a)
	}
	y, ok := b.int()
	if !ok {
		return m.tooLong(column, b)
	}
	var r int64
	switch op {
	case plus:
		r = x + y
		ok = (r > x) == (y > 0)
	case minus:
		r = x - y
		ok = (r < x) == (y > 0)
	case multiply:
		r, ok = product(x, y)
	}
	if !ok {
		return fault(column, "the result has more than 64 bits").advise("write decimal(...) around one side")
	}
	out.setInt(r)
	return nil
}

func product(x, y int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(x), magnitude(y))
	if (x < 0) != (y < 0) {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo < 1<<63
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// modulo computes %, whose result has the sign of the left side.
func modulo(m *machine, column int, op operator, a, b, out *value) error {
	if a.kind != integer || b.kind != integer {
		return noPairing(column, op, a, b)
	}
	x, ok := a.int()
	if !ok {
		return m.tooLong(column, a)
	}
	y, ok := b.int()
	switch {
	case !ok:
		return m.tooLong(column, b)
	case y == 0:
		return fault(column, "division by zero")
	}
	out.setInt(x % y)
	return nil
}

func (m *machine) negate(column int, v *value) (value, error) {
	switch v.kind {
	case integer:
		x, ok := v.int()
		switch {
		case !ok:
			return value{}, m.tooLong(column, v)
		case x == math.MinInt64:
			return value{}, fault(column, "the result has more than 64 bits")
		}
		return intValue(-x), nil
	case float:
		x, ok := v.float()
		if !ok {
			return value{}, m.tooExact(column, v)
		}
		return floatValue(-x), nil
	}
	scale, err := m.coefficient(column, v, &m.a)
	if err != nil {
		return value{}, err
	}
	return m.newDecimal(column, m.a.Neg(&m.a), scale)
}
