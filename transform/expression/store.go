package expression

import (
	"unicode/utf8"

	"backstory/transform"
)

// store makes v, which is what the expression gives, a new value of a
// document.
func (m *machine) store(column int, v *value, into *transform.Document) (transform.Value, error) {
	if v.doc != nil {
		return into.Import(v.doc, v.ref), nil // the caller has weighed it
	}
	switch v.kind {
	case null:
		return into.NewNull(), nil
	case boolean:
		return into.NewBool(v.num != 0), nil
	case integer:
		return into.NewInt(v.num), nil
	case float:
		return m.storeText(column, into, transform.ValueFloat, m.digits(v))
	case decimal:
		return m.storeText(column, into, transform.ValueDecimal, v.text)
	case text:
		return m.storeText(column, into, transform.ValueString, v.text)
	case instant:
		start := len(m.scratch)
		m.scratch = appendTime(m.scratch, v.num)
		return m.storeText(column, into, transform.ValueTimestamp, m.scratch[start:])
	case list, object:
		return m.storeMade(column, v, into)
	}
	return transform.None, fault(column, "gives a duration, which no document holds").advise(durationHint)
}

func (m *machine) storeText(column int, into *transform.Document, k transform.ValueKind, text []byte) (transform.Value, error) {
	v, ok := into.NewText(k, text)
	if !ok {
		return v, fault(column, "gives %s, which no document holds", tellText(text))
	}
	return v, nil
}

func (m *machine) storeMade(column int, v *value, into *transform.Document) (transform.Value, error) {
	size := v.made.len()
	if err := m.take(column, 8*size); err != nil {
		return transform.None, err
	}
	items := make([]transform.Value, size)
	for i := range items {
		item := v.made.at(i)
		if err := m.weigh(column, &item); err != nil {
			return transform.None, err
		}
		var err error
		if items[i], err = m.store(column, &item, into); err != nil {
			return transform.None, err
		}
	}
	if v.kind == list {
		out := into.NewArray()
		into.Gather(out, items, nil)
		return out, nil
	}
	for _, name := range v.made.names {
		if !utf8.Valid(name) {
			return transform.None, fault(column, "gives a member the name %s, which is not UTF-8", tellText(name))
		}
	}
	out := into.NewObject()
	into.Gather(out, items, v.made.names)
	return out, nil
}

// weigh counts what an element takes when it is stored: one list may hold the
// same piece of a document many times.
func (m *machine) weigh(column int, v *value) error {
	if err := m.take(column, valueBytes); err != nil || v.doc == nil {
		return err
	}
	if v.kind != list && v.kind != object {
		return m.take(column, len(v.doc.Text(v.ref)))
	}
	for e := v.doc.First(v.ref); e != transform.None; e = v.doc.Next(e) {
		if err := m.take(column, len(v.doc.Name(e))); err != nil {
			return err
		}
		var inner value
		inner.load(v.doc, e)
		if err := m.weigh(column, &inner); err != nil {
			return err
		}
	}
	return nil
}
