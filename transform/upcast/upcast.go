// Package upcast makes upcasters of declarative rules: an upcaster takes
// events of one type and schema version to the next by operations, one after
// the other, on a document tape, without building maps.
//
// Rules are a tree of Nodes, so that they can stand in YAML and JSON alike.
// The package does not read files, and does not run events through chains of
// rules: that is package transform's.
package upcast

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"backstory/transform"
)

// Options are what rules may use besides themselves.
type Options struct {
	// MaskKey is the key of the operation mask; nil where none is configured.
	// It is a secret: it has a part in fingerprints, and stands in no text.
	MaskKey []byte
}

// Set is compiled rules. It does not change and serves all windows at once.
type Set struct {
	options []transform.Option
	text    json.RawMessage
	rules   []*rule
	masks   bool
}

const listHint = "write a list of upcasters, each with event, from or at, and do"

// Compile checks rules, a list of them, and makes upcasters of them. It notes
// all problems at once, in the order of lines; failing examples are among
// them. The Set has the rules that are in order by themselves, so that their
// examples can be shown; where there are problems it is for nothing else.
func Compile(rules *Node, o Options) (*Set, []Problem) {
	c := &compiler{options: o}
	s := &Set{}
	switch {
	case rules == nil || rules.Kind == Null:
		return s, nil
	case rules.Kind != List:
		c.fail(rules, listHint, "want a list of upcasters, got %s", rules.Kind)
		return s, c.problems
	}
	var all []*rule
	for i := range rules.Values {
		if r := c.readRule(&rules.Values[i]); r != nil {
			c.compileRule(r)
			all = append(all, r)
		}
	}
	c.checkChains(all)
	s.take(all)
	c.checkExamples(s)
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s, c.problems
}

// take makes options and text of the rules that have an upcaster.
func (s *Set) take(rules []*rule) {
	text := []byte{'['}
	for _, r := range rules {
		u := r.upcaster
		if u == nil {
			continue
		}
		s.rules = append(s.rules, r)
		s.masks = s.masks || r.masks
		option := transform.WithUpcaster
		if r.repair {
			option = transform.WithRepair
		}
		s.options = append(s.options, option(r.event, r.version, u))
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = r.appendText(text)
	}
	if len(s.rules) > 0 {
		s.text = append(text, ']')
	}
}

// Options gives what transform.Compile needs to run the rules.
func (s *Set) Options() []transform.Option { return s.options }

// Text gives the rules as JSON, always written in one way, without what has
// no part in what comes out: examples and notes. It is nil where there are no
// rules, and holds no secret. Parse and Compile make the same upcasters of it.
func (s *Set) Text() json.RawMessage { return s.text }

// Masks tells whether a rule masks anything, with a key or without.
func (s *Set) Masks() bool { return s.masks }

// keyName tells mask keys apart, and does not tell what they are.
func keyName(key []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("backstory: name of this mask key"))
	return hex.EncodeToString(h.Sum(nil)[:8])
}
