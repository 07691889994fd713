package upcast

import (
	"strconv"

	"backstory/source"
	"backstory/transform"
)

// appendScalar appends the text of a scalar as a column of text would hold
// it: numbers as they are written, true and false, UUIDs in lower case with
// dashes. It gives false for lists, objects and null.
func appendScalar(dst []byte, doc *transform.Document, v transform.Value) ([]byte, bool) {
	switch doc.Kind(v) {
	case transform.ValueNull, transform.ValueArray, transform.ValueObject:
		return dst, false
	case transform.ValueTrue:
		return append(dst, "true"...), true
	case transform.ValueFalse:
		return append(dst, "false"...), true
	case transform.ValueUUID:
		start := len(dst)
		dst = doc.AppendJSON(dst, v)
		n := copy(dst[start:], dst[start+1:len(dst)-1]) // without the quotes
		return dst[:start+n], true
	}
	return append(dst, doc.Text(v)...), true
}

// show tells a value in messages: scalars as they are, but for length, and of
// the others what they are.
func show(doc *transform.Document, v transform.Value) source.Told {
	told := source.Told{Kind: article(doc.Kind(v))}
	text, ok := appendScalar(nil, doc, v)
	switch {
	case !ok:
		told.Value = told.Kind
	case doc.Kind(v) == transform.ValueString:
		told.Value = "the string " + strconv.Quote(source.Clip(text))
	default:
		told.Value = source.Clip(text)
	}
	return told
}

// showText tells a text in messages.
func showText(text []byte) source.Told {
	return source.Told{Value: strconv.Quote(source.Clip(text)), Kind: "a text"}
}
