package upcast

import (
	"backstory/source"
)

// What stands behind the keys of most operations is read here.

// each calls fn for each key of a map and its value. It gives false, and notes
// it, if n is no map or has no keys, and false if fn does.
func (c *compiler) each(n *Node, hint string, fn func(key, value *Node) bool) bool {
	if n.Kind != Map || len(n.Keys) == 0 {
		c.fail(n, hint, "want paths with values, got %s", n.describe())
		return false
	}
	ok := true
	for i := range n.Keys {
		ok = fn(&n.Keys[i], &n.Values[i]) && ok
	}
	return ok
}

// paths reads a list of paths, each by the function read.
func (c *compiler) paths(n *Node, hint string, read func(*Node) (path, bool)) (all []path, ok bool) {
	if n.Kind != List || len(n.Values) == 0 {
		c.fail(n, hint, "want a list of paths, got %s", n.describe())
		return nil, false
	}
	ok = true
	for i := range n.Values {
		p, is := read(&n.Values[i])
		all, ok = append(all, p), ok && is
	}
	return all, ok
}

// newName reads a name that is no path: bare, or in quotes as paths have it.
func (c *compiler) newName(n *Node, hint string) (string, bool) {
	if n.Kind != Text && n.Kind != Number && n.Kind != Bool {
		c.fail(n, hint, "want a name, got %s", n.describe())
		return "", false
	}
	name, end, _, err := parseName(n.Text, 0)
	if err != nil || end < len(n.Text) {
		c.fail(n, hint+`; an odd name stands in quotes: "a.b"`, "want a name, got %q", source.Clip(n.Text))
		return "", false
	}
	return name, true
}
