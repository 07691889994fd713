package upcast

import (
	"cmp"
	"slices"
	"strconv"

	"backstory/transform/expression"
)

// A rule is one entry of the rules on its way to an upcaster:
//
//	event: Cart.ItemAdded
//	from: 1            # a step to version 2; or at: 1, a repair that leaves the version
//	when: EXPRESSION   # in a repair only: which events it mends
//	do: [...]          # operations; [] in a step for a version that differs in nothing
//	strict: true       # optional: fields that operations work on must be there
//	examples: [...]    # optional: see example
//	note: TEXT         # optional: for those who come after
type rule struct {
	node    *Node
	event   string
	version int
	repair  bool
	when    *Node // nil in a step
	do      *Node
	strict  bool // operations want their fields in events
	proven  bool // and in examples
	masks   bool // an operation is mask
	// retyped is what retype says, nil without; parts is what split says.
	retyped *outcome
	parts   []outcome
	// reads are the fields that a strict rule reads, expressions those of
	// each expression.
	reads       []*read
	expressions map[*expression.Program][]*read
	examples    []example
	upcaster    *upcaster // nil where the rule has problems
}

// An outcome is what an event becomes: "" and 0 where a rule does not say.
type outcome struct {
	event   string
	version int
	node    *Node
}

func (r *rule) String() string { return ruleName(r.event, r.version, r.repair) }

// outcomes are the types and versions that events have after the rule, but
// for those of a repair that only go on with the next.
func (r *rule) outcomes() []outcome {
	whole := outcome{node: r.node}
	if r.retyped != nil {
		whole = *r.retyped
	}
	parts := r.parts
	if parts == nil {
		parts = []outcome{{node: whole.node}}
	}
	var all []outcome
	for _, o := range parts {
		o.event = cmp.Or(o.event, whole.event, r.event)
		o.version = cmp.Or(o.version, whole.version)
		switch {
		case o.version > 0:
		case !r.repair:
			o.version = r.version + 1
		case o.event != r.event:
			o.version = r.version
		default:
			continue
		}
		all = append(all, o)
	}
	return all
}

// targets are the event types that the rule names.
func (r *rule) targets() []string {
	var all []string
	for _, o := range r.outcomes() {
		if o.event != r.event && !slices.Contains(all, o.event) {
			all = append(all, o.event)
		}
	}
	return all
}

const ruleHint = "write - event: NAME, from: N (or at: N, with when), and do: [...]"

// readRule reads one entry, and gives nil where it cannot even be told what it is
// about.
func (c *compiler) readRule(n *Node) *rule {
	if n.Kind != Map || len(n.Keys) == 0 {
		c.fail(n, ruleHint, "want an upcaster with keys, got %s", n.describe())
		return nil
	}
	c.known(n, "event", "from", "at", "when", "do", "examples", "strict", "note")
	r := &rule{node: n, when: n.Member("when"), do: n.Member("do"), expressions: make(map[*expression.Program][]*read)}
	if event := n.Member("event"); event != nil {
		r.event = c.name(event, "write event: NAME, as the store's types are named")
	} else {
		c.fail(n, ruleHint, "an upcaster wants an event type under event")
	}
	from, at := n.Member("from"), n.Member("at")
	switch {
	case from != nil && at != nil:
		c.fail(at, "from: N takes events to the next version, at: N repairs them and leaves the version", "want either from or at, got both")
	case from != nil:
		r.version = c.schemaVersion(from)
	case at != nil:
		r.repair, r.version = true, c.schemaVersion(at)
	default:
		c.fail(n, ruleHint, "an upcaster wants a schema version under from or at")
	}
	switch {
	case r.repair && r.when == nil:
		c.fail(n, "write when: EXPRESSION, which is true of the events to repair; for all of them: when: true", "a repair wants to know under when which events it mends")
	case !r.repair && r.when != nil:
		c.fail(key(n, "when"), "write at: N for a repair, or discard: EXPRESSION among the operations", "when has no place in a step: it takes all events from its version")
	}
	if strict := n.Member("strict"); strict != nil {
		r.strict, r.proven = c.strictness(strict)
	}
	if note := n.Member("note"); note != nil && note.Kind != Text {
		c.fail(note, "write a text for those who come after", "want a text, got %s", note.Kind)
	}
	if r.do == nil {
		c.fail(n, "write do: [] for a version that differs in nothing", "an upcaster wants its operations under do")
	}
	if r.event == "" || r.version == 0 {
		return nil
	}
	return r
}

// strictness reads whether operations want their fields in events, and
// whether in examples too. Load, which is for events only, is what is left of
// true in a rule without its examples.
func (c *compiler) strictness(n *Node) (strict, proven bool) {
	switch {
	case n.Kind == Bool:
		return n.Text == "true", n.Text == "true"
	case n.Kind == Text && n.Text == "load":
		return true, false
	}
	c.fail(n, "write strict: true", "want true, false or load, got %s", n.describe())
	return false, false
}

// compileRule makes the rule's upcaster. Where there are problems it leaves
// it without one.
func (c *compiler) compileRule(r *rule) {
	before := len(c.problems)
	examples := r.node.Member("examples")
	c.wellFormed(r.node, examples)
	c.rule, c.strict, c.masks = r, r.strict, false
	u := &upcaster{event: r.event, version: r.version, repair: r.repair}
	if r.when != nil && r.repair {
		u.when = c.condition(r.when)
	}
	if r.do != nil {
		u.steps, u.names = c.operations(r.do), operationNames(r.do)
		if r.do.Kind == List && len(r.do.Values) == 0 && r.repair {
			c.fail(r.do, operationsHint, "a repair without operations mends nothing")
		}
	}
	sound := r.do != nil && len(c.problems) == before
	if examples != nil {
		readable := len(c.problems)
		r.examples = c.readExamples(examples)
		r.proven = r.proven && len(c.problems) == readable
	}
	if !sound {
		return
	}
	u.targets = r.targets()
	u.text = string(r.appendText(nil))
	if r.masks = c.masks; r.masks {
		u.text += " masked by " + keyName(c.options.MaskKey)
	}
	r.upcaster = u
}

// appendText appends the rule as JSON: its keys in one order, without what
// has no part in the outcome.
func (r *rule) appendText(dst []byte) []byte {
	dst = appendText(append(dst, `{"event":`...), r.event)
	if r.repair {
		dst = append(dst, `,"at":`...)
	} else {
		dst = append(dst, `,"from":`...)
	}
	dst = strconv.AppendInt(dst, int64(r.version), 10)
	if r.when != nil {
		dst = r.when.appendJSON(append(dst, `,"when":`...))
	}
	if r.strict {
		dst = append(dst, `,"strict":"load"`...)
	}
	dst = r.do.appendJSON(append(dst, `,"do":`...))
	return append(dst, '}')
}

// operationNames gives the keys of a list of operations.
func operationNames(list *Node) []string {
	var names []string
	for _, n := range list.Values {
		if len(n.Keys) > 0 {
			names = append(names, n.Keys[0].Text)
		}
	}
	return names
}
