package transform

import (
	"cmp"
	"slices"
	"strings"

	"backstory/source"
)

// Contract says what becomes of members that are new and of values that fit
// no column, once the tables were first made.
type Contract string

// The contracts.
const (
	// ContractEvolve gives what is new a column, as NewFields says, and keeps
	// what does not fit in _extra.
	ContractEvolve Contract = "evolve"
	// ContractFreeze keeps both in _extra; a new event type gets a table of
	// the envelope and _extra.
	ContractFreeze Contract = "freeze"
	// ContractQuarantine takes both for an error of the event, and an event
	// of a new type too.
	ContractQuarantine Contract = "quarantine"
)

// NewFields says how members are kept that are met after the tables were
// first made.
type NewFields string

// The ways to keep new members.
const (
	NewAsColumn NewFields = "column" // as columns of their own, or fields of structs
	NewInExtra  NewFields = "extra"  // in _extra
	// NewMasked keeps them as columns of masked text, one a member, whole:
	// nobody has said yet whether they are personal. For the same reason all
	// that goes to _extra is masked, and structs get no new fields.
	NewMasked NewFields = "mask"
)

// newness is what becomes of something new, from the loosest to the strictest.
type newness uint8

const (
	asColumn newness = iota
	asMasked
	inExtra
	refused // what does not fit is refused too
)

// newness is what a contract makes of what is new.
func (c *Catalog) newness(contract Contract) newness {
	switch {
	case !c.made:
		return asColumn
	case contract == ContractFreeze:
		return inExtra
	case contract == ContractQuarantine:
		return refused
	case c.options.NewFields == NewInExtra:
		return inExtra
	case c.options.NewFields == NewMasked:
		return asMasked
	}
	return asColumn
}

// contractOf is the contract of an event type's tables.
func (o *Options) contractOf(event string) Contract {
	if c := o.Contracts[event]; c != "" {
		return c
	}
	return o.Contract
}

// A policy is what becomes of what is new in a table, by path. Flattening and
// the making of columns both ask it, so that they agree. An object that a
// contract names a member of is always taken apart.
type policy struct{ data, meta policyNode }

// A policyNode is a path that a contract names, or one above such a path.
type policyNode struct {
	newness newness // of the path, and of those below that have no node
	members map[string]*policyNode
}

// policy makes that of the table of an event type and exploded list.
func (c *Catalog) policy(event string, explode []string) *policy {
	p := c.options.policy(event, c.newness)
	if explode != nil {
		p.data = *p.data.add(explode)
	}
	return p
}

func (o *Options) policy(event string, newness func(Contract) newness) *policy {
	p := &policy{}
	p.data.newness = newness(o.contractOf(event))
	p.meta.newness = p.data.newness
	for _, cc := range o.columnContracts(event) {
		root := &p.data
		if cc.path.Meta {
			root = &p.meta
		}
		root.add(cc.path.Names).newness = newness(cc.contract)
	}
	return p
}

// refuses tells whether events of a type that has no table are errors. A type
// with a frozen table is not new: it only has not turned up yet.
func (c *Catalog) refuses(event string) bool {
	return c.made && c.options.contractOf(event) == ContractQuarantine &&
		!slices.ContainsFunc(c.options.Frozen, func(t *Table) bool { return t.Event == event })
}

type columnContract struct {
	path     source.Path
	contract Contract
}

// columnContracts are the contracts of the columns of an event type, what is
// above before what is below it.
func (o *Options) columnContracts(event string) []columnContract {
	var all []columnContract
	for text, contract := range o.ColumnContracts[event] {
		if contract != "" {
			all = append(all, columnContract{contractPath(text), contract})
		}
	}
	slices.SortFunc(all, func(a, b columnContract) int {
		return cmp.Or(len(a.path.Names)-len(b.path.Names), strings.Compare(placeText(a.path), placeText(b.path)))
	})
	return all
}

// contractPath takes apart the path of a column's contract. A payload's own
// member called meta is reached by data.meta.
func contractPath(text string) source.Path {
	if rest, ok := strings.CutPrefix(text, "meta."); ok {
		return source.Path{Meta: true, Names: strings.Split(rest, ".")}
	}
	if rest, ok := strings.CutPrefix(text, "data."); ok && (rest == "meta" || strings.HasPrefix(rest, "meta.")) {
		text = rest
	}
	return source.Path{Names: strings.Split(text, ".")}
}

// add gives the node of a path, which it makes if there is none.
func (n *policyNode) add(path []string) *policyNode {
	for _, name := range path {
		next := n.members[name]
		if next == nil {
			if n.members == nil {
				n.members = make(map[string]*policyNode)
			}
			next = &policyNode{newness: n.newness}
			n.members[name] = next
		}
		n = next
	}
	return n
}

// member gives the node of a member, nil where there is none.
func (n *policyNode) member(name string) *policyNode {
	if n == nil {
		return nil
	}
	return n.members[name]
}

// at gives what becomes of what is new at a path.
func at[S ~string | ~[]byte](n *policyNode, path []S) newness {
	for _, name := range path {
		next := n.members[string(name)]
		if next == nil {
			break
		}
		n = next
	}
	return n.newness
}

// within gives the strictest of what becomes of what is new at a path and
// below it.
func within[S ~string | ~[]byte](n *policyNode, path []S) newness {
	for _, name := range path {
		next := n.members[string(name)]
		if next == nil {
			return n.newness
		}
		n = next
	}
	return n.strictest()
}

func (n *policyNode) strictest() newness {
	s := n.newness
	for _, m := range n.members {
		s = max(s, m.strictest())
	}
	return s
}

// above calls do with each path above one that a contract names.
func (n *policyNode) above(path []string, do func([]string)) {
	if len(n.members) > 0 && len(path) > 0 {
		do(path)
	}
	for name, m := range n.members {
		m.above(append(path[:len(path):len(path)], name), do)
	}
}

// FixesColumns tells whether what is not seen when the tables are first made
// may never get a column: then that must be made of the whole history.
func (p *Pipeline) FixesColumns() bool {
	o := p.rules.Options
	fixed := func(c Contract) bool { return c == ContractFreeze || c == ContractQuarantine }
	for _, c := range o.Contracts {
		if fixed(c) {
			return true
		}
	}
	for _, paths := range o.ColumnContracts {
		for _, c := range paths {
			if fixed(c) {
				return true
			}
		}
	}
	return fixed(o.Contract) || o.NewFields == NewInExtra || o.NewFields == NewMasked
}
