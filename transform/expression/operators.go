package expression

import (
	"github.com/expr-lang/expr/ast"
)

// operator is what a binary operator does.
type operator uint8

const (
	plus operator = iota + 1
	minus
	multiply
	divide
	remainder
	less
	lessEqual
	greater
	greaterEqual
	within
	contains
	startsWith
	endsWith
)

var operatorNames = [...]string{"", "+", "-", "*", "/", "%", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith"}

func (o operator) String() string { return operatorNames[o] }

// A pairing is two kinds of operands an operator is for, and what it gives.
type pairing struct{ left, right, result kinds }

var (
	ordered = []pairing{{numbers, numbers, bools}, {texts, texts, bools}, {times, times, bools}, {spans, spans, bools}}
	inTexts = []pairing{{texts | nothing, texts | nothing, bools}}
)

// operators lists the binary operators, but for those that do not evaluate
// both sides (and or ??), ranges and matches.
var operators = map[string]struct {
	operator operator
	pairings []pairing
	run      func(m *machine, column int, op operator, a, b, out *value) error
}{
	"+": {plus, []pairing{
		{1 << integer, 1 << integer, 1 << integer}, {numbers, 1 << decimal, 1 << decimal}, {1 << decimal, numbers, 1 << decimal},
		{1 << float, 1<<integer | 1<<float, 1 << float}, {1 << integer, 1 << float, 1 << float},
		{texts, texts, texts}, {times, spans, times}, {spans, times, times}, {spans, spans, spans},
	}, add},
	"-": {minus, []pairing{
		{1 << integer, 1 << integer, 1 << integer}, {numbers, 1 << decimal, 1 << decimal}, {1 << decimal, numbers, 1 << decimal},
		{1 << float, 1<<integer | 1<<float, 1 << float}, {1 << integer, 1 << float, 1 << float},
		{times, times, spans}, {times, spans, times}, {spans, spans, spans},
	}, add},
	"*": {multiply, []pairing{
		{1 << integer, 1 << integer, 1 << integer}, {numbers, 1 << decimal, 1 << decimal}, {1 << decimal, numbers, 1 << decimal},
		{1 << float, 1<<integer | 1<<float, 1 << float}, {1 << integer, 1 << float, 1 << float},
	}, arithmetic},
	"/": {divide, []pairing{
		{1<<integer | 1<<float, 1<<integer | 1<<float, 1 << float}, {numbers, 1 << decimal, 1 << decimal}, {1 << decimal, numbers, 1 << decimal},
	}, arithmetic},
	"%":          {remainder, []pairing{{1 << integer, 1 << integer, 1 << integer}}, modulo},
	"<":          {less, ordered, order},
	"<=":         {lessEqual, ordered, order},
	">":          {greater, ordered, order},
	">=":         {greaterEqual, ordered, order},
	"in":         {within, []pairing{{anything, lists | nothing, bools}, {texts, objects, bools}}, isIn},
	"contains":   {contains, inTexts, search},
	"startsWith": {startsWith, inTexts, search},
	"endsWith":   {endsWith, inTexts, search},
}

func (c *compiler) binary(n *ast.BinaryNode) code {
	switch n.Operator {
	case "and", "&&":
		return c.logic(n, false)
	case "or", "||":
		return c.logic(n, true)
	case "??":
		return c.otherwise(n)
	case "==", "!=":
		return c.equality(n)
	case "..":
		return c.rangeOf(n)
	case "matches":
		return c.matches(n)
	}
	o, ok := operators[n.Operator]
	if !ok {
		return c.fail(n, "operator %s is not offered", n.Operator)
	}
	l, r := c.node(n.Left), c.node(n.Right)
	x := code{cost: l.cost + r.cost, column: columnOf(n)}
	for _, p := range o.pairings {
		if l.kinds&p.left != 0 && r.kinds&p.right != 0 {
			x.kinds |= p.result
		}
	}
	if x.kinds == 0 {
		return c.refuse(noOperator(x.column, n.Operator, l.kinds, r.kinds))
	}
	left, right, run, op, column, place := l.run, r.run, o.run, o.operator, x.column, c.room(2)
	x.run = func(m *machine, out *value) error {
		a, b := &m.slots[place], &m.slots[place+1]
		if err := left(m, a); err != nil {
			return err
		}
		if err := right(m, b); err != nil {
			return err
		}
		return run(m, column, op, a, b, out)
	}
	return c.fold(x, l, r)
}

// noOperator is an operator between kinds it is not for.
func noOperator(column int, name string, a, b kinds) *Error {
	err := fault(column, "no operator %s for %s and %s", name, a, b)
	switch {
	case a == nothing || b == nothing:
		err.Advice = "write ?? and another value behind what may be absent"
	case name == "+" && (a == texts || b == texts):
		err.Advice = "write string(...) around what is not text"
	}
	return err
}

// noPairing is noOperator for an evaluation.
func noPairing(column int, op operator, a, b *value) *Error {
	return noOperator(column, op.String(), 1<<a.kind, 1<<b.kind)
}

// logic compiles and, or: the right side is evaluated if the left one, which
// is not decisive, leaves it open.
func (c *compiler) logic(n *ast.BinaryNode, decisive bool) code {
	l, r := c.condition(n.Left), c.condition(n.Right)
	left, right := l.run, r.run
	x := code{kinds: bools, cost: l.cost + r.cost, column: columnOf(n)}
	x.run = func(m *machine, out *value) error {
		if err := left(m, out); err != nil || (out.num != 0) == decisive {
			return err
		}
		return right(m, out)
	}
	return c.fold(x, l, r)
}

// otherwise compiles ??.
func (c *compiler) otherwise(n *ast.BinaryNode) code {
	l, r := c.node(n.Left), c.node(n.Right)
	left, right := l.run, r.run
	x := code{kinds: l.kinds&^nothing | r.kinds, cost: l.cost + r.cost, column: columnOf(n)}
	x.run = func(m *machine, out *value) error {
		if err := left(m, out); err != nil || out.kind != null {
			return err
		}
		return right(m, out)
	}
	return c.fold(x, l, r)
}

// equality compiles == and !=, which are for any two values, but not for two
// that are never equal.
func (c *compiler) equality(n *ast.BinaryNode) code {
	l, r := c.node(n.Left), c.node(n.Right)
	x := code{kinds: bools, cost: l.cost + r.cost, column: columnOf(n)}
	a, b := l.kinds, r.kinds
	if a&numbers != 0 {
		a |= numbers // they are compared by value
	}
	if a&b&^nothing == 0 && a != nothing && b != nothing {
		err := fault(x.column, "%s is never equal to %s", l.kinds, r.kinds)
		if (a|b)&times != 0 {
			err.Advice = "write date(...) around what holds a time as text"
		}
		return c.refuse(err)
	}
	want := n.Operator == "=="
	left, right, column, place := l.run, r.run, x.column, c.room(2)
	x.run = func(m *machine, out *value) error {
		a, b := &m.slots[place], &m.slots[place+1]
		if err := left(m, a); err != nil {
			return err
		}
		if err := right(m, b); err != nil {
			return err
		}
		same, err := m.equal(column, a, b)
		out.setBool(same == want)
		return err
	}
	return c.fold(x, l, r)
}

func (c *compiler) unary(n *ast.UnaryNode) code {
	column := columnOf(n)
	if n.Operator == "not" || n.Operator == "!" {
		inner := c.condition(n.Node)
		run := inner.run
		return c.fold(code{kinds: bools, cost: inner.cost, column: column, run: func(m *machine, out *value) error {
			err := run(m, out)
			out.setBool(out.num == 0)
			return err
		}}, inner)
	}
	inner := c.node(n.Node)
	if inner.kinds&numbers == 0 {
		return c.fail(n, "no operator %s for %s", n.Operator, inner.kinds)
	}
	run, negative := inner.run, n.Operator == "-"
	return c.fold(code{kinds: inner.kinds & numbers, cost: inner.cost, column: column, run: func(m *machine, out *value) error {
		err := run(m, out)
		switch {
		case err != nil:
			return err
		case !numbers.has(out.kind):
			return fault(column, "no operator %s for %s", n.Operator, out.kind)
		case negative:
			*out, err = m.negate(column, out)
		}
		return err
	}}, inner)
}
