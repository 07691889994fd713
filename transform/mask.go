package transform

import "slices"

// WithMask gives the function that masks the values of columns that are
// Masked, and what goes to _extra beside them (see NewMasked): it appends the
// mask of a value's text to dst, the same mask for the same text, and is
// called from several goroutines at once. Without it a mask is three stars.
//
// What the function gives for a text of the package's own has a part in the
// fingerprint where anything is masked, so that another key is another rule.
func WithMask(f func(dst, text []byte) []byte) Option {
	return func(p *Pipeline) error {
		p.mask = f
		return nil
	}
}

func stars(dst, _ []byte) []byte { return append(dst, "***"...) }

// probe is what is masked to tell one mask from another.
const probe = "backstory: which mask is this?"

// maskedProbe gives the mask of probe, nil where nothing is to be masked.
func (p *Pipeline) maskedProbe() []byte {
	o := &p.rules.Options
	masks := o.NewFields == NewMasked || slices.ContainsFunc(o.Frozen, func(t *Table) bool {
		return slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Masked })
	})
	if !masks {
		return nil
	}
	return p.newMask().f(nil, []byte(probe))
}

// A mask masks values. It is for one goroutine.
type mask struct {
	f    func(dst, text []byte) []byte
	text []byte // memory for the text of a value
	out  []byte // memory for its mask
}

func (p *Pipeline) newMask() *mask {
	if p.mask == nil {
		return &mask{f: stars}
	}
	return &mask{f: p.mask}
}

// value gives the mask of a value that is not null: of the text of a scalar
// as a column of text would hold it, of the JSON text of an object or list.
// It is valid until the next call.
func (m *mask) value(d *Document, v Value) []byte {
	text := m.text[:0]
	switch d.Kind(v) {
	case ValueUUID:
		text = appendUUID(text, d.Text(v))
	case ValueTrue, ValueFalse, ValueObject, ValueArray:
		text = d.AppendJSON(text, v)
	default:
		text = append(text, d.Text(v)...)
	}
	m.text = text
	m.out = m.f(m.out[:0], text)
	return m.out
}

// appendJSON appends v as JSON text in which each scalar but null is masked.
func (m *mask) appendJSON(dst []byte, d *Document, v Value) []byte {
	switch d.Kind(v) {
	case ValueNull:
		return append(dst, "null"...)
	case ValueArray:
		dst = append(dst, '[')
		for e := d.First(v); e != None; e = d.Next(e) {
			if e != d.First(v) {
				dst = append(dst, ',')
			}
			dst = m.appendJSON(dst, d, e)
		}
		return append(dst, ']')
	case ValueObject:
		dst = append(dst, '{')
		for c := d.First(v); c != None; c = d.Next(c) {
			if c != d.First(v) {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, d.Name(c))
			dst = append(dst, ':')
			dst = m.appendJSON(dst, d, c)
		}
		return append(dst, '}')
	}
	return appendQuoted(dst, m.value(d, v))
}

func (c *column) appendMasked(d *Document, v Value) {
	c.appendBytes(c.mask.value(d, v))
}
