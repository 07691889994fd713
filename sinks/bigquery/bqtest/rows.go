package bqtest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// Row is one row of a table, its columns in their order.
type Row []Cell

// Cell is one column of a row.
type Cell struct {
	Name string
	// Text is the value as JSON: INT64, FLOAT64 and BOOL bare, NUMERIC and
	// BIGNUMERIC as strings without trailing zeros, TIMESTAMP as
	// "2025-01-31T12:00:00.000000Z", DATETIME the same without Z, DATE as
	// "2025-01-31", BYTES in base64, RECORD as an object, REPEATED as a list,
	// which is never null. NaN and infinities stand as strconv writes them.
	Text string
}

// String gives the row as one JSON object: {"a": 1, "b": "x"}.
func (r Row) String() string {
	items := make([]string, len(r))
	for i, c := range r {
		items[i] = quote(c.Name) + ": " + c.Text
	}
	return "{" + strings.Join(items, ", ") + "}"
}

// Get gives the text of a column, "null" if there is no such column.
func (r Row) Get(name string) string {
	for _, c := range r {
		if strings.EqualFold(c.Name, name) {
			return c.Text
		}
	}
	return "null"
}

// rows gives the rows from one on, limit of them or all if it is negative.
func (t *table) rows(from, limit int) ([]Row, error) {
	var out []Row
	err := t.each(from, limit, func(values []any) {
		row := make(Row, len(values))
		for i, f := range t.fields() {
			row[i] = Cell{f.Name, jsonText(f, values[i])}
		}
		out = append(out, row)
	})
	if err != nil {
		return nil, fmt.Errorf("read rows of %s: %w", t.name(), err)
	}
	return out, nil
}

// each calls fn with the values of the table's fields.
func (t *table) each(from, limit int, fn func(values []any)) error {
	for _, p := range t.segments {
		n, _ := p.counts()
		if from >= n {
			from -= n
			continue
		}
		if limit == 0 {
			return nil
		}
		// Where all rows are there, they need not be counted one by one.
		start, skip := from, 0
		if len(p.gone) > 0 {
			start, skip = 0, from
		}
		from = 0
		err := p.file.each(start, -1, func(row int, values []any) *apiError {
			switch {
			case !p.has(row):
			case skip > 0:
				skip--
			case limit == 0:
				return enough
			default:
				limit--
				fn(align(t.fields(), p.file.fields, values))
			}
			return nil
		})
		if err != nil && err != enough {
			return err
		}
	}
	return nil
}

var enough = fail(0, "", "enough rows")

// align brings values of the fields a file was loaded with under the fields
// the table has now.
func align(to, from []*bq.TableFieldSchema, values []any) []any {
	out := make([]any, len(to))
	for i, f := range to {
		if f.Mode == repeated {
			out[i] = []any{}
		}
		for k, was := range from {
			if !strings.EqualFold(was.Name, f.Name) {
				continue
			}
			out[i] = values[k]
			record, ok := values[k].([]any)
			switch {
			case f.Type != "RECORD" || !ok:
			case f.Mode != repeated:
				out[i] = align(f.Fields, was.Fields, record)
			default:
				items := make([]any, len(record))
				for e, item := range record {
					items[e] = align(f.Fields, was.Fields, item.([]any))
				}
				out[i] = items
			}
		}
	}
	return out
}

// jsonText is a value as Cell says.
func jsonText(f *bq.TableFieldSchema, v any) string {
	if v == nil {
		return "null"
	}
	if f.Mode == repeated {
		one := *f
		one.Mode = nullable
		var items []string
		for _, e := range v.([]any) {
			items = append(items, jsonText(&one, e))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if f.Type == "INTEGER" {
			return strconv.FormatInt(v, 10)
		}
		return quote(timeText(f.Type, v))
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return quote(base64.StdEncoding.EncodeToString(v))
	case []any:
		items := make([]string, len(v))
		for i, m := range f.Fields {
			items[i] = quote(m.Name) + ": " + jsonText(m, v[i])
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return quote(v.(string))
}

const microText = "2006-01-02T15:04:05.000000"

func timeText(typ string, v int64) string {
	switch typ {
	case "DATE":
		return time.Unix(v*86400, 0).UTC().Format(time.DateOnly)
	case "DATETIME":
		return time.UnixMicro(v).UTC().Format(microText)
	}
	return time.UnixMicro(v).UTC().Format(microText) + "Z"
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(b)
}
