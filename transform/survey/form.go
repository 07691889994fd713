package survey

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A form is what texts look like: SKU-0307 looks like A-9.
type form struct {
	text  [maxForm]byte
	size  uint8
	count int64
}

const maxForm = 24

// formOf writes what a text looks like: a run of capitals as A, of other
// letters as a, of digits as 9, all else as it is; what is too long is cut.
func formOf(dst *[maxForm]byte, text []byte) int {
	n, last := 0, byte(0)
	for i := 0; i < len(text) && n < maxForm; {
		c, size := text[i], 1
		switch {
		case c >= '0' && c <= '9':
			c = '9'
		case c >= 'a' && c <= 'z':
			c = 'a'
		case c >= 'A' && c <= 'Z':
			c = 'A'
		case c >= utf8.RuneSelf:
			var r rune
			r, size = utf8.DecodeRune(text[i:])
			c = '?'
			if unicode.IsLetter(r) {
				c = 'a'
				if unicode.IsUpper(r) {
					c = 'A'
				}
			}
		}
		i += size
		if c == last && (c == '9' || c == 'a' || c == 'A') {
			continue
		}
		if c == 'a' && last == 'A' { // a capitalized word
			dst[n-1], last = 'a', 'a'
			continue
		}
		dst[n], last = c, c
		n++
	}
	return n
}

func (v *values) noteForm(text []byte) {
	var f [maxForm]byte
	v.addForm(f[:formOf(&f, text)], 1)
}

func (v *values) addForm(text []byte, count int64) {
	if count == 0 {
		return
	}
	for i := range v.forms {
		f := &v.forms[i]
		if f.count == 0 {
			f.size = uint8(copy(f.text[:], text))
		}
		if string(f.text[:f.size]) == string(text) {
			f.count += count
			return
		}
	}
}

// alike tells how much the texts of two paths look alike, from 0 to 1: the
// part of each that has forms of the other.
func (v *values) alike(o *values) float64 {
	var mine, theirs, all, allTheirs int64
	for i := range v.forms {
		f := &v.forms[i]
		all += f.count
		for j := range o.forms {
			if g := &o.forms[j]; g.count > 0 && f.count > 0 && string(f.text[:f.size]) == string(g.text[:g.size]) {
				mine += f.count
				theirs += g.count
			}
		}
	}
	for j := range o.forms {
		allTheirs += o.forms[j].count
	}
	if all == 0 || allTheirs == 0 {
		return 0
	}
	return min(float64(mine)/float64(all), float64(theirs)/float64(allTheirs))
}

// masked hides a text and leaves what it looks like: letters become x and X,
// digits 9.
func masked(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsUpper(r):
			return 'X'
		case unicode.IsLetter(r), unicode.IsMark(r):
			return 'x'
		case unicode.IsDigit(r):
			return '9'
		}
		return r
	}, text)
}
