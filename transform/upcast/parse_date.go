package upcast

import (
	"strings"
	"time"

	"backstory/source"
	"backstory/transform"
)

// dating reads a date or time of a fixed format, written with the signs of
// strftime:
//
//	%Y %y   the year, of four digits or two (69 to 99 are 1969 to 1999)
//	%m      the month, 1 or 01
//	%b %B   the month's English name, short or long
//	%d      the day, 1 or 01
//	%H %I   the hour, 0 to 23, or 1 to 12 with %p, AM or PM
//	%M %S   minute and second
//	%f      fraction of the second, 1 to 6 digits
//	%z      offset from UTC: Z, +01:00, +0100
//	%%      a percent sign
//
// All else stands for itself. The result is a timestamp with %z or zone:, else
// a datetime; a date alone is its midnight.
type dating struct {
	format string
	zone   *zone
}

const dateHint = `write the format with the signs of strftime, such as "%d.%m.%Y" or "%Y-%m-%d %H:%M:%S"; %Y or %y, %m or %b, and %d must be there`

func readDate(c *compiler, arg, n *Node) reading {
	if arg.Kind != Text {
		c.fail(arg, dateHint, "want a format, got %s", arg.describe())
		return nil
	}
	var signs string
	for i := 0; i < len(arg.Text); i++ {
		if arg.Text[i] != '%' {
			continue
		}
		i++
		if i == len(arg.Text) || !strings.ContainsRune("YymbBdHIpMSfz%", rune(arg.Text[i])) {
			c.fail(arg, dateHint, "unknown sign %s in the format", source.Clip(arg.Text[i-1:min(i+1, len(arg.Text))]))
			return nil
		}
		sign := arg.Text[i : i+1]
		if sign != "%" && strings.Contains(signs, sign) {
			c.fail(arg, dateHint, "%%%s stands twice in the format", sign)
			return nil
		}
		signs += sign
	}
	one := func(any string) bool { return strings.ContainsAny(signs, any) }
	d := &dating{format: arg.Text}
	switch {
	case !one("Yy") || !one("mbB") || !one("d"):
		c.fail(arg, dateHint, "the format has no year, month or day")
		return nil
	case one("I") != one("p") || one("I") && one("H"):
		c.fail(arg, dateHint, "the format has %%I without %%p, or both %%I and %%H")
		return nil
	}
	if z := n.Member("zone"); z != nil {
		if one("z") {
			c.fail(z, "leave one of both out", "the format has an offset (%%z), and so needs no zone")
			return nil
		}
		if d.zone = c.zone(z); d.zone == nil {
			return nil
		}
	}
	return d
}

func (d *dating) read(doc *transform.Document, text []byte) (transform.Value, error) {
	var r dateReader
	r.text = text
	if !r.follow(d.format) {
		return transform.None, hinted(misread("a date as "+d.format, text), "let map or set mend such texts in front of this")
	}
	t := time.Date(r.year, time.Month(r.month), r.day, r.hour, r.minute, r.second, 0, time.UTC)
	if t.Day() != r.day || r.year < 1 {
		return transform.None, misread("a day that exists", text)
	}
	var buf [40]byte
	out := appendClock(buf[:0], t.UnixMicro()+int64(r.micros))
	switch {
	case r.offset != nil:
		out = append(out, r.offset...)
	case d.zone != nil:
		out = append(out, d.zone.suffix...)
	}
	v, ok := doc.NewText(transform.ValueTimestamp, out)
	if !ok {
		return v, misread("a date as "+d.format, text)
	}
	return v, nil
}

// A dateReader reads one text by a format.
type dateReader struct {
	text                                           []byte // what is left of it
	year, month, day, hour, minute, second, micros int
	offset                                         []byte // as it is written, nil for none
}

func (r *dateReader) follow(format string) bool {
	afternoon, half := false, false
	for i := 0; i < len(format); i++ {
		ok := false
		if format[i] != '%' {
			ok = r.skip(format[i])
		} else {
			i++
			switch format[i] {
			case 'Y':
				ok = r.number(&r.year, 4, 4, 0, 9999)
			case 'y':
				if ok = r.number(&r.year, 2, 2, 0, 99); r.year < 69 {
					r.year += 100
				}
				r.year += 1900
			case 'm':
				ok = r.number(&r.month, 1, 2, 1, 12)
			case 'b':
				ok = r.name(3)
			case 'B':
				ok = r.name(0)
			case 'd':
				ok = r.number(&r.day, 1, 2, 1, 31)
			case 'H':
				ok = r.number(&r.hour, 1, 2, 0, 23)
			case 'I':
				ok = r.number(&r.hour, 1, 2, 1, 12)
			case 'p':
				half = true
				afternoon, ok = r.half()
			case 'M':
				ok = r.number(&r.minute, 2, 2, 0, 59)
			case 'S':
				ok = r.number(&r.second, 2, 2, 0, 59)
			case 'f':
				before := len(r.text)
				ok = r.number(&r.micros, 1, 6, 0, 999999)
				for n := before - len(r.text); n < 6; n++ {
					r.micros *= 10
				}
			case 'z':
				ok = r.zone()
			case '%':
				ok = r.skip('%')
			}
		}
		if !ok {
			return false
		}
	}
	if half {
		r.hour %= 12
		if afternoon {
			r.hour += 12
		}
	}
	return len(r.text) == 0
}

func (r *dateReader) skip(c byte) bool {
	if len(r.text) == 0 || r.text[0] != c {
		return false
	}
	r.text = r.text[1:]
	return true
}

// number reads a number of so many digits and within bounds.
func (r *dateReader) number(x *int, least, most, from, to int) bool {
	n := 0
	for n < most && n < len(r.text) && r.text[n]-'0' <= 9 {
		*x = *x*10 + int(r.text[n]-'0')
		n++
	}
	r.text = r.text[n:]
	return n >= least && *x >= from && *x <= to
}

// name reads an English month, or the first letters of one.
func (r *dateReader) name(letters int) bool {
	for m := time.January; m <= time.December; m++ {
		name := m.String()
		if letters > 0 {
			name = name[:letters]
		}
		if len(r.text) >= len(name) && strings.EqualFold(string(r.text[:len(name)]), name) {
			r.month, r.text = int(m), r.text[len(name):]
			return true
		}
	}
	return false
}

// half reads AM or PM.
func (r *dateReader) half() (afternoon, ok bool) {
	if len(r.text) < 2 || r.text[1]|0x20 != 'm' || r.text[0]|0x20 != 'a' && r.text[0]|0x20 != 'p' {
		return false, false
	}
	afternoon = r.text[0]|0x20 == 'p'
	r.text = r.text[2:]
	return afternoon, true
}

// zone reads an offset, which NewText checks.
func (r *dateReader) zone() bool {
	n := 0
	for n < len(r.text) && strings.IndexByte("+-:Zz0123456789", r.text[n]) >= 0 {
		n++
	}
	r.offset, r.text = r.text[:n], r.text[n:]
	return n > 0
}
