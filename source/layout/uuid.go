package layout

import "encoding/hex"

const hexDigits = "0123456789abcdef"

// AppendUUID appends 16 bytes as the text of a UUID: lower case, with dashes.
func AppendUUID(dst []byte, id [16]byte) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// AppendBytesID appends an id that is kept as bytes as text: 16 bytes as a
// UUID, others as hexadecimal digits.
func AppendBytesID(dst, id []byte) []byte {
	if len(id) == 16 {
		return AppendUUID(dst, [16]byte(id))
	}
	return hex.AppendEncode(dst, id)
}

// AppendHexUUID appends 32 hexadecimal digits as the text of a UUID. Text
// that is anything else it appends as it is.
func AppendHexUUID(dst, text []byte) []byte {
	var id [16]byte
	if len(text) != 2*len(id) {
		return append(dst, text...)
	}
	for i, c := range text {
		var v byte
		switch {
		case c >= '0' && c <= '9':
			v = c - '0'
		case c >= 'a' && c <= 'f':
			v = c - 'a' + 10
		case c >= 'A' && c <= 'F':
			v = c - 'A' + 10
		default:
			return append(dst, text...)
		}
		id[i/2] = id[i/2]<<4 | v
	}
	return AppendUUID(dst, id)
}
