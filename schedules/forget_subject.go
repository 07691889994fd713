package schedules

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// choose finds the streams that mention a subject: those with a row that has
// the value in the column, in any table, and those that have it anywhere in
// what has no columns: _extra, the payloads in quarantine, and the table of all
// types where types have no tables. Rows with it that name no stream are counted.
func (f *finding) choose(ctx context.Context, column, value string) error {
	typed, whole, types := false, false, false
	named := []string{column} // as the tables write it, in capitals or not
	for _, t := range f.run.catalog.Tables() {
		if i := t.Column(column); i >= 0 {
			typed = true
			if name := t.Columns[i].Name; !slices.Contains(named, name) {
				named = append(named, name)
			}
		}
		types = types || t.Event != ""
		whole = whole || t.Event == "" && !t.IsQuarantine()
	}
	// Where types have tables, a name that no column has is a mistake, which
	// must not choose by whatever has the value.
	if !typed && (types || !whole) {
		return source.Setup("backstory schema show lists the columns", "job %s: no table has a column %s", f.run.job.Name, column)
	}
	s := newSubject(value)
	texts := []string{transform.ColExtra, transform.ColData, transform.ColMeta, transform.ColReason}
	q := sinks.Query{Columns: slices.Concat([]string{transform.ColStreamID}, named, texts)}
	return f.each(ctx, q, func(t *transform.Table, r transform.Record) error {
		streams, ok := transform.CellsOf(r, transform.ColStreamID)
		if !ok {
			return nil
		}
		var looked []transform.Cells
		for _, name := range texts {
			c, ok := transform.CellsOf(r, name)
			if ok && (name == transform.ColExtra || t.IsQuarantine() || !typed && t.Event == "") {
				looked = append(looked, c)
			}
		}
		var at transform.Cells
		c := t.Column(column)
		inColumn := c >= 0
		if inColumn {
			at, inColumn = transform.CellsOf(r, t.Columns[c].Name)
		}
		nested := inColumn && nests(t.Columns[c].Type)
		for i := range int(r.NumRows()) {
			found := slices.ContainsFunc(looked, func(c transform.Cells) bool {
				text, ok := c.Text(i)
				return ok && s.in(text)
			})
			if inColumn && !found {
				text, ok := at.Text(i)
				found = ok && (s.is(text) || nested && s.in(text))
			}
			if !found {
				continue
			}
			if stream, ok := streams.Text(i); ok && stream != "" {
				f.streams[stream] = true
			} else {
				f.nameless++
			}
		}
		return nil
	})
}

// nests tells whether values of a type hold others.
func nests(t transform.Type) bool {
	switch t.Kind {
	case transform.List, transform.Struct, transform.JSON:
		return true
	}
	return false
}

// A subject is a value to be found. One that is a UUID is found with dashes and
// without, in capitals or not.
type subject struct {
	value, uuid string
}

func newSubject(value string) subject { return subject{value, uuidDigits(value)} }

// uuidDigits gives the digits of a UUID, "" for all that is none.
func uuidDigits(s string) string {
	if len(s) != 36 && len(s) != 32 {
		return ""
	}
	digits := strings.ToLower(strings.ReplaceAll(s, "-", ""))
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return ""
	}
	return digits
}

func (s subject) is(text string) bool {
	return text == s.value || s.uuid != "" && uuidDigits(text) == s.uuid
}

// in looks for the subject among the scalars of a JSON document, or, in what is
// none, for its text. Bytes that are no text stand there in base 64.
func (s subject) in(text string) bool {
	if encoded, ok := strings.CutPrefix(text, "base64:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			text = string(raw)
		}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch v := token.(type) {
		case string:
			if s.is(v) {
				return true
			}
		case json.Number:
			if s.is(v.String()) {
				return true
			}
		}
	}
	if json.Valid([]byte(text)) {
		return false
	}
	lower := bytes.ToLower([]byte(text))
	return strings.Contains(text, s.value) || s.uuid != "" && (bytes.Contains(lower, []byte(s.uuid)) || bytes.Contains(lower, []byte(strings.ToLower(s.value))))
}
