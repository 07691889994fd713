package expression

import (
	"github.com/expr-lang/expr/ast"
)

// pass is a function that evaluates an expression for each element of a list,
// or for the value of each member of an object.
type pass struct {
	name string
	// bool says that the expression must give a bool, optional that it may be
	// left out, and the element itself is taken.
	bool, optional bool
	result         kinds
	// start is the result of an empty list.
	start value
	// next changes the result by what the expression gave for an element, and
	// tells whether to stop there.
	next func(r *round, element, given *value) (stop bool, err error)
}

// round is one evaluation of a pass.
type round struct {
	m      *machine
	column int
	index  int // of the element
	items  []value
	result value
}

// passes lists them.
var passes = []pass{
	{"all", true, false, bools, boolValue(true), func(r *round, _, given *value) (bool, error) {
		r.result = boolValue(given.num != 0)
		return given.num == 0, nil
	}},
	{"any", true, false, bools, boolValue(false), func(r *round, _, given *value) (bool, error) {
		r.result = boolValue(given.num != 0)
		return given.num != 0, nil
	}},
	{"none", true, false, bools, boolValue(true), func(r *round, _, given *value) (bool, error) {
		r.result = boolValue(given.num == 0)
		return given.num != 0, nil
	}},
	{"one", true, false, bools, boolValue(false), func(r *round, element, given *value) (bool, error) {
		if given.num == 0 {
			return false, nil
		}
		r.items = append(r.items, *element)
		r.result = boolValue(len(r.items) == 1)
		return len(r.items) > 1, nil
	}},
	{"count", true, true, 1 << integer, intValue(0), func(r *round, _, given *value) (bool, error) {
		r.result.num += given.num
		return false, nil
	}},
	{"find", true, false, anything, value{}, func(r *round, element, given *value) (bool, error) {
		if given.num != 0 {
			r.result = *element
		}
		return given.num != 0, nil
	}},
	{"findIndex", true, false, 1<<integer | nothing, value{}, func(r *round, _, given *value) (bool, error) {
		if given.num != 0 {
			r.result = intValue(int64(r.index))
		}
		return given.num != 0, nil
	}},
	{"filter", true, false, lists, value{kind: list, made: &made{}}, func(r *round, element, given *value) (bool, error) {
		if given.num == 0 {
			return false, nil
		}
		return false, r.keep(element)
	}},
	{"map", false, false, lists, value{kind: list, made: &made{}}, func(r *round, _, given *value) (bool, error) {
		return false, r.keep(given)
	}},
	{"sum", false, true, numbers | spans, intValue(0), func(r *round, _, given *value) (bool, error) {
		if !(numbers | spans).has(given.kind) {
			return false, fault(r.column, "sum of %s, want numbers", given.kind)
		}
		if r.index == 0 {
			r.result = *given
			return false, nil
		}
		return false, add(r.m, r.column, plus, &r.result, given, &r.result)
	}},
	{"reduce", false, false, anything, value{}, func(r *round, _, given *value) (bool, error) {
		r.result = *given
		return false, nil
	}},
}

// keep adds an element to the list that is the result.
func (r *round) keep(v *value) error {
	if err := r.m.take(r.column, valueBytes); err != nil {
		return err
	}
	if len(r.items) == 0 {
		r.result = value{kind: list, made: &made{}}
	}
	r.items = append(r.items, *v)
	r.result.made.items = r.items
	return r.result.made.contain(r.column, r.items[len(r.items)-1:])
}

func passNamed(name string) *pass {
	for i := range passes {
		if passes[i].name == name {
			return &passes[i]
		}
	}
	return nil
}

// pass compiles all(list, expression) and its like.
func (c *compiler) pass(n ast.Node, f *pass, args []ast.Node) code {
	over := c.node(args[0])
	if over.kinds&(lists|objects) == 0 {
		return c.failAt(over.column, "%s of %s, want a list or object", f.name, over.kinds)
	}
	s := scope{slot: c.slot(), index: c.slot(), result: -1, kinds: anything}
	if f.name == "reduce" {
		s.result = c.slot()
	}
	x := code{kinds: f.result, column: columnOf(n), cost: over.cost}
	var body, start code
	if len(args) > 1 {
		c.scopes = append(c.scopes, s)
		body = c.predicate(f, args[1].(*ast.PredicateNode).Node)
		c.scopes = c.scopes[:len(c.scopes)-1]
	} else {
		body = c.asked(f, slotCode(s.slot, anything), x.column)
	}
	if len(args) > 2 {
		start = c.node(args[2])
	}
	x.cost += start.cost + body.cost
	place, given := c.rounds, c.slot()
	c.rounds++
	x.run = func(m *machine, out *value) error {
		if err := over.run(m, out); err != nil {
			return err
		}
		if out.kind != list && out.kind != object {
			return notList(x.column, f.name, out)
		}
		r := &m.rounds[place]
		*r = round{m: m, column: x.column, result: f.start}
		items := elements(out)
		if f.name == "reduce" {
			if start.run == nil {
				items.next(&r.result)
			} else if err := start.run(m, &r.result); err != nil {
				return err
			}
		}
		item, given := &m.slots[s.slot], &m.slots[given]
		for items.next(item) {
			if err := m.spend(x.column, body.cost+1); err != nil {
				return err
			}
			m.slots[s.index].setInt(int64(r.index))
			if s.result >= 0 {
				m.slots[s.result] = r.result
			}
			if err := body.run(m, given); err != nil {
				return err
			}
			stop, err := f.next(r, item, given)
			if err != nil {
				return err
			}
			if stop {
				break
			}
			r.index++
		}
		*out = r.result
		return nil
	}
	return x
}

func notList(column int, name string, v *value) *Error {
	err := fault(column, "%s of %s, want a list or object", name, v.kind)
	if v.kind == null {
		err.Advice = "write ?? [] behind a list that may be absent"
	}
	return err
}

// predicate compiles what a pass evaluates for each element.
func (c *compiler) predicate(f *pass, n ast.Node) code {
	if f.bool {
		return c.condition(n)
	}
	return c.node(n)
}

// asked makes sure that an element that is taken itself is a bool where the
// pass wants one.
func (c *compiler) asked(f *pass, x code, column int) code {
	if !f.bool {
		return x
	}
	run := x.run
	x.run = func(m *machine, out *value) error {
		err := run(m, out)
		if err == nil && out.kind != boolean {
			err = notBool(column, out)
		}
		return err
	}
	return x
}
