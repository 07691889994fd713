package checksum

import (
	"bytes"
	"encoding/json"
	"slices"

	"backstory/transform"
)

// A value that had no column when its row was loaded went to _extra, or, where
// it was an empty list or object, nowhere. When the table gets a column for it
// later, the row that is there keeps null in it, while the same event loaded
// now would have the value there. That is no damage. Late finds the columns
// for which this may be so, and Without makes the tables as they were, to be
// tried.

// Place is a column, or a field within one, one name a step.
type Place []string

// Late compares a row that is there with the one that should be, and gives the
// places at which it is null and should not be. It gives false where they
// differ in anything else but _extra.
func Late(want, got Row) ([]Place, bool) {
	var places []Place
	for _, w := range want.Columns {
		if w.Column == transform.ColExtra {
			continue
		}
		i := slices.IndexFunc(got.Columns, func(g Value) bool { return g.Column == w.Column })
		var text json.RawMessage
		if i >= 0 {
			text = got.Columns[i].Text
		}
		if !late(w.Text, text, Place{w.Column}, &places) {
			return nil, false
		}
	}
	return places, true
}

func late(want, got json.RawMessage, at Place, places *[]Place) bool {
	switch {
	case bytes.Equal(want, got):
		return true
	case isNull(got):
		*places = append(*places, slices.Clone(at))
		return true
	case isNull(want) || want[0] != got[0]:
		return false
	case want[0] == '[':
		var w, g []json.RawMessage
		if json.Unmarshal(want, &w) != nil || json.Unmarshal(got, &g) != nil || len(w) != len(g) {
			return false
		}
		for i := range w {
			if !late(w[i], g[i], at, places) {
				return false
			}
		}
		return true
	case want[0] == '{':
		var w, g map[string]json.RawMessage
		if json.Unmarshal(want, &w) != nil || json.Unmarshal(got, &g) != nil {
			return false
		}
		for name := range w {
			if !late(w[name], g[name], append(at[:len(at):len(at)], name), places) {
				return false
			}
		}
		return true
	}
	return false
}

func isNull(text json.RawMessage) bool { return len(text) == 0 || string(text) == "null" }

// Without gives a table without the columns and fields at the places. It
// gives false where nothing of the kind can have been: the columns of the
// envelope were always there.
func Without(t *transform.Table, places []Place) (*transform.Table, bool) {
	out := &transform.Table{Name: t.Name, Event: t.Event, Explode: t.Explode, Version: t.Version, Partition: t.Partition, Columns: slices.Clone(t.Columns)}
	for _, p := range places {
		i := slices.IndexFunc(out.Columns, func(c transform.Column) bool { return c.Name == p[0] })
		if i < 0 {
			continue // with another of the places
		}
		if out.Columns[i].Path == nil {
			return nil, false
		}
		if reduced, ok := without(out.Columns[i].Type, p[1:]); ok {
			out.Columns[i].Type = reduced
		} else {
			out.Columns = slices.Delete(out.Columns, i, i+1)
		}
	}
	out.Schema()
	return out, true
}

// without gives a type without a field, and false if nothing is left of it.
func without(t transform.Type, at Place) (transform.Type, bool) {
	if len(at) == 0 {
		return t, false
	}
	switch t.Kind {
	case transform.List:
		elem, ok := without(*t.Elem, at)
		t.Elem = &elem
		return t, ok
	case transform.Struct:
		i := slices.IndexFunc(t.Fields, func(f transform.Field) bool { return f.Name == at[0] })
		if i < 0 {
			return t, true
		}
		t.Fields = slices.Clone(t.Fields)
		inner, ok := without(t.Fields[i].Type, at[1:])
		if ok {
			t.Fields[i].Type = inner
		} else {
			t.Fields = slices.Delete(t.Fields, i, i+1)
		}
		return t, len(t.Fields) > 0
	}
	return t, false
}
