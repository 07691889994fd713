package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// WithMask gives the function that masks the values of columns that are
// Masked, and what goes to _extra beside them (see NewMasked): it appends the
// mask of a value's text to dst, the same mask for the same text, and is
// called from several goroutines at once. Without it a mask is three stars.
//
// A name of the mask, made of what the function gives for a text of the
// package's own, is a part of the rules and of the fingerprint, so that another
// key is another rule.
func WithMask(f func(dst, text []byte) []byte) Option {
	return func(p *Pipeline) error {
		p.mask = f
		return nil
	}
}

func stars(dst, _ []byte) []byte { return append(dst, "***"...) }

// probe is what is masked to tell one mask from another.
const probe = "backstory: which mask is this?"

// maskName names the pipeline's mask, "" where it has none of its own. It
// tells masks apart, and does not tell what they are.
func (p *Pipeline) maskName() string {
	if p.mask == nil {
		return ""
	}
	sum := sha256.Sum256(p.mask(nil, []byte(probe)))
	return hex.EncodeToString(sum[:8])
}

// A mask masks values. It is for one goroutine.
type mask struct {
	f     func(dst, text []byte) []byte
	alike bool   // all masks are the same
	text  []byte // memory for the text of a value
	out   []byte // memory for its mask
}

func (p *Pipeline) newMask() *mask {
	if p.mask == nil {
		return &mask{f: stars, alike: true}
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

// name gives the mask of the name of an object's member i: names may be data
// too, as in {"ana@example.org": 1}. They stay different from each other. It is
// valid until the next call.
func (m *mask) name(i int, name []byte) []byte {
	m.out = m.f(m.out[:0], name)
	if m.alike && i > 0 {
		m.out = strconv.AppendInt(append(m.out, '_'), int64(i+1), 10)
	}
	return m.out
}

// appendJSON appends v as JSON text in which each scalar but null is masked,
// and so is the name of each member.
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
		for i, c := 0, d.First(v); c != None; i, c = i+1, d.Next(c) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, m.name(i, d.Name(c)))
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
