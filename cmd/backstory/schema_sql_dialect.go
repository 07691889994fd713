package main

import (
	"fmt"
	"strings"

	"backstory/transform"
)

// sqlDialect is what SQL is spelled differently for in the places that run it.
type sqlDialect interface {
	// flag is how the command line names it.
	flag() string
	// table and view give the name of a table to read, and of a view to make.
	table(t *transform.Table) string
	view(name string) string
	// quote makes an identifier of a name.
	quote(name string) string
	// all is a condition that every row meets, where a table wants to be asked
	// for a part of event_time; "" elsewhere.
	all() string
	// null is a null of a type, so that branches of a union agree.
	null(t transform.Type) string
	// text casts a value of a type to text.
	text(expr string, t transform.Type) string
	// number writes a double for object, whatever JSON has no number for.
	number(expr string) string
	// object makes JSON of named values, document of JSON text. No number
	// loses a digit by either.
	object(names, exprs []string) string
	document(expr string) string
	// newest is the value at the greatest place of those that are not null.
	newest(expr, place string) string
}

// duckDB reads the Parquet files of a folder.
type duckDB struct{ path string }

func (d duckDB) flag() string { return "duckdb" }

func (d duckDB) table(t *transform.Table) string {
	return "read_parquet(" + d.literal(strings.TrimRight(d.path, "/")+"/"+t.Name+"/**/*.parquet") + ")"
}

func (d duckDB) literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (d duckDB) view(name string) string { return d.quote(name) }

func (duckDB) quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (duckDB) all() string { return "" }

func (d duckDB) null(t transform.Type) string { return "CAST(NULL AS " + d.typeName(t) + ")" }

func (d duckDB) typeName(t transform.Type) string {
	switch t.Kind {
	case transform.Bool:
		return "BOOLEAN"
	case transform.Int64:
		return "BIGINT"
	case transform.Float64:
		return "DOUBLE"
	case transform.Decimal:
		return fmt.Sprintf("DECIMAL(%d, %d)", t.Precision, t.Scale)
	case transform.Timestamp:
		return "TIMESTAMPTZ"
	case transform.DateTime:
		return "TIMESTAMP"
	case transform.List:
		return d.typeName(*t.Elem) + "[]"
	case transform.Struct:
		return "STRUCT(" + fieldList(t.Fields, d.quote, d.typeName) + ")"
	}
	return "VARCHAR"
}

// text writes instants as BigQuery's JSON has them, in UTC whatever the
// session's time zone is.
func (duckDB) text(expr string, t transform.Type) string {
	switch t.Kind {
	case transform.Timestamp:
		return "strftime(" + expr + " AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')"
	case transform.List, transform.Struct:
		return "CAST(to_json(" + expr + ") AS VARCHAR)"
	}
	return "CAST(" + expr + " AS VARCHAR)"
}

// number writes what is no number as text, as BigQuery does by itself;
// DuckDB would write NaN as it is, which nobody can read back.
func (duckDB) number(expr string) string {
	return "CASE WHEN isfinite(" + expr + ") THEN to_json(" + expr + ") ELSE to_json(CAST(" + expr + " AS VARCHAR)) END"
}

func (d duckDB) object(names, exprs []string) string {
	pairs := make([]string, len(names))
	for i := range names {
		pairs[i] = d.literal(names[i]) + ", " + exprs[i]
	}
	return "json_object(\n" + members(pairs) + "\n  )"
}

func (duckDB) document(expr string) string { return "CAST(" + expr + " AS JSON)" }

// newest leaves nulls out by itself.
func (duckDB) newest(expr, place string) string { return "arg_max(" + expr + ", " + place + ")" }

// bigQuery reads the tables of a dataset, and makes the views beside them.
type bigQuery struct {
	dataset string
	// filter says that tables have require_partition_filter.
	filter bool
}

func (bigQuery) flag() string { return "bigquery" }

func (b bigQuery) table(t *transform.Table) string { return b.view(t.Name) }

func (b bigQuery) view(name string) string { return b.quote(b.dataset + "." + name) }

func (bigQuery) quote(name string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(name) + "`"
}

// all names only the column of the partitions, as the filter must
// (https://cloud.google.com/bigquery/docs/querying-partitioned-tables#query_with_a_required_partition_filter).
func (b bigQuery) all() string {
	if !b.filter {
		return ""
	}
	return "event_time >= TIMESTAMP '1960-01-01' OR event_time IS NULL"
}

func (b bigQuery) null(t transform.Type) string { return "CAST(NULL AS " + b.typeName(t) + ")" }

func (b bigQuery) typeName(t transform.Type) string {
	switch t.Kind {
	case transform.Bool:
		return "BOOL"
	case transform.Int64:
		return "INT64"
	case transform.Float64:
		return "FLOAT64"
	case transform.Decimal:
		// NUMERIC has 29 digits before the point and 9 behind it.
		if t.Scale <= 9 && t.Precision-t.Scale <= 29 {
			return "NUMERIC"
		}
		return "BIGNUMERIC"
	case transform.Timestamp:
		return "TIMESTAMP"
	case transform.DateTime:
		return "DATETIME"
	case transform.List:
		return "ARRAY<" + b.typeName(*t.Elem) + ">"
	case transform.Struct:
		return "STRUCT<" + fieldList(t.Fields, b.quote, b.typeName) + ">"
	}
	return "STRING"
}

func (bigQuery) text(expr string, t transform.Type) string {
	switch t.Kind {
	case transform.Timestamp:
		return "FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', " + expr + ", 'UTC')"
	case transform.List, transform.Struct:
		return "TO_JSON_STRING(" + expr + ")"
	}
	return "CAST(" + expr + " AS STRING)"
}

func (bigQuery) number(expr string) string { return expr }

// object goes by way of text, which has whole numbers past 2^53 and decimals
// as text where TO_JSON would give an error.
// https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_encodings
func (b bigQuery) object(names, exprs []string) string {
	fields := make([]string, len(names))
	for i := range names {
		fields[i] = exprs[i] + " AS " + b.quote(names[i])
	}
	return "PARSE_JSON(TO_JSON_STRING(STRUCT(\n" + members(fields) + "\n  )))"
}

// document leaves text as it is where a number in it would not keep its digits.
func (bigQuery) document(expr string) string {
	return "IF(" + expr + " IS NULL, NULL, COALESCE(SAFE.PARSE_JSON(" + expr + "), TO_JSON(" + expr + ")))"
}

func (bigQuery) newest(expr, place string) string {
	return "MAX_BY(" + expr + ", IF(" + expr + " IS NULL, NULL, " + place + "))"
}

// members puts each member into a line of its own, so that a new column is a
// new line to whoever reviews it.
func members(list []string) string { return indent(strings.Join(list, ",\n"), "    ") }

// fieldList spells the fields of a struct's type.
func fieldList(fields []transform.Field, quote func(string) string, typeName func(transform.Type) string) string {
	spelled := make([]string, len(fields))
	for i, f := range fields {
		spelled[i] = quote(f.Name) + " " + typeName(f.Type)
	}
	return strings.Join(spelled, ", ")
}
