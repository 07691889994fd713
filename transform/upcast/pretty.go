package upcast

import (
	"strings"

	"backstory/transform"
)

// sameDocument tells whether two documents hold the same JSON. A decimal is
// the same as text or a number of its digits, other typed values are the same
// as their texts.
func sameDocument(a, b *transform.Document) bool {
	if a.Root() == transform.None || b.Root() == transform.None {
		return a.Root() == b.Root()
	}
	return same(a, a.Root(), b, b.Root())
}

func same(a *transform.Document, v transform.Value, b *transform.Document, w transform.Value) bool {
	switch k := a.Kind(v); {
	case k == transform.ValueObject && b.Kind(w) == k:
		n := 0
		for m := a.First(v); m != transform.None; m = a.Next(m) {
			o := b.Member(w, string(a.Name(m)))
			if o == transform.None || !same(a, m, b, o) {
				return false
			}
			n++
		}
		return n == b.Len(w)
	case k == transform.ValueArray && b.Kind(w) == k:
		o := b.First(w)
		for e := a.First(v); e != transform.None; e = a.Next(e) {
			if o == transform.None || !same(a, e, b, o) {
				return false
			}
			o = b.Next(o)
		}
		return o == transform.None
	}
	x, y := string(a.AppendJSON(nil, v)), string(b.AppendJSON(nil, w))
	return x == y ||
		a.Kind(v) == transform.ValueDecimal && isNumber(b.Kind(w)) && x == `"`+y+`"` ||
		b.Kind(w) == transform.ValueDecimal && isNumber(a.Kind(v)) && y == `"`+x+`"`
}

func isNumber(k transform.ValueKind) bool {
	return k == transform.ValueInteger || k == transform.ValueFloat
}

// writePretty writes a document as JSON over several lines, one a value.
// Members come in the order of like, nil for none, and what is the same there
// is written as there: so that two documents differ in as few lines as can be.
func writePretty(b *strings.Builder, d, like *transform.Document) {
	p := printer{b: b, d: d, like: like}
	v := transform.None
	if like != nil {
		v = like.Root()
	}
	if d.Root() == transform.None {
		b.WriteString("nothing")
		return
	}
	p.write(d.Root(), v, "")
}

type printer struct {
	b       *strings.Builder
	d, like *transform.Document
}

// write writes v as it stands beside w in the other document, None for none.
func (p *printer) write(v, w transform.Value, indent string) {
	k := p.d.Kind(v)
	if w != transform.None && p.like.Kind(w) != k {
		if same(p.d, v, p.like, w) {
			p.b.Write(p.like.AppendJSON(nil, w))
			return
		}
		w = transform.None
	}
	switch {
	case p.d.Kind(v) == transform.ValueObject && p.d.First(v) != transform.None:
		p.b.WriteByte('{')
		comma := ""
		member := func(m, o transform.Value) {
			p.b.WriteString(comma + "\n" + indent + "  ")
			p.b.Write(appendText(nil, string(p.d.Name(m))))
			p.b.WriteString(": ")
			p.write(m, o, indent+"  ")
			comma = ","
		}
		if w != transform.None {
			for o := p.like.First(w); o != transform.None; o = p.like.Next(o) {
				if m := p.d.Member(v, string(p.like.Name(o))); m != transform.None {
					member(m, o)
				}
			}
		}
		for m := p.d.First(v); m != transform.None; m = p.d.Next(m) {
			if w == transform.None || p.like.Member(w, string(p.d.Name(m))) == transform.None {
				member(m, transform.None)
			}
		}
		p.b.WriteString("\n" + indent + "}")
	case p.d.Kind(v) == transform.ValueArray && p.d.First(v) != transform.None:
		p.b.WriteByte('[')
		comma := ""
		o := transform.None
		if w != transform.None {
			o = p.like.First(w)
		}
		for e := p.d.First(v); e != transform.None; e = p.d.Next(e) {
			p.b.WriteString(comma + "\n" + indent + "  ")
			p.write(e, o, indent+"  ")
			comma = ","
			if o != transform.None {
				o = p.like.Next(o)
			}
		}
		p.b.WriteString("\n" + indent + "]")
	default:
		p.b.Write(p.d.AppendJSON(nil, v))
	}
}
