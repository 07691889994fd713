package upcast

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"backstory/source"
)

// What rules are made of is read here: names, versions and keys.

// name reads the name of an event type, "" where it is none.
func (c *compiler) name(n *Node, hint string) string {
	if n.Kind != Text || strings.TrimSpace(n.Text) == "" {
		c.fail(n, hint, "want the name of an event type, got %s", n.describe())
		return ""
	}
	return n.Text
}

// schemaVersion reads a schema version, 0 where it is none.
func (c *compiler) schemaVersion(n *Node) int {
	v, err := strconv.ParseInt(n.Text, 10, 64)
	if n.Kind != Number || err != nil || v < 1 || v >= math.MaxInt32 {
		c.fail(n, "versions begin at 1, which is also that of events without one", "want a schema version, got %s", n.describe())
		return 0
	}
	return int(v)
}

// known notes keys of a map that are not among those known, and gives false
// where there are any.
func (c *compiler) known(n *Node, names ...string) bool {
	ok := true
	for i := range n.Keys {
		k := &n.Keys[i]
		if !slices.Contains(names, k.Text) {
			c.fail(k, suggest(k.Text, names), "unknown key %s", k.Text)
			ok = false
		}
	}
	return ok
}

// key is the key of a map's member; there is one.
func key(n *Node, name string) *Node {
	for i := range n.Keys {
		if n.Keys[i].Text == name {
			return &n.Keys[i]
		}
	}
	return n
}

// wellFormed notes what cannot be kept as JSON: numbers that it does not
// have, and keys that stand twice. It does not look below except.
func (c *compiler) wellFormed(n, except *Node) {
	if n.Kind == Number && !isJSONNumber(n.Text) {
		c.fail(n, "write it in plain decimal digits, or as text in quotes", "%s is no number that JSON has", source.Clip(n.Text))
	}
	seen := make(map[string]bool, len(n.Keys))
	for i := range n.Keys {
		k := &n.Keys[i]
		if seen[k.Text] {
			c.fail(k, "leave one of them out", "the key %s stands twice", source.Clip(k.Text))
		}
		seen[k.Text] = true
	}
	for i := range n.Values {
		if v := &n.Values[i]; v != except {
			c.wellFormed(v, except)
		}
	}
}
