package survey

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"backstory/transform"
)

const (
	maxTops    = 16 // values that are counted one by one
	maxHashes  = 64
	maxText    = 64  // bytes of a value that are kept
	maxHashed  = 512 // bytes of a value that are hashed
	firstTexts = 256 // values that are all looked at, and of those behind them
	everyText  = 32  // one in so many
)

// values are what is known of the values at one path: all are hashed, and
// compared with the first; some are looked at closely. Of two paths they tell whether
// they hold the same kind of thing.
type values struct {
	seen    int64
	only    []byte // the first value
	varied  bool   // there was another
	scale   int    // most digits behind a number's point
	digits  int    // most digits before it
	looked  int64  // values looked at closely
	tops    []top
	hashes  []uint64 // the smallest of the values' hashes, in order
	forms   [4]form  // what texts look like, by the order of their appearance
	signs   [len(signNames)]int64
	numeric int64 // texts that are numbers
}

// A top is a value and how often it was met among those looked at.
type top struct {
	text  string
	count int64
}

// add takes in a scalar.
func (v *values) add(kind transform.ValueKind, text []byte) {
	v.seen++
	if !v.varied {
		if v.seen == 1 {
			v.only = append(v.only, text[:min(len(text), maxText)]...)
			v.varied = len(text) > maxText
		} else {
			v.varied = string(v.only) != string(text)
		}
	}
	if kind > transform.ValueTrue {
		v.sketch(hashText(text))
	}
	if kind == transform.ValueFloat || kind == transform.ValueDecimal || kind == transform.ValueInteger {
		v.number(text)
	}
	if v.seen <= firstTexts || v.seen%everyText == 0 {
		v.look(kind, text)
	}
}

func (v *values) number(text []byte) {
	point := len(text)
	for i, c := range text {
		if c == '.' {
			point = i
			v.scale = max(v.scale, len(text)-i-1)
			break
		}
	}
	if len(text) > 0 && text[0] == '-' {
		point--
	}
	v.digits = max(v.digits, point)
}

// look takes a value in by what it looks like.
func (v *values) look(kind transform.ValueKind, text []byte) {
	v.looked++
	v.count(text)
	if kind != transform.ValueString {
		return
	}
	if len(text) > 256 {
		return
	}
	v.noteForm(text)
	if s := signOf(text); s != noSign {
		v.signs[s]++
	}
	if isNumber(text) {
		v.numeric++
	}
}

func (v *values) count(text []byte) {
	text = text[:min(len(text), maxText)]
	for i := range v.tops {
		if v.tops[i].text == string(text) {
			v.tops[i].count++
			return
		}
	}
	if len(v.tops) < maxTops {
		v.tops = append(v.tops, top{string(text), 1})
	}
}

// sketch keeps the smallest hashes: those of two paths tell how many of their
// values are the same (Broder, On the resemblance and containment of
// documents, 1997).
func (v *values) sketch(h uint64) {
	if n := len(v.hashes); n == maxHashes && h >= v.hashes[n-1] {
		return
	}
	at, found := slices.BinarySearch(v.hashes, h)
	if found {
		return
	}
	if v.hashes == nil {
		v.hashes = make([]uint64, 0, maxHashes+1)
	}
	v.hashes = slices.Insert(v.hashes, at, h)
	v.hashes = v.hashes[:min(len(v.hashes), maxHashes)]
}

// few tells whether all the values looked at are among the tops.
func (v *values) few() bool {
	var n int64
	for _, t := range v.tops {
		n += t.count
	}
	return n == v.looked
}

// commonest is the top that was met most often, of those of its count the
// first.
func (v *values) commonest() top {
	best := top{}
	for _, t := range v.tops {
		if t.count > best.count {
			best = t
		}
	}
	return best
}

// overlap estimates how many of the distinct values of the path that has
// fewer were also seen at the other, from 0 to 1.
func (v *values) overlap(o *values) float64 {
	if len(v.hashes) == 0 || len(o.hashes) == 0 {
		return 0
	}
	// Below the largest hash that both would have kept, each has all of its own.
	limit := uint64(1<<64 - 1)
	for _, x := range []*values{v, o} {
		if len(x.hashes) == maxHashes {
			limit = min(limit, x.hashes[maxHashes-1])
		}
	}
	var mine, theirs, both int
	for _, h := range v.hashes {
		if h <= limit {
			mine++
			if _, ok := slices.BinarySearch(o.hashes, h); ok {
				both++
			}
		}
	}
	for _, h := range o.hashes {
		if h <= limit {
			theirs++
		}
	}
	if fewer := min(mine, theirs); fewer > 0 {
		return float64(both) / float64(fewer)
	}
	return 0
}

// has tells whether a value was seen, and whether that can be known.
func (v *values) has(text string) (seen, known bool) {
	h := hashText([]byte(text))
	if n := len(v.hashes); n == maxHashes && h > v.hashes[n-1] {
		return false, false
	}
	_, ok := slices.BinarySearch(v.hashes, h)
	return ok, true
}

func (v *values) merge(o *values) {
	switch {
	case o.seen == 0:
		return
	case v.seen == 0:
		v.only, v.varied = o.only, o.varied
	default:
		v.varied = v.varied || o.varied || string(v.only) != string(o.only)
	}
	v.seen += o.seen
	v.looked += o.looked
	v.numeric += o.numeric
	v.scale, v.digits = max(v.scale, o.scale), max(v.digits, o.digits)
	for _, t := range o.tops {
		at := slices.IndexFunc(v.tops, func(x top) bool { return x.text == t.text })
		if at >= 0 {
			v.tops[at].count += t.count
		} else if len(v.tops) < maxTops {
			v.tops = append(v.tops, t)
		}
	}
	for _, h := range o.hashes {
		v.sketch(h)
	}
	for i := range o.forms {
		v.addForm(o.forms[i].text[:o.forms[i].size], o.forms[i].count)
	}
	for i := range o.signs {
		v.signs[i] += o.signs[i]
	}
}

// hashText hashes a text, of a long one its beginning and its length: always
// the same, so that a survey of the same history is too. Eight bytes at a time
// are folded into a product, as wyhash does (github.com/wangyi-fudan/wyhash).
func hashText(text []byte) uint64 {
	const salt, spread = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(len(text))*spread ^ salt
	text = text[:min(len(text), maxHashed)]
	for ; len(text) >= 8; text = text[8:] {
		hi, lo := bits.Mul64(binary.LittleEndian.Uint64(text)^salt, h^spread)
		h = hi ^ lo
	}
	var last uint64
	for i, c := range text {
		last |= uint64(c) << (8 * i)
	}
	hi, lo := bits.Mul64(last^salt, h^spread)
	return mix(hi ^ lo)
}

// mix spreads the bits of h (the end of MurmurHash3, github.com/aappleby/smhasher).
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
