package expression

import (
	"fmt"
	"unicode/utf8"

	"backstory/source"

	"github.com/expr-lang/expr/ast"
)

// step evaluates a part of an expression into out, which is one of the
// machine's slots: values are too large to be handed about.
type step func(m *machine, out *value) error

// code is a compiled part of an expression.
type code struct {
	run    step
	kinds  kinds  // what it may give
	cost   int    // how many parts it has
	column int    // where it stands in the text, from 1
	fixed  *value // what it always gives, if it is constant
	path   *path  // if it is no more than a path into a document
}

// compiler makes code of an expression's parts. It notes the first error and
// goes on with code that is not run.
type compiler struct {
	text   string
	inEach bool
	slots  int
	rounds int
	scopes []scope
	fields []string
	err    error
}

// scope is a name that let made, or the element a predicate is at.
type scope struct {
	name          string // "" for an element
	slot          int    // of the variable or element
	index, result int    // slots of #index and #acc, -1 where there is none
	kinds         kinds
}

func (c *compiler) fail(n ast.Node, format string, args ...any) code {
	return c.failAt(columnOf(n), format, args...)
}

func (c *compiler) failAt(column int, format string, args ...any) code {
	return c.refuse(fault(column, format, args...))
}

func (c *compiler) refuse(err error) code {
	if c.err == nil {
		c.err = err
	}
	return code{kinds: anything, run: func(*machine, *value) error { return err }}
}

// gives checks what the whole expression gives.
func (c *compiler) gives(n ast.Node, x code, wantBool bool) bool {
	switch {
	case wantBool && !x.kinds.has(boolean):
		c.fail(n, "gives %s, want a bool", x.kinds)
	case !wantBool && x.kinds&storable == 0:
		c.refuse(fault(columnOf(n), "gives %s, which no document holds", x.kinds).advise(durationHint))
	}
	return c.err == nil
}

func (c *compiler) node(n ast.Node) code {
	x := c.dispatch(n)
	if x.column == 0 {
		x.column = columnOf(n)
	}
	x.cost++
	c.note(x)
	return x
}

func (c *compiler) dispatch(n ast.Node) code {
	switch n := n.(type) {
	case *ast.NilNode:
		return constant(value{})
	case *ast.BoolNode:
		return constant(boolValue(n.Value))
	case *ast.IntegerNode:
		return constant(intValue(int64(n.Value)))
	case *ast.FloatNode:
		return c.floatLiteral(n)
	case *ast.StringNode:
		if !utf8.ValidString(n.Value) {
			return c.fail(n, "text is not UTF-8")
		}
		return constant(textValue([]byte(n.Value)))
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.PointerNode:
		return c.pointer(n)
	case *ast.MemberNode:
		return c.member(n)
	case *ast.ChainNode:
		return c.node(n.Node) // what is not there is nil with ?. and without
	case *ast.SliceNode:
		return c.slice(n)
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.let(n)
	case *ast.ArrayNode:
		return c.array(n)
	case *ast.MapNode:
		return c.object(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		return c.callNode(n)
	case *ast.SequenceNode:
		return c.fail(n, "more than one expression: only let may stand before ;")
	case *ast.BytesNode:
		return c.fail(n, "bytes are not offered")
	}
	return c.fail(n, "this is not offered")
}

func constant(v value) code {
	return code{fixed: &v, kinds: 1 << v.kind, run: func(_ *machine, out *value) error {
		*out = v
		return nil
	}}
}

// floatLiteral refuses digits that a float does not hold: the parser has
// dropped them by now.
func (c *compiler) floatLiteral(n *ast.FloatNode) code {
	written := []rune(c.text)[n.Location().From:n.Location().To]
	var digits []byte
	for _, r := range written {
		if r != '_' {
			digits = append(digits, byte(r))
		}
	}
	v := floatValue(n.Value)
	var m machine
	if !sameNumber(digits, m.digits(&v)) {
		return c.refuse(fault(columnOf(n), "%s has more digits than a float holds", digits).
			advise(fmt.Sprintf("write decimal(%q)", digits)))
	}
	return constant(v)
}

// fold evaluates code of constants now. What it gives must not depend on the
// machine any more.
func (c *compiler) fold(x code, parts ...code) code {
	for _, p := range parts {
		if p.fixed == nil {
			return x
		}
	}
	if c.err != nil {
		return x
	}
	var v value
	m := &machine{steps: maxSteps, room: maxRoom, slots: make([]value, c.slots)}
	if err := x.run(m, &v); err != nil {
		return c.refuse(err)
	}
	folded := constant(v)
	folded.column, folded.cost = x.column, x.cost
	return folded
}

func (c *compiler) conditional(n *ast.ConditionalNode) code {
	cond := c.condition(n.Cond)
	yes, no := c.node(n.Exp1), c.node(n.Exp2)
	test := cond.run
	x := code{kinds: yes.kinds | no.kinds, cost: cond.cost + yes.cost + no.cost, column: cond.column}
	x.run = func(m *machine, out *value) error {
		if err := test(m, out); err != nil {
			return err
		}
		if out.num != 0 {
			return yes.run(m, out)
		}
		return no.run(m, out)
	}
	return c.fold(x, cond, yes, no)
}

// condition compiles what must be a bool, and makes sure that it is one.
func (c *compiler) condition(n ast.Node) code {
	x := c.node(n)
	if !x.kinds.has(boolean) {
		return c.failAt(x.column, "%s where a bool is wanted", x.kinds)
	}
	if x.kinds == bools {
		return x
	}
	run, column := x.run, x.column
	x.run = func(m *machine, out *value) error {
		err := run(m, out)
		if err == nil && out.kind != boolean {
			err = notBool(column, out)
		}
		return err
	}
	x.kinds = bools
	return x
}

func notBool(column int, v *value) error {
	err := fault(column, "%s where a bool is wanted", v.kind)
	if v.kind == null {
		err.Advice = "write ?? false behind what may be absent"
	}
	return err
}

func (c *compiler) let(n *ast.VariableDeclaratorNode) code {
	if c.known(n.Name) {
		return c.fail(n, "cannot redeclare %s", n.Name)
	}
	init := c.node(n.Value)
	slot := c.slot()
	c.scopes = append(c.scopes, scope{name: n.Name, slot: slot, kinds: init.kinds})
	body := c.node(n.Expr)
	c.scopes = c.scopes[:len(c.scopes)-1]
	return code{kinds: body.kinds, cost: init.cost + body.cost, column: body.column, run: func(m *machine, out *value) error {
		if err := init.run(m, &m.slots[slot]); err != nil {
			return err
		}
		return body.run(m, out)
	}}
}

// slot keeps room for a value of the machine.
func (c *compiler) slot() int { return c.room(1) }

// room keeps room for values that stand together, and gives the place of the
// first.
func (c *compiler) room(n int) int {
	c.slots += n
	return c.slots - n
}

func (c *compiler) array(n *ast.ArrayNode) code {
	parts := make([]code, len(n.Nodes))
	x := code{kinds: lists, column: columnOf(n)}
	for i := range n.Nodes {
		parts[i] = c.node(n.Nodes[i])
		x.cost += parts[i].cost
	}
	x.run = func(m *machine, out *value) (err error) {
		items := make([]value, len(parts))
		for i := range parts {
			if err := parts[i].run(m, &items[i]); err != nil {
				return err
			}
		}
		*out, err = m.list(x.column, items)
		return err
	}
	return c.fold(x, parts...)
}

func (c *compiler) object(n *ast.MapNode) code {
	keys, items := make([]code, len(n.Pairs)), make([]code, len(n.Pairs))
	x := code{kinds: objects, column: columnOf(n)}
	for i := range n.Pairs {
		pair := n.Pairs[i].(*ast.PairNode)
		keys[i], items[i] = c.node(pair.Key), c.node(pair.Value)
		x.cost += keys[i].cost + items[i].cost
		if !keys[i].kinds.has(text) {
			return c.failAt(keys[i].column, "%s as a member's name", keys[i].kinds)
		}
		if keys[i].fixed != nil {
			for _, before := range keys[:i] {
				if before.fixed != nil && string(before.fixed.text) == string(keys[i].fixed.text) {
					return c.failAt(keys[i].column, "member %s stands twice", source.Clip(keys[i].fixed.text))
				}
			}
		}
	}
	x.run = func(m *machine, out *value) error {
		if err := m.take(x.column, 2*valueBytes*len(items)); err != nil {
			return err
		}
		o := &made{items: make([]value, len(items)), names: make([][]byte, 0, len(items))}
		for i := range items {
			k := &o.items[i] // until the member takes its place
			if err := keys[i].run(m, k); err != nil {
				return err
			}
			if k.kind != text {
				return fault(keys[i].column, "%s as a member's name", k.kind)
			}
			name := m.bytes(k)
			if o.find(name) >= 0 {
				return fault(keys[i].column, "%s stands twice", source.Told{Value: "member " + source.Clip(name), Kind: "a member"})
			}
			o.names = append(o.names, name)
			if err := items[i].run(m, &o.items[i]); err != nil {
				return err
			}
		}
		*out = value{kind: object, made: o}
		return o.contain(x.column, o.items)
	}
	return c.fold(x, append(keys, items...)...)
}
