package upcast

import (
	"errors"

	"backstory/source"
	"backstory/transform"
)

// castTime is the type timestamp or datetime. Without more, a timestamp is
// ISO 8601 text with its offset (2025-01-31T09:30:00+01:00), and a datetime
// such text without. To take others:
//
//	{timestamp: seconds}                    also millis, micros: numbers since 1970, UTC
//	{timestamp: {zone: UTC}}                text without offset, in UTC or a fixed offset such as +01:00
//	{timestamp: {unit: millis, zone: UTC}}  both
//	{datetime: {zone: +01:00}}              text with an offset: the time it is then in this one
//
// Zones by name are not known: in the hour when a clock is put back, a time
// without its offset is two.
type castTime struct {
	unit  int   // the power of ten that makes microseconds of the number; 0 is micros
	epoch bool  // numbers since 1970 are taken
	zone  *zone // nil where none is given
}

const timeHint = "write timestamp, {timestamp: seconds|millis|micros} or {timestamp: {unit: ..., zone: UTC}}, or datetime, {datetime: {zone: UTC}}; a zone is UTC or an offset such as +01:00"

func (c *compiler) castTime(name string, n *Node) converter {
	var t castTime
	before := len(c.problems)
	switch {
	case n.Kind == Text && name == "timestamp":
		c.unit(&t, n)
	case n.Kind == Map && len(n.Keys) > 0:
		keys := []string{"zone", "unit"}
		if name == "datetime" {
			keys = keys[:1]
		}
		c.known(n, keys...)
		if unit := n.Member("unit"); unit != nil {
			c.unit(&t, unit)
		}
		if z := n.Member("zone"); z != nil {
			t.zone = c.zone(z)
		}
	default:
		c.fail(n, timeHint, "want a unit or zone for %s, got %s", name, n.describe())
	}
	switch {
	case len(c.problems) > before:
		return nil
	case name == "datetime":
		return t.datetime
	}
	return t.timestamp
}

func (c *compiler) unit(t *castTime, n *Node) {
	t.epoch = true
	switch n.Text {
	case "seconds":
		t.unit = 6
	case "millis":
		t.unit = 3
	case "micros":
		t.unit = 0
	default:
		c.fail(n, timeHint, "unknown unit %s", n.describe())
	}
}

var errNoZone = errors.New("it has no offset from UTC, and so is no instant")

func (t castTime) timestamp(doc *transform.Document, v transform.Value) (transform.Value, error) {
	kind := doc.Kind(v)
	_, zoned, ok := doc.Time(v)
	switch {
	case ok && zoned && kind == transform.ValueTimestamp:
		return v, nil
	case ok && zoned:
		return made(doc.NewText(transform.ValueTimestamp, doc.Text(v)))
	case ok && t.zone == nil:
		return v, hinted(source.Telling("%s: %w", show(doc, v), errNoZone), "say which it is in, such as {timestamp: {zone: UTC}}, or cast it to datetime")
	case ok:
		var buf [64]byte
		return made(doc.NewText(transform.ValueTimestamp, append(append(buf[:0], doc.Text(v)...), t.zone.suffix...)))
	case !t.epoch:
		return v, unfit("an ISO 8601 date and time, to the microsecond", doc, v)
	}
	text, ok := numberText(doc, v)
	var digits [64]byte
	var n number
	if ok {
		n, ok = readNumber(text, digits[:0])
	}
	if !ok {
		return v, unfit("a number or an ISO 8601 date and time", doc, v)
	}
	micros, ok := n.micros(t.unit)
	if !ok {
		return v, source.Telling("%s is no time from the year 1 to 9999, to the microsecond", show(doc, v))
	}
	var buf [40]byte
	return made(doc.NewText(transform.ValueTimestamp, append(appendClock(buf[:0], micros), "+00:00"...)))
}

func (t castTime) datetime(doc *transform.Document, v transform.Value) (transform.Value, error) {
	micros, zoned, ok := doc.Time(v)
	switch {
	case !ok:
		return v, unfit("an ISO 8601 date and time, to the microsecond", doc, v)
	case !zoned && doc.Kind(v) == transform.ValueTimestamp:
		return v, nil
	case !zoned:
		return made(doc.NewText(transform.ValueTimestamp, doc.Text(v)))
	case t.zone == nil:
		return v, hinted(source.Telling("%s has an offset from UTC, which a datetime would lose", show(doc, v)),
			"cast it to timestamp, or say whose clock is meant, such as {datetime: {zone: UTC}}")
	}
	micros += int64(t.zone.seconds) * 1e6
	if !inYears(micros) {
		return v, source.Telling("%s is no time from the year 1 to 9999", show(doc, v))
	}
	var buf [40]byte
	return made(doc.NewText(transform.ValueTimestamp, appendClock(buf[:0], micros)))
}

// micros is the number times ten to the power of unit, false if that has a
// fraction or is beyond the years that have four digits.
func (n *number) micros(unit int) (int64, bool) {
	exp := n.exp + unit
	if exp < 0 || len(n.digits)+exp > exactInt {
		return 0, false
	}
	var x int64
	for i := range len(n.digits) + exp {
		x = x*10 + int64(n.digit(i)-'0')
	}
	if n.negative {
		x = -x
	}
	return x, inYears(x)
}
