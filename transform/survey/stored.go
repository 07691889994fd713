package survey

import (
	"encoding/json"

	"backstory/transform"
)

// What examples of payloads may take: each, and all, in bytes; and of how many
// shapes of a type and version there are some.
const (
	maxExample    = 4 << 10
	maxExamples   = 1 << 20
	shapeExamples = 8
)

// keepExample keeps the payload of a new shape, without what stands in the
// envelope.
func (s *Survey) keepExample(g *group, sh *shape, d *transform.Document) {
	text := appendStored(nil, g.data.root, d, d.Root())
	if len(text) <= maxExample && s.examples+len(text) <= maxExamples {
		sh.example = text
		s.examples += len(text)
	}
}

// limitExamples lets go of the examples that are too many after a merge.
func (s *Survey) limitExamples() {
	s.examples = 0
	for _, t := range s.order {
		for _, g := range t.groups {
			for i, sh := range g.data.order {
				if i >= shapeExamples || s.examples+len(sh.example) > maxExamples {
					sh.example = nil
				}
				s.examples += len(sh.example)
			}
		}
	}
}

// appendName appends a member's name as a JSON string.
func appendName(dst, name []byte) []byte {
	text, _ := json.Marshal(string(name)) // strings can always be marshalled
	return append(dst, text...)
}

// appendStored appends a value as JSON text, but for members that stand in
// the envelope.
func appendStored(dst []byte, m *member, d *transform.Document, v transform.Value) []byte {
	if d.Kind(v) != transform.ValueObject || m == nil {
		return d.AppendJSON(dst, v)
	}
	dst = append(dst, '{')
	first, hint := true, 0
	for c := d.First(v); c != transform.None; c = d.Next(c) {
		below := m.find(d.Name(c), &hint)
		if below != nil && below.lifted {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = appendName(dst, d.Name(c))
		dst = append(dst, ':')
		dst = appendStored(dst, below, d, c)
	}
	return append(dst, '}')
}
