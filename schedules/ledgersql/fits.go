package ledgersql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"backstory/source"
)

// fits refuses a row that stands there already, that is of no job, or whose
// window overlaps the one before it.
func (in *imported) fits(s *section, values []any) error {
	key := keyText(s.name, values[:s.key])
	if in.keys[key] {
		return fmt.Errorf("%s stands there twice", key)
	}
	in.keys[key] = true
	if s.name != "job" && !in.keys[keyText("job", values[:1])] {
		return fmt.Errorf("%s is of a job that comes later or not at all", key)
	}
	if s.name != "window" && s.name != "loaded" {
		return nil
	}
	if !in.keys[keyText("generation", values[:2])] {
		return fmt.Errorf("%s is of a generation that comes later or not at all", key)
	}
	at := func(i int) source.Position {
		return source.Position{Tx: uint64(values[i].(int64)), Seq: values[i+1].(int64)}
	}
	w := source.Window{After: at(2), Through: at(4)}
	of := keyText(s.name, values[:2])
	if last, ok := in.last[of]; w.Empty() || ok && w.After.Compare(last.Through) < 0 {
		return fmt.Errorf("%s %s is empty, overlaps the one before it, or is not in order", s.name, w)
	}
	in.last[of] = w
	if s.name == "window" && values[6] != "planned" && values[6] != "loaded" {
		return fmt.Errorf("%s %s is neither planned nor loaded", s.name, w)
	}
	return nil
}

// keyText names a row by the values that tell it apart.
func keyText(section string, values []any) string {
	text, _ := json.Marshal(values) // of text and whole numbers
	return section + " " + string(text)
}

// strictly reads a line that has these members and no other.
func strictly(line []byte, out any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(out)
}

// utf8Text tells whether the line is text that both databases keep.
func utf8Text(line []byte) bool {
	return utf8.Valid(line) && !bytes.Contains(line, []byte{0})
}

// clip shortens what is shown of a value.
func clip(raw []byte) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "..."
	}
	return string(raw)
}
