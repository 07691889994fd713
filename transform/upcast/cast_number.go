package upcast

import (
	"errors"
	"fmt"
	"strconv"

	"backstory/source"
	"backstory/transform"
)

var errNotMade = errors.New("the result is no value of its type")

// numberText gives the text of a number, and of a string that is one as JSON
// writes it. It gives false for all else.
func numberText(doc *transform.Document, v transform.Value) ([]byte, bool) {
	switch doc.Kind(v) {
	case transform.ValueInteger, transform.ValueFloat, transform.ValueDecimal:
		return doc.Text(v), true
	case transform.ValueString:
		text := doc.Text(v)
		return text, isPlain(text)
	}
	return nil, false
}

const (
	exactInt     = 18 // so many characters are an integer of 64 bits
	numberAdvice = `mend such values by map, parse or set in front of this: a cast takes numbers as JSON writes them`
)

func castInt(doc *transform.Document, v transform.Value) (transform.Value, error) {
	if doc.Kind(v) == transform.ValueInteger && len(doc.Text(v)) <= exactInt {
		return v, nil
	}
	text, ok := numberText(doc, v)
	if !ok {
		return v, hinted(unfit("an integer", doc, v), numberAdvice)
	}
	var buf [64]byte
	n, ok := readNumber(text, buf[:0])
	switch {
	case !ok:
		return v, hinted(unfit("an integer", doc, v), numberAdvice)
	case n.exp < 0:
		return v, hinted(source.Telling("%s has a fraction", show(doc, v)), "cast it to a decimal or float, or say how to round it: {decimal: [18, 0], round: half_even}")
	case n.exp > exactInt || len(n.digits)+n.exp > exactInt+1:
		return v, tooLarge(doc, v)
	}
	var out [24]byte
	digits := n.appendFixed(out[:0], 0)
	if len(digits) > exactInt {
		if _, err := strconv.ParseInt(string(digits), 10, 64); err != nil {
			return v, tooLarge(doc, v)
		}
	}
	return made(doc.NewText(transform.ValueInteger, digits))
}

func tooLarge(doc *transform.Document, v transform.Value) error {
	return hinted(source.Telling("%s does not fit into 64 bits", show(doc, v)), "cast it to {decimal: [38, 0]} or string")
}

func castFloat(doc *transform.Document, v transform.Value) (transform.Value, error) {
	w := v
	if doc.Kind(v) != transform.ValueFloat {
		var ok bool
		if w, ok = newFloat(doc, v); !ok {
			return v, hinted(unfit("a number", doc, v), numberAdvice)
		}
	}
	if _, exact := doc.Float(w); !exact {
		return v, hinted(source.Telling("a float would lose digits of %s", show(doc, v)), "cast it to a decimal")
	}
	return w, nil
}

// newFloat makes a float of the digits of a number or string.
func newFloat(doc *transform.Document, v transform.Value) (transform.Value, bool) {
	if k := doc.Kind(v); k == transform.ValueString || k == transform.ValueDecimal {
		switch text := doc.Text(v); string(text) {
		case "NaN", "Infinity", "-Infinity":
			return doc.NewText(transform.ValueFloat, text)
		}
	}
	text, ok := numberText(doc, v)
	if !ok {
		return v, false
	}
	var buf [64]byte
	n, ok := readNumber(text, buf[:0])
	if !ok {
		return v, false
	}
	var out [128]byte
	digits := out[:0]
	if before := len(n.digits) + n.exp; before > 40 || before < -20 || len(n.digits) > 80 {
		digits = n.appendScientific(digits)
	} else {
		digits = n.appendFixed(digits, max(-n.exp, 1))
	}
	return doc.NewText(transform.ValueFloat, digits)
}

// castDecimal is the type {decimal: [precision, scale], round: ...}.
type castDecimal struct {
	precision, scale int
	round            rounding
}

const decimalHint = "write {decimal: [PRECISION, SCALE]} with 1 to 38 digits, of which SCALE stand behind the point, and round: half_even or half_up where digits may go"

func (c *compiler) decimal(n *Node) converter {
	before := len(c.problems)
	c.known(n, "decimal", "round")
	var d castDecimal
	args := n.Member("decimal")
	if args.Kind != List || len(args.Values) != 2 {
		c.fail(args, decimalHint, "want [precision, scale], got %s", args.describe())
		return nil
	}
	var errs [2]error
	d.precision, errs[0] = strconv.Atoi(args.Values[0].Text)
	d.scale, errs[1] = strconv.Atoi(args.Values[1].Text)
	if errors.Join(errs[:]...) != nil || d.precision < 1 || d.precision > transform.MaxPrecision || d.scale < 0 || d.scale > d.precision {
		c.fail(args, decimalHint, "there is no decimal of [%s, %s]", args.Values[0].describe(), args.Values[1].describe())
		return nil
	}
	if r := n.Member("round"); r != nil {
		switch r.Text {
		case "half_even":
			d.round = halfEven
		case "half_up":
			d.round = halfUp
		default:
			c.fail(r, decimalHint, "unknown way to round %s", r.describe())
			return nil
		}
	}
	if len(c.problems) > before {
		return nil
	}
	return d.cast
}

func (d castDecimal) cast(doc *transform.Document, v transform.Value) (transform.Value, error) {
	text, ok := numberText(doc, v)
	var buf [64]byte
	var n number
	if ok {
		n, ok = readNumber(text, buf[:0])
	}
	if !ok {
		return v, hinted(unfit("a number", doc, v), numberAdvice)
	}
	if n, ok = n.round(d.scale, d.round); !ok {
		return v, hinted(source.Telling("%s has more than %d digits behind the point", show(doc, v), d.scale),
			fmt.Sprintf("give the decimal a larger scale, or say how to round: {decimal: [%d, %d], round: half_even}", d.precision, d.scale))
	}
	if len(n.digits)+n.exp > d.precision-d.scale {
		return v, hinted(source.Telling("%s has more than %d digits in front of the point", show(doc, v), d.precision-d.scale),
			"give the decimal a larger precision")
	}
	var out [48]byte // 38 digits, sign, point and a zero in front of it
	return made(doc.NewText(transform.ValueDecimal, n.appendFixed(out[:0], d.scale)))
}
