package transform

// AppendJSON appends v as compact JSON text. Numbers keep their digits;
// typed values become strings (UUIDs with dashes, decimals and times as they
// were written); NaN and the infinities, which JSON does not have, become
// strings too.
func (d *Document) AppendJSON(dst []byte, v Value) []byte {
	n := &d.nodes[v]
	switch n.kind {
	case ValueNull:
		return append(dst, "null"...)
	case ValueTrue:
		return append(dst, "true"...)
	case ValueFalse:
		return append(dst, "false"...)
	case ValueInteger:
		return append(dst, d.Text(v)...)
	case ValueFloat:
		text := d.Text(v)
		if last := text[len(text)-1]; last-'0' > 9 {
			return appendQuoted(dst, text)
		}
		return append(dst, text...)
	case ValueUUID:
		dst = append(dst, '"')
		dst = appendUUID(dst, d.Text(v))
		return append(dst, '"')
	case ValueArray:
		dst = append(dst, '[')
		for c := n.first; c != None; c = d.nodes[c].next {
			if c != n.first {
				dst = append(dst, ',')
			}
			dst = d.AppendJSON(dst, c)
		}
		return append(dst, ']')
	case ValueObject:
		dst = append(dst, '{')
		for c := n.first; c != None; c = d.nodes[c].next {
			if c != n.first {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, d.Name(c))
			dst = append(dst, ':')
			dst = d.AppendJSON(dst, c)
		}
		return append(dst, '}')
	}
	if n.flags&textReplaced != 0 {
		return append(dst, d.aux[n.end:n.first]...)
	}
	return appendQuoted(dst, d.Text(v))
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends text as a JSON string, escaping only what must be.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		k := plainEnd(text, 0)
		dst = append(dst, text[:k]...)
		if text = text[k:]; len(text) == 0 {
			break
		}
		switch c := text[0]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		text = text[1:]
	}
	return append(dst, '"')
}
