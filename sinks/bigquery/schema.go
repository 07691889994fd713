package bigquery

import (
	"fmt"
	"strings"

	"backstory/transform"

	"cloud.google.com/go/bigquery"
)

// The limits of schemas (https://cloud.google.com/bigquery/quotas#all_tables).
const (
	maxColumns = 10_000
	maxDepth   = 15
)

// The digits that fit BigQuery's decimal types, before and behind the point.
const (
	numericWhole, numericScale       = 29, 9
	bigNumericWhole, bigNumericScale = 38, 38
)

// schemaOf gives a table's columns as BigQuery has them. Descriptions are for
// who looks at the table, and left out where only types matter.
func schemaOf(t *transform.Table, describe bool) bigquery.Schema {
	schema := make(bigquery.Schema, len(t.Columns))
	for i, c := range t.Columns {
		schema[i] = fieldOf(c.Name, c.Type)
		schema[i].Required = c.Required && !schema[i].Repeated
		if describe {
			schema[i].Description = describeColumn(c)
		}
	}
	return schema
}

// fieldOf maps a type (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#type_conversions).
// A list of lists was refused by checkType.
func fieldOf(name string, t transform.Type) *bigquery.FieldSchema {
	f := &bigquery.FieldSchema{Name: name}
	switch t.Kind {
	case transform.Bool:
		f.Type = bigquery.BooleanFieldType
	case transform.Int64:
		f.Type = bigquery.IntegerFieldType
	case transform.Float64:
		f.Type = bigquery.FloatFieldType
	case transform.Decimal:
		f.Type = bigquery.BigNumericFieldType
		if t.Precision-t.Scale <= numericWhole && t.Scale <= numericScale {
			f.Type = bigquery.NumericFieldType
		}
	case transform.Timestamp:
		f.Type = bigquery.TimestampFieldType
	case transform.DateTime:
		f.Type = bigquery.DateTimeFieldType
	case transform.List:
		f = fieldOf(name, *t.Elem)
		f.Repeated = true
	case transform.Struct:
		f.Type = bigquery.RecordFieldType
		for _, inner := range t.Fields {
			f.Schema = append(f.Schema, fieldOf(inner.Name, inner.Type))
		}
	default: // JSON text too: a JSON column cannot be loaded from Parquet
		f.Type = bigquery.StringFieldType
	}
	return f
}

// checkType refuses a type that BigQuery cannot hold, and counts its columns
// with those of the objects in it.
func checkType(t transform.Type, depth int) (leaves int, err error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("type %s: objects are nested in more than %d levels", clip(t.String()), maxDepth)
	}
	switch t.Kind {
	case transform.List:
		if t.Elem.Kind == transform.List {
			return 0, fmt.Errorf("type %s: BigQuery has no lists of lists", clip(t.String()))
		}
		return checkType(*t.Elem, depth)
	case transform.Struct:
		leaves = 1
		seen := make(map[string]bool, len(t.Fields))
		for _, f := range t.Fields {
			if err := checkColumnName(f.Name); err != nil {
				return 0, fmt.Errorf("field %w", err)
			}
			key := strings.ToLower(f.Name)
			if seen[key] {
				return 0, fmt.Errorf("two fields are named %s, capitals or not", f.Name)
			}
			seen[key] = true
			n, err := checkType(f.Type, depth+1)
			if err != nil {
				return 0, err
			}
			leaves += n
		}
		return leaves, nil
	case transform.Decimal:
		if t.Scale > bigNumericScale || t.Precision-t.Scale > bigNumericWhole {
			return 0, fmt.Errorf("type %s: BigQuery holds %d digits before the point and %d behind it", t, bigNumericWhole, bigNumericScale)
		}
	}
	return 1, nil
}

// describeColumn says where a column's values come from.
func describeColumn(c transform.Column) string {
	var parts []string
	switch {
	case c.Name == transform.ColExtra:
		parts = append(parts, "what fitted no other column, as JSON text by dotted path")
	case c.Path == nil:
	case c.Meta:
		parts = append(parts, "metadata "+strings.Join(c.Path, "."))
	default:
		parts = append(parts, "payload "+strings.Join(c.Path, "."))
	}
	parts = append(parts, c.Type.String())
	if c.Masked {
		parts = append(parts, "masked")
	}
	if !c.Since.IsZero() {
		parts = append(parts, "since position "+c.Since.String())
	}
	text := strings.Join(parts, "; ")
	const most = 1024 // BigQuery's limit, in characters; a byte is no more than one
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// describeTable says what a table's rows are.
func describeTable(t *transform.Table) string {
	switch {
	case t.Name == loadsTable:
		return "One row for each window that is loaded. Backstory's own: do not change it."
	case t.Name == tablesTable:
		return "The tables of each job and what became of them. Backstory's own: do not change it."
	case t.IsQuarantine():
		return "Events that could not be decoded, upcast or typed, with the reason. Written by Backstory."
	case t.Explode != nil:
		return "Elements of " + strings.Join(t.Explode, ".") + " of event " + t.Event + ", one a row. Written by Backstory."
	case t.Event != "":
		return "Events " + t.Event + ", one a row. Written by Backstory."
	}
	return "Events of all types, one a row. Written by Backstory."
}

// grown tells why rows of now cannot go where those of old are; fields that
// now has beyond old's are no reason.
func grown(now, old *bigquery.FieldSchema) error {
	switch {
	case typeName(now.Type) != typeName(old.Type):
		return fmt.Errorf("it is %s and not %s", modeName(old), modeName(now))
	case now.Repeated != old.Repeated, now.Required != old.Required:
		return fmt.Errorf("it is %s and not %s", modeName(old), modeName(now))
	}
	for _, f := range now.Schema {
		if i := indexOf(old.Schema, f.Name); i >= 0 {
			if err := grown(f, old.Schema[i]); err != nil {
				return fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	}
	return nil
}

// merge gives the fields that are there with those that are new behind them,
// and tells whether anything was added or described otherwise.
func merge(there, want bigquery.Schema) (merged bigquery.Schema, changed bool) {
	for _, f := range there {
		c := *f
		if i := indexOf(want, f.Name); i >= 0 {
			inner, grew := merge(f.Schema, want[i].Schema)
			c.Schema = inner
			changed = changed || grew
			if d := want[i].Description; d != "" && d != c.Description {
				c.Description, changed = d, true
			}
		}
		merged = append(merged, &c)
	}
	for _, f := range want {
		if indexOf(there, f.Name) < 0 {
			merged, changed = append(merged, f), true
		}
	}
	return merged, changed
}

func indexOf(schema bigquery.Schema, name string) int {
	for i, f := range schema {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	return -1
}

// typeName gives a type by its one name: some have two.
func typeName(t bigquery.FieldType) bigquery.FieldType {
	switch t {
	case "INT64":
		return bigquery.IntegerFieldType
	case "FLOAT64":
		return bigquery.FloatFieldType
	case "BOOL":
		return bigquery.BooleanFieldType
	case "STRUCT":
		return bigquery.RecordFieldType
	}
	return t
}

func modeName(f *bigquery.FieldSchema) string {
	switch {
	case f.Repeated:
		return "REPEATED " + string(f.Type)
	case f.Required:
		return "REQUIRED " + string(f.Type)
	}
	return string(f.Type)
}
