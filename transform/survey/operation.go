package survey

import (
	"encoding/json"
	"fmt"
)

// Operation is one operation of a suggestion.
type Operation struct {
	// Rule is the operation as rules have it, JSON text.
	Rule json.RawMessage `json:"rule"`
	// Why says what speaks for it, and how sure that is.
	Why string `json:"why"`
	// Open says that something of it must be decided first: it has no part in
	// the rule until then.
	Open bool `json:"open,omitzero"`
}

// operation makes an operation of its name and what stands behind it.
func operation(name string, arg any, why string, args ...any) Operation {
	text, err := json.Marshal(map[string]any{name: arg})
	if err != nil {
		panic("survey: an operation that is no JSON: " + err.Error()) // arg is made by this package
	}
	return Operation{Rule: text, Why: fmt.Sprintf(why, args...)}
}

// An orderedMap is a JSON object whose members keep their order.
type orderedMap struct{ keys, values []string }

func (m *orderedMap) add(key, value string) {
	m.keys, m.values = append(m.keys, key), append(m.values, value)
}

// MarshalJSON writes the members in their order.
func (m *orderedMap) MarshalJSON() ([]byte, error) {
	dst := []byte{'{'}
	for i := range m.keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendName(dst, []byte(m.keys[i]))
		dst = append(dst, ':')
		dst = appendName(dst, []byte(m.values[i]))
	}
	return append(dst, '}'), nil
}
