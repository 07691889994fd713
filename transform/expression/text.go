package expression

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

func trim(m *machine, column int, args []value) (value, error) {
	x := m.bytes(&args[0])
	if len(args) == 1 {
		return textValue(bytes.TrimSpace(x)), m.spend(column, len(x)>>5)
	}
	cut := m.bytes(&args[1])
	return textValue(bytes.Trim(x, string(cut))), m.spend(column, len(x)*len(cut)>>5)
}

func trimPrefix(m *machine, _ int, args []value) (value, error) {
	return textValue(bytes.TrimPrefix(m.bytes(&args[0]), m.bytes(&args[1]))), nil
}

func trimSuffix(m *machine, _ int, args []value) (value, error) {
	return textValue(bytes.TrimSuffix(m.bytes(&args[0]), m.bytes(&args[1]))), nil
}

func upper(m *machine, column int, args []value) (value, error) {
	return m.each(column, &args[0], unicode.ToUpper)
}

func lower(m *machine, column int, args []value) (value, error) {
	return m.each(column, &args[0], unicode.ToLower)
}

// each changes every character of a text.
func (m *machine) each(column int, v *value, change func(rune) rune) (value, error) {
	x := m.bytes(v)
	if err := m.take(column, 2*len(x)); err != nil { // some letters grow
		return value{}, err
	}
	start := len(m.scratch)
	for i := 0; i < len(x); {
		r, size := utf8.DecodeRune(x[i:])
		m.scratch = utf8.AppendRune(m.scratch, change(r))
		i += size
	}
	return textValue(m.scratch[start:]), m.spend(column, len(x)>>2)
}

// split cuts text at a separator, into at most so many parts; at an empty
// separator into characters.
func split(m *machine, column int, args []value) (value, error) {
	x, sep, most := m.bytes(&args[0]), m.bytes(&args[1]), int64(-1)
	if len(args) > 2 {
		var ok bool
		if most, ok = args[2].int(); !ok || most != int64(int32(most)) {
			return value{}, fault(column, "split into %s parts", tellNumber(m.digits(&args[2])))
		}
	}
	parts := int64(bytes.Count(x, sep)) + 1
	if most >= 0 {
		parts = min(parts, most)
	}
	if valueBytes*parts > int64(m.room) {
		return value{}, m.take(column, valueBytes*int(parts))
	}
	items := make([]value, 0, parts)
	for _, part := range bytes.SplitN(x, sep, int(most)) {
		items = append(items, textValue(part))
	}
	if err := m.spend(column, len(x)>>5); err != nil {
		return value{}, err
	}
	return m.list(column, items)
}

func join(m *machine, column int, args []value) (value, error) {
	var glue []byte
	if len(args) > 1 {
		glue = m.bytes(&args[1])
	}
	var out []byte // not in scratch, where parts may go
	var v value
	items := elements(&args[0])
	for items.next(&v) {
		if v.kind != text {
			return v, fault(column, "join of %s, want text", v.kind).advise("write map(list, string(#)) for the list")
		}
		part := m.bytes(&v)
		if err := m.take(column, len(part)+len(glue)+1); err != nil {
			return v, err
		}
		if items.i > 1 {
			out = append(out, glue...)
		}
		out = append(out, part...)
	}
	return textValue(out), nil
}

func replace(m *machine, column int, args []value) (value, error) {
	x, from, to := m.bytes(&args[0]), m.bytes(&args[1]), m.bytes(&args[2])
	count := bytes.Count(x, from)
	if err := m.take(column, len(x)+count*max(len(to)-len(from), 0)); err != nil {
		return value{}, err
	}
	return textValue(bytes.ReplaceAll(x, from, to)), m.spend(column, len(x)>>4)
}

func indexOf(m *machine, column int, args []value) (value, error) {
	x := m.bytes(&args[0])
	return intValue(int64(runeAt(x, bytes.Index(x, m.bytes(&args[1]))))), m.spend(column, len(x)>>4)
}

func lastIndexOf(m *machine, column int, args []value) (value, error) {
	x := m.bytes(&args[0])
	return intValue(int64(runeAt(x, bytes.LastIndex(x, m.bytes(&args[1]))))), m.spend(column, len(x)>>4)
}

func hasPrefix(m *machine, column int, args []value) (value, error) {
	return has(m, column, startsWith, args)
}

func hasSuffix(m *machine, column int, args []value) (value, error) {
	return has(m, column, endsWith, args)
}

func has(m *machine, column int, op operator, args []value) (value, error) {
	var out value
	err := search(m, column, op, &args[0], &args[1], &out)
	return out, err
}
