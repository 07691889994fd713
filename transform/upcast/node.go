package upcast

import (
	"fmt"

	"backstory/source"
)

// Kind is what a Node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota
	Bool
	Number // Text has the digits as they were written
	Text
	List
	Map
)

var kindNames = [...]string{"nothing", "true or false", "a number", "text", "a list", "keys with values"}

// String names the kind as messages do.
func (k Kind) String() string { return kindNames[k] }

// Node is a piece of a rule as its author wrote it: what YAML and JSON have in
// common, with the order of members and the digits of numbers kept. It is a
// tree and is not changed once it is made.
type Node struct {
	Kind Kind
	// Text is a scalar's text: true or false for a Bool.
	Text string
	// Keys are the members' names of a Map, which are Text, and Values what
	// stands behind them; of a List there are only Values.
	Keys, Values []Node
	// Line and Column are where the node begins in its file, from 1; 0 where
	// it comes from no file. A text begins with its first character, past the
	// quote.
	Line, Column int
}

// Member gives the value of a map's member, nil where there is none.
func (n *Node) Member(name string) *Node {
	for i := range n.Keys {
		if n.Keys[i].Text == name {
			return &n.Values[i]
		}
	}
	return nil
}

// describe says what a node is, for messages.
func (n *Node) describe() string {
	switch n.Kind {
	case Bool, Number:
		return source.Clip(n.Text)
	case Text:
		return fmt.Sprintf("%q", source.Clip(n.Text))
	case List:
		return fmt.Sprintf("a list of %d", len(n.Values))
	case Map:
		if len(n.Keys) == 1 {
			return "1 key"
		}
		return fmt.Sprintf("%d keys", len(n.Keys))
	}
	return n.Kind.String()
}
