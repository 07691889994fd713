package expression

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"

	"backstory/source"
	"backstory/transform"
)

// roots are the documents an expression reads.
var roots = []struct {
	name string
	at   func(*Env) (*transform.Document, transform.Value)
}{
	{"data", func(e *Env) (*transform.Document, transform.Value) { return e.Event.Data, e.Event.Data.Root() }},
	{"meta", func(e *Env) (*transform.Document, transform.Value) { return e.Event.Meta, e.Event.Meta.Root() }},
	{"it", func(e *Env) (*transform.Document, transform.Value) { return e.Doc, e.Root }},
}

// envelope is what an expression knows of the event besides its documents.
var envelope = []struct {
	name  string
	kinds kinds
	value func(*machine) value
}{
	{"position", 1 << integer, func(m *machine) value { return intValue(m.env.Event.Position.Seq) }},
	{"stream_id", texts, func(m *machine) value { return textValue(m.env.Event.Stream) }},
	{"stream_version", 1 << integer, func(m *machine) value { return intValue(m.env.Event.StreamVersion) }},
	{"event_id", texts | nothing, func(m *machine) value {
		if len(m.env.Event.ID) == 0 {
			return value{}
		}
		return textValue(m.env.Event.ID)
	}},
	{"event_type", texts, func(m *machine) value {
		start := len(m.scratch)
		m.scratch = append(m.scratch, m.env.Event.Type...)
		m.room -= len(m.env.Event.Type)
		return textValue(m.scratch[start:])
	}},
	{"schema_version", 1 << integer, func(m *machine) value { return intValue(int64(m.env.Event.SchemaVersion)) }},
	{"event_time", times | nothing, func(m *machine) value {
		if !m.env.Event.HasTime {
			return value{}
		}
		return value{kind: instant, num: m.env.Event.Micros}
	}},
}

func (c *compiler) name(n *ast.IdentifierNode) code {
	for i := len(c.scopes) - 1; i >= 0; i-- {
		if s := c.scopes[i]; s.name == n.Value {
			return slotCode(s.slot, s.kinds)
		}
	}
	for _, r := range roots {
		if r.name != n.Value {
			continue
		}
		if r.name == "it" && !c.inEach {
			return c.refuse(fault(columnOf(n), "it is known inside each only").advise("write data, and the path from there"))
		}
		return (&path{root: r.name, at: r.at}).code(columnOf(n))
	}
	for _, e := range envelope {
		if e.name == n.Value {
			get := e.value
			return code{kinds: e.kinds, run: func(m *machine, out *value) error {
				*out = get(m)
				return nil
			}}
		}
	}
	return c.unknown(columnOf(n), "name", n.Value, c.names())
}

// known tells whether a name means something already.
func (c *compiler) known(name string) bool {
	for _, n := range c.names() {
		if n == name {
			return true
		}
	}
	return functionNamed(name) != nil || passNamed(name) != nil
}

// names lists all that an expression may name here.
func (c *compiler) names() []string {
	var names []string
	for _, s := range c.scopes {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	for _, r := range roots {
		if r.name != "it" || c.inEach {
			names = append(names, r.name)
		}
	}
	for _, e := range envelope {
		names = append(names, e.name)
	}
	return names
}

// pointer compiles #, #index and #acc: the element a predicate is at.
func (c *compiler) pointer(n *ast.PointerNode) code {
	for i := len(c.scopes) - 1; i >= 0; i-- {
		s := c.scopes[i]
		if s.name != "" {
			continue
		}
		switch {
		case n.Name == "":
			return slotCode(s.slot, s.kinds)
		case n.Name == "index" && s.index >= 0:
			return slotCode(s.index, 1<<integer)
		case n.Name == "acc" && s.result >= 0:
			return slotCode(s.result, anything)
		}
		return c.fail(n, "unknown name #%s", n.Name)
	}
	return c.fail(n, "# is known inside all, filter, map and the like only")
}

func slotCode(slot int, k kinds) code {
	return code{kinds: k, run: func(m *machine, out *value) error {
		*out = m.slots[slot]
		return nil
	}}
}

// unknown refuses a name, and says which one is nearest.
func (c *compiler) unknown(column int, what, name string, have []string) code {
	if len(name) > 50 {
		have = nil // it is no slip of the pen
	}
	err := fault(column, "unknown %s %s", what, source.Clip(name))
	if _, ok := builtin.Index[name]; ok && what == "function" {
		return c.failAt(column, "function %s is not offered", name)
	}
	best, distance := "", 1+max(1, len(name)/3)
	for _, h := range have {
		if d := editDistance(name, h); d < distance {
			best, distance = h, d
		}
	}
	if best != "" {
		err.Advice = "did you mean " + best + "?"
	}
	return c.refuse(err)
}

// editDistance counts the letters to insert, delete or change (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0] // of the row above
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			change := left
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above+1, row[j]+1)
			left = above
		}
	}
	return row[len(b)]
}
