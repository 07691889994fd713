package expression

import (
	"sync"

	"backstory/transform"
)

// Options say what an expression may use and what it must give.
type Options struct {
	// Bool asks for an expression that gives a bool.
	Bool bool
	// InEach makes the name it known: the element that each: is at.
	InEach bool
}

// Env is what an expression is evaluated over. All of it is borrowed, and
// nothing of it is changed.
type Env struct {
	Event *transform.Envelope
	// Doc and Root are what it is, inside each; elsewhere they are not looked at.
	Doc  *transform.Document
	Root transform.Value
}

// Program is a compiled expression. Any number of goroutines may evaluate it
// at the same time.
type Program struct {
	text   string
	code   code
	fields []string
	slots  int // how many variables and elements it keeps
	rounds int // how many passes over lists it has

	machines sync.Pool // of *machine
}

// Compile reads an expression, checks it as far as kinds of values are known
// before there is an event, and works out what is constant. The error is an
// *Error.
func Compile(text string, o Options) (*Program, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &compiler{text: text, inEach: o.InEach}
	p := &Program{text: text, code: c.node(root)}
	if c.err != nil {
		return nil, c.err
	}
	if !c.gives(root, p.code, o.Bool) {
		return nil, c.err
	}
	p.fields, p.slots, p.rounds = c.fields, c.slots, c.rounds
	return p, nil
}

// Text is the expression as it was written.
func (p *Program) Text() string { return p.text }

// Fields gives the paths that the expression reads, each once, such as
// data.customer.name, data.lines[0].sku, meta."odd name" or it.
func (p *Program) Fields() []string { return p.fields }

// Bool evaluates an expression that gives a bool. The error is an *Error: the
// event is not one the expression can be evaluated over.
func (p *Program) Bool(env *Env) (bool, error) {
	m := p.machine(env)
	defer p.machines.Put(m)
	defer m.clear()
	v := &m.result
	if err := p.code.run(m, v); err != nil {
		return false, err
	}
	if v.kind != boolean {
		return false, fault(p.code.column, "gives %s, want a bool", v.kind)
	}
	return v.num != 0, nil
}

// Value evaluates the expression and makes its result a new value of into,
// which is in no object yet. A value that the expression only passes on keeps
// its digits and its kind. The error is an *Error, and into has then nothing
// that is in use.
func (p *Program) Value(env *Env, into *transform.Document) (transform.Value, error) {
	m := p.machine(env)
	defer p.machines.Put(m)
	defer m.clear()
	if err := p.code.run(m, &m.result); err != nil {
		return transform.None, err
	}
	if v := &m.result; v.doc != nil && (v.kind == list || v.kind == object) {
		// A document may hold copies of itself, which double it.
		if err := m.weigh(p.code.column, v); err != nil {
			return transform.None, err
		}
	}
	return m.store(p.code.column, &m.result, into)
}

func (p *Program) machine(env *Env) *machine {
	m, ok := p.machines.Get().(*machine)
	if !ok {
		m = &machine{slots: make([]value, p.slots), rounds: make([]round, p.rounds)}
	}
	m.begin(env)
	return m
}
