package upcast

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"sync"
	"unicode/utf8"

	"backstory/transform"
)

// mask makes values unreadable:
//
//	mask: {email: hmac, note: redact, card: {partial: {last: 4}}, born: {date: year}}
//
//	hmac      32 hexadecimal digits: the first half of the HMAC-SHA256 of the value's text under
//	          the key of the configuration. Equal values have equal masks, in all fields and
//	          tables, whatever kind says the text (the number 1 and "1"), so that joins survive;
//	          but who has the key can find out values by trying.
//	redact    the string ***
//	partial   the first and the last so many characters, and * for each between them; all are *
//	          where nothing is between
//	date      the first moment of the year, month or day of a date or time, written like it
//
// Masks of lists and objects are those of the single values in them. Null
// stays null, and what is not there stays so.
type mask struct{ fields []masking }

type masking struct {
	path path
	way  masker
}

// A masker makes the mask of a single value, in no object or list.
type masker interface {
	mask(doc *transform.Document, v transform.Value) (transform.Value, error)
}

const (
	maskHint    = "write {path: hmac}, {path: redact}, {path: {partial: {first: 1, last: 4}}} or {path: {date: year}}"
	leastKey    = 16 // bytes
	maskKeyHint = `give a key of at least 16 bytes, out of the environment: mask: {key: "${env:BACKSTORY_MASK_KEY}"}`
)

func compileMask(c *compiler, arg *Node) Operation {
	var m mask
	ok := c.each(arg, maskHint, func(key, value *Node) bool {
		p, ok := c.path(key)
		way := c.masker(value)
		m.fields = append(m.fields, masking{p, way})
		return ok && way != nil
	})
	if !ok {
		return nil
	}
	return &m
}

func (c *compiler) masker(n *Node) masker {
	switch {
	case n.Kind == Text && n.Text == "redact":
		return redacted{}
	case n.Kind == Text && n.Text == "hmac":
		switch key := c.options.MaskKey; {
		case len(key) == 0:
			c.fail(n, maskKeyHint, "mask by hmac wants a key, and none is configured")
		case len(key) < leastKey:
			c.fail(n, maskKeyHint, "the key of mask has %d bytes", len(key))
		default:
			return newKeyed(key)
		}
		return nil
	case n.Kind == Map && len(n.Keys) == 1 && n.Keys[0].Text == "partial":
		return c.partial(&n.Values[0])
	case n.Kind == Map && len(n.Keys) == 1 && n.Keys[0].Text == "date":
		// How much of YYYY-MM-DD stays.
		if kept, ok := map[string]int{"year": 4, "month": 7, "day": 10}[n.Values[0].Text]; ok {
			return truncated{kept}
		}
		c.fail(&n.Values[0], maskHint, "want year, month or day, got %s", n.Values[0].describe())
		return nil
	}
	c.fail(n, maskHint, "unknown mask %s", n.describe())
	return nil
}

func (c *compiler) partial(n *Node) masker {
	if n.Kind != Map || len(n.Keys) == 0 {
		c.fail(n, maskHint, "want first or last with a number, got %s", n.describe())
		return nil
	}
	before := len(c.problems)
	c.known(n, "first", "last")
	characters := func(name string) int {
		m := n.Member(name)
		if m == nil {
			return 0
		}
		count, err := strconv.Atoi(m.Text)
		if m.Kind != Number || err != nil || count < 0 || count > 1000 {
			c.fail(m, maskHint, "want a number of characters, got %s", m.describe())
		}
		return count
	}
	p := partial{characters("first"), characters("last")}
	if len(c.problems) > before {
		return nil
	}
	return p
}

func (o *mask) Apply(s *Scope) error {
	for i := range o.fields {
		f := &o.fields[i]
		pl, err := f.path.find(s)
		if err == nil && !pl.isNull() {
			err = maskAll(pl.doc, pl.at, f.way)
		}
		if err != nil {
			return &pathError{"mask", f.path.text, err}
		}
	}
	return nil
}

// maskAll masks a value, or all single values below it.
func maskAll(doc *transform.Document, v transform.Value, way masker) error {
	switch doc.Kind(v) {
	case transform.ValueNull:
		return nil
	case transform.ValueArray, transform.ValueObject:
		for c := doc.First(v); c != transform.None; c = doc.Next(c) {
			if err := maskAll(doc, c, way); err != nil {
				return err
			}
		}
		return nil
	}
	w, err := way.mask(doc, v)
	if err == nil && w != v {
		doc.Become(v, w)
	}
	return err
}

func (o *mask) reads() []string {
	return texts(o.fields, func(f masking) string { return f.path.text })
}

// keyed is the mask hmac.
type keyed struct{ hashes sync.Pool }

// A keyedHash is what one mask takes, to be used again.
type keyedHash struct {
	hash.Hash
	text, sum []byte
	digits    [sha256.Size]byte // half of the sum
}

func newKeyed(key []byte) *keyed {
	key = bytes.Clone(key)
	return &keyed{sync.Pool{New: func() any { return &keyedHash{Hash: hmac.New(sha256.New, key)} }}}
}

func (k *keyed) mask(doc *transform.Document, v transform.Value) (transform.Value, error) {
	h := k.hashes.Get().(*keyedHash)
	defer k.hashes.Put(h)
	h.text, _ = appendScalar(h.text[:0], doc, v)
	h.Reset()
	h.Write(h.text)
	h.sum = h.Sum(h.sum[:0])
	hex.Encode(h.digits[:], h.sum[:sha256.Size/2])
	return made(doc.NewText(transform.ValueString, h.digits[:]))
}

// redacted is the mask redact: a text, so that what is there and what is null
// can still be told apart.
type redacted struct{}

func (redacted) mask(doc *transform.Document, _ transform.Value) (transform.Value, error) {
	return made(doc.NewText(transform.ValueString, []byte("***")))
}

// partial is the mask of that name.
type partial struct{ first, last int }

func (p partial) mask(doc *transform.Document, v transform.Value) (transform.Value, error) {
	var in, out [128]byte
	text, _ := appendScalar(in[:0], doc, v)
	masked, count := out[:0], utf8.RuneCount(text)
	for n, i := 0, 0; i < len(text); n++ {
		_, size := utf8.DecodeRune(text[i:])
		if count > p.first+p.last && (n < p.first || n >= count-p.last) {
			masked = append(masked, text[i:i+size]...)
		} else {
			masked = append(masked, '*')
		}
		i += size
	}
	return made(doc.NewText(transform.ValueString, masked))
}

// truncated is the mask date.
type truncated struct {
	kept int // characters of YYYY-MM-DD
}

func (t truncated) mask(doc *transform.Document, v transform.Value) (transform.Value, error) {
	const midnight = "T00:00:00"
	kind := doc.Kind(v)
	_, _, isTime := doc.Time(v)
	if !isTime && (kind != transform.ValueString || !isDate(doc, doc.Text(v))) {
		// Not the value itself: it is personal data.
		return v, fmt.Errorf("want a date or an ISO 8601 date and time, got %s", article(kind))
	}
	text := doc.Text(v)
	var buf [64]byte
	out := append(buf[:0], text[:t.kept]...)
	out = append(out, "0000-01-01"[t.kept:]...)
	if isTime {
		out = append(append(out, midnight...), offsetOf(text)...)
	}
	return made(doc.NewText(kind, out))
}

// isDate tells whether text is YYYY-MM-DD of a day that exists.
func isDate(doc *transform.Document, text []byte) bool {
	if len(text) != len("2006-01-02") {
		return false
	}
	var buf [32]byte
	_, ok := doc.NewText(transform.ValueTimestamp, append(append(buf[:0], text...), "T00:00:00"...))
	return ok
}

// offsetOf is what stands behind the time of day in ISO 8601 text.
func offsetOf(text []byte) []byte {
	for i := len("2006-01-02T15:04"); i < len(text); i++ {
		switch text[i] {
		case 'Z', 'z', '+', '-':
			return text[i:]
		}
	}
	return nil
}
