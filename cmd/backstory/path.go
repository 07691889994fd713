package main

import (
	"strconv"
	"strings"

	"backstory/transform"
)

// splitPath reads a dotted path, and tells whether it is one. A name with a
// dot in it, or other odd signs, stands in double quotes: "unit.price".amount.
func splitPath(text string) (steps []string, ok bool) {
	for {
		step, rest := text, ""
		if strings.HasPrefix(text, `"`) {
			quoted, err := strconv.QuotedPrefix(text)
			if err != nil {
				return nil, false
			}
			if step, err = strconv.Unquote(quoted); err != nil {
				return nil, false
			}
			rest = text[len(quoted):]
		} else {
			i := strings.IndexByte(text, '.')
			if i < 0 {
				i = len(text)
			}
			if step, rest = text[:i], text[i:]; step == "" {
				return nil, false
			}
		}
		steps = append(steps, step)
		if rest == "" {
			return steps, true
		}
		if rest[0] != '.' {
			return nil, false
		}
		text = rest[1:]
	}
}

// joinPath writes a path so that splitPath reads it back.
func joinPath(steps []string) string {
	var b strings.Builder
	for i, step := range steps {
		if i > 0 {
			b.WriteByte('.')
		}
		if quoted := strconv.Quote(step); step == "" || strings.ContainsRune(step, '.') || quoted != `"`+step+`"` {
			step = quoted
		}
		b.WriteString(step)
	}
	return b.String()
}

// columnPath writes the place that a column's values come from, "" for the
// columns of the envelope and _extra.
func columnPath(c *transform.Column) string {
	path := joinPath(c.Path)
	if c.Meta {
		return "meta." + path
	}
	return path
}
