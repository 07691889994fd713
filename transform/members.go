package transform

import (
	"errors"
	"strconv"

	"backstory/source"
)

// parseName reads a member name and its colon and gives the place where the
// value begins.
func (d *Document) parseName(src []byte, i int) (text, int, error) {
	if i >= len(src) || src[i] != '"' {
		return text{}, i, syntaxError(i, "want a member name in quotes")
	}
	start := i
	t, i, err := d.parseString(src, i)
	if err != nil {
		return text{}, i, err
	}
	var name []byte
	if t.flags == 0 {
		name = src[t.off:t.end]
	} else {
		name = d.aux[t.off:t.end]
		t.flags = nameInAux
	}
	if err := d.noteName(name); err != nil {
		return text{}, i, &SyntaxError{start, err}
	}
	i = skipSpace(src, i)
	if i >= len(src) || src[i] != ':' {
		return text{}, i, syntaxError(i, "want a colon after a member name")
	}
	return t, skipSpace(src, i+1), nil
}

// manyMembers is the number of members from which an object's names are
// compared by a map once, not each with its elders.
const manyMembers = 48

var errTwice = errors.New("stands twice in an object")

func twice(name []byte) error {
	return source.Telling("the name %s %w", source.Told{Value: strconv.Quote(string(name)), Kind: "of a member"}, errTwice)
}

// noteName refuses a name the innermost open object already holds. The bloom
// bit spares most names the comparison.
func (d *Document) noteName(name []byte) error {
	o := &d.open[len(d.open)-1]
	h := uint32(len(name))
	if n := len(name); n > 0 {
		h += uint32(name[0])<<24 | uint32(name[n-1])<<16 | uint32(name[n/2])<<8
	}
	bit := uint64(1) << (h * 0x9e3779b1 >> 26) // Fibonacci hashing to 6 bits
	if o.bloom&bit != 0 && o.count <= manyMembers {
		for c := d.nodes[o.value].first; c != None; c = d.nodes[c].next {
			if string(d.Name(c)) == string(name) {
				return twice(name)
			}
		}
	}
	o.bloom |= bit
	return nil
}

func (d *Document) checkManyNames(object Value) error {
	seen := make(map[string]struct{})
	for c := d.nodes[object].first; c != None; c = d.nodes[c].next {
		if _, ok := seen[string(d.Name(c))]; ok {
			return twice(d.Name(c))
		}
		seen[string(d.Name(c))] = struct{}{}
	}
	return nil
}
