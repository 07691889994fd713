package expression

import (
	"fmt"
	"regexp"
	"regexp/syntax"

	"backstory/source"

	"github.com/expr-lang/expr/ast"
)

// function is one that evaluates all of its arguments first.
type function struct {
	name string
	// args are the kinds of the arguments; those from least on may be left out.
	// The last may stand any number of times if many.
	args   []kinds
	least  int
	many   bool
	result kinds
	// run is called with arguments of these kinds. It must not keep args.
	run func(m *machine, column int, args []value) (value, error)
}

// functions lists them. A new one is a line here. None depends on the clock,
// the machine's zone or chance, or works longer than spend and take count.
func functions() []function {
	whole := numbers | texts
	return []function{
		{"len", []kinds{texts | lists | objects}, 1, false, 1 << integer, length},
		{"type", []kinds{anything}, 1, false, texts, typeName},

		{"int", []kinds{whole}, 1, false, 1 << integer, toInt},
		{"float", []kinds{whole}, 1, false, 1 << float, toFloat},
		{"decimal", []kinds{whole}, 1, false, 1 << decimal, toDecimal},
		{"string", []kinds{bools | whole | times}, 1, false, texts, toText},
		{"toJSON", []kinds{storable}, 1, false, texts, toJSON},

		{"abs", []kinds{numbers}, 1, false, numbers, abs},
		{"ceil", []kinds{numbers}, 1, false, numbers, ceil},
		{"floor", []kinds{numbers}, 1, false, numbers, floor},
		{"round", []kinds{numbers, 1 << integer}, 1, false, numbers, round_},
		{"min", []kinds{anything}, 1, true, anything, least},
		{"max", []kinds{anything}, 1, true, anything, greatest},

		{"trim", []kinds{texts, texts}, 1, false, texts, trim},
		{"trimPrefix", []kinds{texts, texts}, 2, false, texts, trimPrefix},
		{"trimSuffix", []kinds{texts, texts}, 2, false, texts, trimSuffix},
		{"upper", []kinds{texts}, 1, false, texts, upper},
		{"lower", []kinds{texts}, 1, false, texts, lower},
		{"split", []kinds{texts, texts, 1 << integer}, 2, false, lists, split},
		{"join", []kinds{lists, texts}, 1, false, texts, join},
		{"replace", []kinds{texts, texts, texts}, 3, false, texts, replace},
		{"indexOf", []kinds{texts, texts}, 2, false, 1 << integer, indexOf},
		{"lastIndexOf", []kinds{texts, texts}, 2, false, 1 << integer, lastIndexOf},
		{"hasPrefix", []kinds{texts, texts}, 2, false, bools, hasPrefix},
		{"hasSuffix", []kinds{texts, texts}, 2, false, bools, hasSuffix},

		{"first", []kinds{lists}, 1, false, anything, first},
		{"last", []kinds{lists}, 1, false, anything, last},
		{"get", []kinds{lists | objects | nothing, texts | 1<<integer}, 2, false, anything, get},
		{"keys", []kinds{objects}, 1, false, lists, keys},
		{"values", []kinds{objects}, 1, false, lists, values},
		{"concat", []kinds{lists}, 1, true, lists, concat},

		{"date", []kinds{texts | times, texts}, 1, false, times, date},
		{"duration", []kinds{texts}, 1, false, spans, duration},
	}
}

// methods lists what may stand with a dot behind a time or duration, as it
// does in Go.
func methods() []function {
	calendar := func(name string) function {
		return function{name, []kinds{times}, 1, false, 1 << integer, timePart(name)}
	}
	return []function{
		calendar("Year"), calendar("Month"), calendar("Day"), calendar("YearDay"), calendar("Weekday"),
		calendar("Hour"), calendar("Minute"), calendar("Second"),
		calendar("Unix"), calendar("UnixMilli"), calendar("UnixMicro"),
		{"Format", []kinds{times, texts}, 2, false, texts, format},
		{"Hours", []kinds{spans}, 1, false, 1 << float, spanIn(hour)},
		{"Minutes", []kinds{spans}, 1, false, 1 << float, spanIn(minute)},
		{"Seconds", []kinds{spans}, 1, false, 1 << float, spanIn(second)},
		{"Milliseconds", []kinds{spans}, 1, false, 1 << integer, milliseconds},
	}
}

func functionNamed(name string) *function { return pick(functions(), name) }

func pick(list []function, name string) *function {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}

func names(list []function) []string {
	var out []string
	for _, f := range list {
		out = append(out, f.name)
	}
	return out
}

// callNode compiles a call of what the grammar takes for no function of its
// own.
func (c *compiler) callNode(n *ast.CallNode) code {
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		return c.call(n, callee.Value, n.Arguments)
	case *ast.MemberNode:
		name, ok := callee.Property.(*ast.StringNode)
		if !ok {
			break
		}
		f := pick(methods(), name.Value)
		if f == nil {
			return c.unknown(columnOf(n), "function", "."+name.Value, names(methods()))
		}
		return c.apply(n, f, append([]ast.Node{callee.Node}, n.Arguments...), 1)
	}
	return c.fail(n, "this is no function")
}

// call compiles name(args).
func (c *compiler) call(n ast.Node, name string, args []ast.Node) code {
	if p := passNamed(name); p != nil {
		return c.pass(n, p, args)
	}
	f := functionNamed(name)
	if f == nil {
		have := names(functions())
		for _, p := range passes {
			have = append(have, p.name)
		}
		return c.unknown(columnOf(n), "function", name, have)
	}
	return c.apply(n, f, args, 0)
}

// apply compiles a call. The first before arguments stand in front of the
// name, and so do not count for messages.
func (c *compiler) apply(n ast.Node, f *function, args []ast.Node, before int) code {
	if len(args) < f.least || len(args) > len(f.args) && !f.many {
		return c.fail(n, "%s takes %s, not %d", f.name, f.takes(before), len(args)-before)
	}
	parts := make([]code, len(args))
	x := code{kinds: f.result, column: columnOf(n)}
	for i, a := range args {
		parts[i] = c.node(a)
		x.cost += parts[i].cost
		if want := f.arg(i); parts[i].kinds&want == 0 {
			return c.failAt(parts[i].column, "%s of %s, want %s", f.name, parts[i].kinds, want)
		}
	}
	if len(parts) == 1 && f.result == numbers { // abs, floor and their like keep the kind
		x.kinds = parts[0].kinds & numbers
	}
	place := c.room(len(parts))
	x.run = func(m *machine, out *value) (err error) {
		given := m.slots[place : place+len(parts)]
		for i := range parts {
			if err := parts[i].run(m, &given[i]); err != nil {
				return err
			}
			if !f.arg(i).has(given[i].kind) {
				return wrongArgument(parts[i].column, f, i, given[i].kind)
			}
		}
		*out, err = f.run(m, x.column, given)
		return err
	}
	return c.fold(x, parts...)
}

func (f *function) arg(i int) kinds { return f.args[min(i, len(f.args)-1)] }

func (f *function) takes(before int) string {
	least, most := f.least-before, len(f.args)-before
	switch {
	case f.many:
		return "one argument or more"
	case least < most:
		return fmt.Sprintf("%d to %d arguments", least, most)
	case least == 1:
		return "one argument"
	case least == 0:
		return "no argument"
	}
	return fmt.Sprintf("%d arguments", least)
}

func wrongArgument(column int, f *function, i int, k kind) *Error {
	err := fault(column, "%s of %s, want %s", f.name, k, f.arg(i))
	if k == null {
		err.Advice = "write ?? and another value behind what may be absent"
	}
	return err
}

// maxProgram bounds compiled regular expressions: matching takes at most that
// many steps a byte.
const maxProgram = 500

// matches compiles x matches "pattern"; the pattern is compiled here, and
// never again. (Go's regular expressions take linear time.)
func (c *compiler) matches(n *ast.BinaryNode) code {
	l, r := c.node(n.Left), c.node(n.Right)
	x := code{kinds: bools, cost: l.cost, column: columnOf(n)}
	if l.kinds&(texts|nothing) == 0 {
		return c.refuse(noOperator(x.column, "matches", l.kinds, r.kinds))
	}
	if r.fixed == nil || r.fixed.kind != text {
		return c.failAt(r.column, "a pattern must stand in the expression as text")
	}
	pattern := string(r.fixed.text)
	size, err := programSize(pattern)
	if err != nil {
		return c.failAt(r.column, "pattern %s: %s", source.Clip(r.fixed.text), err.Code)
	}
	if size > maxProgram {
		return c.failAt(r.column, "pattern %s is too large", source.Clip(r.fixed.text))
	}
	re := regexp.MustCompile(pattern)
	x.run = func(m *machine, out *value) error {
		err := l.run(m, out)
		switch {
		case err != nil:
			return err
		case out.kind == null:
			*out = boolValue(false)
			return nil
		case out.kind != text:
			return fault(x.column, "no operator matches for %s", out.kind)
		}
		t := m.bytes(out)
		if err := m.spend(x.column, len(t)*(8+size)>>5); err != nil {
			return err
		}
		*out = boolValue(re.Match(t))
		return nil
	}
	return c.fold(x, l)
}

// programSize is the number of instructions of a pattern.
func programSize(pattern string) (int, *syntax.Error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err == nil {
		var p *syntax.Prog
		if p, err = syntax.Compile(re.Simplify()); err == nil {
			return len(p.Inst), nil
		}
	}
	if e, ok := err.(*syntax.Error); ok {
		return 0, e
	}
	return 0, &syntax.Error{Code: syntax.ErrInternalError}
}
