package expression

import (
	"math"
	"math/big"
	"strconv"

	"backstory/transform"
)

// What an expression may be and use. A step is some 50 nanoseconds of work, so
// the longest evaluation takes tenths of a second.
const (
	maxText  = 10_000    // bytes of an expression
	maxNodes = 1_000     // parts of an expression
	maxSteps = 2_000_000 // parts evaluated, elements visited
	maxRoom  = 16 << 20  // bytes of texts and lists made
	maxDepth = 100       // lists and objects made, in each other
	maxRange = 1_000_000 // integers in a range

	valueBytes = 64      // what a list element counts for
	keepBytes  = 1 << 16 // scratch that a machine keeps for the next evaluation
)

// machine is one evaluation. It is for one goroutine.
type machine struct {
	env         *Env
	slots       []value // of variables, elements and operands
	result      value
	rounds      []round
	steps, room int
	scratch     []byte // texts that were made
	a, b, c     big.Int
	scrap       transform.Document // for a text that is read as a time
}

// begin makes the machine ready for an event.
func (m *machine) begin(env *Env) { m.env, m.steps, m.room = env, maxSteps, maxRoom }

// clear lets go of all the evaluation borrowed.
func (m *machine) clear() {
	m.env = nil
	clear(m.slots)
	clear(m.rounds)
	m.result = value{}
	m.scratch = m.scratch[:0]
	if cap(m.scratch) > keepBytes {
		m.scratch = nil
	}
}

// spend counts work that grows with the data.
func (m *machine) spend(column, steps int) error {
	if m.steps -= steps; m.steps >= 0 {
		return m.take(column, 0)
	}
	return fault(column, "stopped after %d steps", maxSteps).
		advise("the expression goes over too many values for one event: use fewer loops inside loops")
}

// take counts bytes of texts and lists that are made.
func (m *machine) take(column, bytes int) error {
	if m.room -= bytes; m.room >= 0 {
		return nil
	}
	return fault(column, "needs more than %d MiB for texts and lists", maxRoom>>20).
		advise("the expression makes too much of one event: filter before map, and make smaller texts")
}

// list makes a list of items, which the caller has not counted yet.
func (m *machine) list(column int, items []value) (value, error) {
	if err := m.take(column, valueBytes*len(items)); err != nil {
		return value{}, err
	}
	v := value{kind: list, made: &made{items: items}}
	return v, v.made.contain(column, items)
}

// contain keeps count of how deep lists and objects stand in each other.
func (x *made) contain(column int, items []value) error {
	for i := range items {
		if inner := items[i].made; inner != nil {
			x.depth = max(x.depth, inner.depth+1)
		}
	}
	if x.depth > maxDepth {
		return fault(column, "makes lists nested deeper than %d levels", maxDepth)
	}
	return nil
}

// bytes gives the text of a text value: of a uuid the usual form with dashes.
func (m *machine) bytes(v *value) []byte {
	if v.doc == nil {
		return v.text
	}
	if v.doc.Kind(v.ref) != transform.ValueUUID {
		return v.doc.Text(v.ref)
	}
	start := len(m.scratch)
	m.scratch = v.doc.AppendJSON(m.scratch, v.ref) // in quotes
	m.room -= len(m.scratch) - start
	return m.scratch[start+1 : len(m.scratch)-1]
}

// digits gives the text of a number, valid until the evaluation ends: as it was written, or the shortest one.
func (m *machine) digits(v *value) []byte {
	if v.doc != nil {
		return v.doc.Text(v.ref)
	}
	start := len(m.scratch)
	switch v.kind {
	case integer:
		m.scratch = strconv.AppendInt(m.scratch, v.num, 10)
	case float:
		m.scratch = appendFloat(m.scratch, math.Float64frombits(uint64(v.num)))
	default:
		return v.text
	}
	m.room -= len(m.scratch) - start
	return m.scratch[start:]
}

// appendFloat appends the shortest text that reads as x, one that JSON and
// people take for a float.
func appendFloat(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(x, -1):
		return append(dst, "-Infinity"...)
	}
	start := len(dst)
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, x, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, x, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// newText makes text of what was appended to scratch, and counts it.
func (m *machine) newText(column int, appended []byte) (value, error) {
	start := len(m.scratch)
	m.scratch = appended
	if err := m.take(column, len(appended)-start); err != nil {
		return value{}, err
	}
	return textValue(appended[start:len(appended):len(appended)]), nil
}
