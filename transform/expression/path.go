package expression

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"backstory/source"
	"backstory/transform"
)

// path is a way into a document that is known when an expression is compiled:
// it is followed on the tape in one go.
type path struct {
	root  string // data, meta or it
	at    func(*Env) (*transform.Document, transform.Value)
	links []link
}

// link is one step of a path: a member's name, or an element's place.
type link struct {
	name   string
	place  int // from 0, or from -1 at the end
	isList bool
	column int
	// computed says that name or place is a value that an expression gave.
	computed bool
}

// code reads what a path leads to.
func (p *path) code(column int) code {
	at := p.at
	x := code{kinds: stored, path: p, column: column}
	if len(p.links) == 0 {
		x.run = func(m *machine, out *value) error {
			d, v := at(m.env)
			out.load(d, v)
			return nil
		}
		return x
	}
	x.run = func(m *machine, out *value) error {
		d, v := at(m.env)
		return p.follow(m, d, v, out)
	}
	return x
}

// follow goes the path from v on. What is not there, and null, is nil, and so
// is all below it; but a scalar, or a list where an object is wanted, is an
// error.
func (p *path) follow(m *machine, d *transform.Document, v transform.Value, out *value) error {
	for i := range p.links {
		if v == transform.None {
			break
		}
		l := &p.links[i]
		switch k := d.Kind(v); {
		case k == transform.ValueObject && !l.isList:
			v = d.First(v)
			for v != transform.None && string(d.Name(v)) != l.name {
				v = d.Next(v)
				m.steps--
			}
		case k == transform.ValueArray && l.isList:
			v = element(m, d, v, int64(l.place))
		case k == transform.ValueNull:
			v = transform.None
		default:
			return wrongKind(l, p.text(i), kindOf(k))
		}
	}
	if m.steps < 0 {
		return m.spend(p.links[0].column, 0)
	}
	out.load(d, v)
	return nil
}

// element gives the element of a list at a place, from 0 or from -1 at the
// end, None where there is none.
func element(m *machine, d *transform.Document, v transform.Value, place int64) transform.Value {
	if place < 0 {
		for e := d.First(v); e != transform.None; e = d.Next(e) {
			place++
			m.steps--
		}
		if place < 0 {
			return transform.None
		}
	}
	e := d.First(v)
	for ; place > 0 && e != transform.None; place-- {
		e = d.Next(e)
		m.steps--
	}
	return e
}

// wrongKind is a path that meets a value it cannot go through. where says how
// far it came.
func wrongKind(l *link, where string, k kind) *Error {
	missing := source.Told{Value: "member " + source.Clip(l.name), Kind: "such member"}
	if l.isList {
		missing = source.Told{Value: "element " + strconv.Itoa(l.place), Kind: "such element"}
	}
	if !l.computed {
		missing.Kind = missing.Value // the rule says it
	}
	err := fault(l.column, "path meets the wrong kind: %s is %s and has no %s", where, k, missing)
	if !l.isList && !l.computed && k == list && isName(l.name) {
		err.Advice = "write [0] behind it for its first element, or map(" + where + ", ." + l.name + ") for all of them"
	}
	return err
}

// text writes the first links of a path as config does.
func (p *path) text(links int) string {
	var b strings.Builder
	b.WriteString(p.root)
	for _, l := range p.links[:links] {
		switch {
		case l.isList:
			b.WriteString("[" + strconv.Itoa(l.place) + "]")
		case isName(l.name):
			b.WriteString("." + l.name)
		default:
			b.WriteString("." + strconv.Quote(l.name))
		}
	}
	return b.String()
}

// isName tells whether a member's name needs no quotes in a path.
func isName(s string) bool {
	for i, r := range s {
		if r != '_' && (r|0x20 < 'a' || r|0x20 > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// member compiles x.name, x["name"], x[1] and x[expression].
func (c *compiler) member(n *ast.MemberNode) code {
	if _, ok := n.Node.(*ast.IdentifierNode); ok && n.Method {
		return c.fail(n, "this is no function")
	}
	base := c.reading(n.Node)
	key := c.node(n.Property)
	switch {
	case key.kinds&(texts|1<<integer) == 0:
		return c.failAt(key.column, "%s as a member's name or place", key.kinds)
	case base.kinds&(objects|lists|nothing) == 0:
		return c.fail(n, "%s has no members", base.kinds)
	case key.fixed == nil || key.fixed.kind == integer && key.fixed.num != int64(int32(key.fixed.num)):
		c.note(base)
		return c.memberAt(n, base, key)
	}
	l := link{column: key.column}
	if key.fixed.kind == integer {
		l.place, l.isList = int(key.fixed.num), true
	} else {
		l.name = string(key.fixed.text)
	}
	if base.path != nil {
		p := &path{root: base.path.root, at: base.path.at, links: append(slices.Clone(base.path.links), l)}
		x := p.code(columnOf(n))
		x.cost = base.cost
		return x
	}
	return c.memberOf(n, base, l)
}

// reading compiles a part without noting the path it is, which may go on.
func (c *compiler) reading(n ast.Node) code {
	fields := len(c.fields)
	x := c.node(n)
	if x.path != nil {
		c.fields = c.fields[:fields]
	}
	return x
}

// note keeps a path that ends here among the fields that are read.
func (c *compiler) note(x code) {
	if x.path == nil {
		return
	}
	if field := x.path.text(len(x.path.links)); !slices.Contains(c.fields, field) {
		c.fields = append(c.fields, field)
	}
}

// memberOf is the member or element, known by now, of any value.
func (c *compiler) memberOf(n *ast.MemberNode, base code, l link) code {
	p := &path{root: label(n.Node), links: []link{l}}
	return code{kinds: anything, cost: base.cost, run: func(m *machine, out *value) (err error) {
		if err := base.run(m, out); err != nil {
			return err
		}
		if out.doc != nil {
			return p.follow(m, out.doc, out.ref, out)
		}
		*out, err = out.get(&l, p.root)
		return err
	}}
}

// memberAt is the member or element that an expression names, of any value.
func (c *compiler) memberAt(n *ast.MemberNode, base, key code) code {
	where := label(n.Node)
	place := c.room(2)
	return code{kinds: anything, cost: base.cost + key.cost, run: func(m *machine, out *value) error {
		v, k := &m.slots[place], &m.slots[place+1]
		if err := base.run(m, v); err != nil {
			return err
		}
		if err := key.run(m, k); err != nil {
			return err
		}
		return m.get(key.column, v, k, where, out)
	}}
}

// get is the member or element k of v.
func (m *machine) get(column int, v, k *value, where string, out *value) (err error) {
	l := link{column: column, computed: true}
	switch k.kind {
	case text:
		l.name = string(m.bytes(k))
	case integer:
		l.isList = true
		place, ok := k.int()
		if !ok || place != int64(int32(place)) {
			*out = value{} // no list is as long
			return nil
		}
		l.place = int(place)
	default:
		return fault(column, "%s as a member's name or place", k.kind)
	}
	if v.doc != nil {
		p := path{root: where, links: []link{l}}
		return p.follow(m, v.doc, v.ref, out)
	}
	*out, err = v.get(&l, where)
	return err
}

// label is what messages call a part of an expression.
func label(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.PointerNode:
		return "#" + n.Name
	case *ast.ChainNode:
		return label(n.Node)
	case *ast.MemberNode:
		if name, ok := n.Property.(*ast.StringNode); ok && isName(name.Value) {
			return label(n.Node) + "." + name.Value
		}
	}
	return "this"
}

// get is the member or element of a value that may have been made.
func (v *value) get(l *link, where string) (value, error) {
	switch {
	case v.kind == null:
		return value{}, nil
	case v.kind == object && !l.isList && v.made != nil:
		if i := v.made.find([]byte(l.name)); i >= 0 {
			return v.made.items[i], nil
		}
		return value{}, nil
	case v.kind == list && l.isList && v.made != nil:
		i := l.place
		if i < 0 {
			i += v.made.len()
		}
		if i < 0 || i >= v.made.len() {
			return value{}, nil
		}
		return v.made.at(i), nil
	}
	return value{}, wrongKind(l, where, v.kind)
}

// find gives the place of an object's member, -1 where there is none.
func (x *made) find(name []byte) int {
	return slices.IndexFunc(x.names, func(n []byte) bool { return string(n) == string(name) })
}
