package transform

import (
	"strconv"
	"strings"
	"unicode"
)

// columnName makes a payload name one that every reader of the tables takes
// unquoted: ASCII letters, digits and underscores, no digit in front. Other
// letters lose their marks' meaning to an underscore; names makes the
// results unique again.
func columnName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
			b.WriteRune(r)
		case r >= '0' && r <= '9':
			if i == 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	out := b.String()
	if out == "" {
		return "_"
	}
	for _, prefix := range reservedPrefixes {
		if len(out) >= len(prefix) && strings.EqualFold(out[:len(prefix)], prefix) {
			out = "data" + out
		}
	}
	return out[:min(len(out), maxColumnName)]
}

// reservedPrefixes are beginnings of names, capitals or not, that BigQuery
// keeps for itself (cloud.google.com/bigquery/docs/schemas#column_names).
var reservedPrefixes = []string{
	"_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
	"_CHANGE_TYPE", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TIMESTAMP", "_FIELD_",
}

// The longest names, with some room left for what makes a name unique:
// BigQuery allows a column 300 characters, and a file system the folder of a
// table 255.
const (
	maxColumnName = 280
	maxTableName  = 230
)

func clipTable(name string) string { return name[:min(len(name), maxTableName)] }

// TableName makes an event type the name of its table: snake case of ASCII
// letters and digits. Cart.ItemAdded becomes cart_item_added.
func TableName(event string) string {
	var b strings.Builder
	runes := []rune(event)
	for i, r := range runes {
		switch {
		case r >= '0' && r <= '9', unicode.IsLetter(r) && r < unicode.MaxASCII:
			// A capital begins a word unless the one before is a capital
			// too and the next is not a small letter: HTTPCall is http_call.
			if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) ||
				unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte('_')
		}
	}
	name := strings.Trim(b.String(), "_")
	for strings.Contains(name, "__") {
		name = strings.ReplaceAll(name, "__", "_")
	}
	if name == "" {
		return "event"
	}
	return clipTable(name)
}

// names gives out names that differ from each other, capitals or not, since
// DuckDB and BigQuery do not tell them apart by that. The zero names is
// ready to use.
type names struct{ taken map[string]bool }

// reserve takes a name that must not be given out.
func (n *names) reserve(name string) {
	if n.taken == nil {
		n.taken = make(map[string]bool)
	}
	n.taken[strings.ToLower(name)] = true
}

// pick gives out the first of the candidates that is free, or else the last
// of them with the lowest number that makes it so: price, data_price,
// data_price_2, ...
func (n *names) pick(candidates ...string) string {
	for _, c := range candidates {
		if !n.taken[strings.ToLower(c)] {
			n.reserve(c)
			return c
		}
	}
	last := candidates[len(candidates)-1]
	for i := 2; ; i++ {
		if c := last + "_" + strconv.Itoa(i); !n.taken[strings.ToLower(c)] {
			n.reserve(c)
			return c
		}
	}
}
