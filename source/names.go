package source

import "strings"

// Names turns the type text a store keeps into the event type that
// Backstory shows. The zero Names keeps every text as it is.
type Names struct {
	// Topics says that the stored text is a Python topic, module:Qualified.Name,
	// of which the part after the colon is the event type.
	Topics bool `json:"topics,omitzero"`
	// Aliases maps a whole stored text, or a whole event type, to an event type.
	Aliases map[string]string `json:"aliases,omitzero"`
	// Prefixes replaces the start of a stored text; the longest that fits wins.
	Prefixes map[string]string `json:"prefixes,omitzero"`
}

// Name gives the event type for a stored type text.
func (n Names) Name(stored string) string {
	if to, ok := n.Aliases[stored]; ok {
		return to
	}
	name := n.replacePrefix(stored)
	if n.Topics {
		if _, after, ok := strings.Cut(name, ":"); ok {
			name = after
		}
	}
	if to, ok := n.Aliases[name]; ok {
		return to
	}
	return name
}

func (n Names) replacePrefix(stored string) string {
	longest := ""
	for p := range n.Prefixes {
		if len(p) > len(longest) && strings.HasPrefix(stored, p) {
			longest = p
		}
	}
	if longest == "" {
		return stored
	}
	return n.Prefixes[longest] + stored[len(longest):]
}

// NameCache remembers the event types of stored texts, so that naming an
// event allocates nothing. It is for one goroutine.
type NameCache struct {
	names Names
	known map[string]string
}

// NewNameCache makes an empty cache for n.
func NewNameCache(n Names) *NameCache {
	return &NameCache{names: n, known: make(map[string]string)}
}

// Name gives the event type for a stored type text, which it does not keep.
func (c *NameCache) Name(stored []byte) string {
	if name, ok := c.known[string(stored)]; ok {
		return name
	}
	s := string(stored)
	name := strings.Clone(c.names.Name(s))
	c.known[s] = name
	return name
}
