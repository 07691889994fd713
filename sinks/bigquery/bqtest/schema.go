package bqtest

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	bq "google.golang.org/api/bigquery/v2"
)

// The modes of a column.
const (
	nullable = "NULLABLE"
	required = "REQUIRED"
	repeated = "REPEATED"
)

// typeNames are the names under which tables.get shows the types, by all
// names under which they may be given.
var typeNames = map[string]string{
	"STRING": "STRING", "BYTES": "BYTES", "INTEGER": "INTEGER", "INT64": "INTEGER", "FLOAT": "FLOAT", "FLOAT64": "FLOAT",
	"BOOLEAN": "BOOLEAN", "BOOL": "BOOLEAN", "TIMESTAMP": "TIMESTAMP", "DATE": "DATE", "TIME": "TIME", "DATETIME": "DATETIME",
	"NUMERIC": "NUMERIC", "DECIMAL": "NUMERIC", "BIGNUMERIC": "BIGNUMERIC", "BIGDECIMAL": "BIGNUMERIC",
	"RECORD": "RECORD", "STRUCT": "RECORD", "JSON": "JSON", "GEOGRAPHY": "GEOGRAPHY", "INTERVAL": "INTERVAL", "RANGE": "RANGE",
}

// The limits of https://cloud.google.com/bigquery/quotas#all_tables and of
// https://cloud.google.com/bigquery/docs/schemas#column_names.
const (
	maxColumns    = 10_000
	maxDepth      = 15
	maxName       = 300
	maxTableName  = 1024
	maxClustering = 4
)

var reservedPrefixes = []string{
	"_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
	"_CHANGE_TYPE", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TIMESTAMP",
}

// normal checks a schema and gives it as the service keeps it: types by
// their own names, modes always there.
func normal(schema *bq.TableSchema) (*bq.TableSchema, *apiError) {
	if schema == nil {
		return nil, nil
	}
	if schema.ForeignTypeInfo != nil {
		return nil, invalid("Foreign types are not simulated")
	}
	count := 0
	fields, err := normalFields(schema.Fields, "", 1, &count)
	if err != nil {
		return nil, err
	}
	return &bq.TableSchema{Fields: fields}, nil
}

func normalFields(fields []*bq.TableFieldSchema, path string, depth int, count *int) ([]*bq.TableFieldSchema, *apiError) {
	if depth > maxDepth {
		return nil, invalid("Schema is nested too deeply: %s is below %d levels", strings.TrimSuffix(path, "."), maxDepth)
	}
	out := make([]*bq.TableFieldSchema, len(fields))
	seen := make(map[string]bool, len(fields))
	for i, f := range fields {
		if *count++; *count > maxColumns {
			return nil, invalid("Too many total leaf fields: the schema has more than %d columns", maxColumns)
		}
		if err := checkName(f.Name, path); err != nil {
			return nil, err
		}
		if k := strings.ToLower(f.Name); seen[k] {
			return nil, invalid("Duplicate field name: %s%s. Field names are not case-sensitive", path, f.Name)
		} else {
			seen[k] = true
		}
		n, err := normalField(f, path)
		if err != nil {
			return nil, err
		}
		if n.Type == "RECORD" {
			if len(f.Fields) == 0 {
				return nil, invalid("Field %s%s is type RECORD but has no schema", path, f.Name)
			}
			if n.Fields, err = normalFields(f.Fields, path+f.Name+".", depth+1, count); err != nil {
				return nil, err
			}
		} else if len(f.Fields) > 0 {
			return nil, invalid("Field %s%s is of type %s but has fields", path, f.Name, n.Type)
		}
		out[i] = n
	}
	return out, nil
}

func normalField(f *bq.TableFieldSchema, path string) (*bq.TableFieldSchema, *apiError) {
	n := *f
	n.Type = typeNames[strings.ToUpper(f.Type)]
	if n.Type == "" {
		return nil, invalid("Invalid value for type: %s is not a valid value (field %s%s)", f.Type, path, f.Name)
	}
	switch n.Mode = strings.ToUpper(f.Mode); n.Mode {
	case "":
		n.Mode = nullable
	case nullable, required, repeated:
	default:
		return nil, invalid("Invalid value for mode: %s is not a valid value (field %s%s)", f.Mode, path, f.Name)
	}
	if utf8.RuneCountInString(f.Description) > 1024 {
		return nil, invalid("The description of field %s%s is longer than 1024 characters", path, f.Name)
	}
	return &n, checkParameters(&n, path)
}

// checkParameters checks NUMERIC(P, S) and BIGNUMERIC(P, S)
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types#parameterized_decimal_type).
func checkParameters(f *bq.TableFieldSchema, path string) *apiError {
	if f.Precision == 0 && f.Scale == 0 {
		return nil
	}
	whole, scale := int64(29), int64(9)
	switch f.Type {
	case "BIGNUMERIC":
		whole, scale = 38, 38
	case "NUMERIC":
	default:
		return invalid("Field %s%s of type %s cannot have a precision or scale", path, f.Name, f.Type)
	}
	if f.Scale < 0 || f.Scale > scale || f.Precision < max(1, f.Scale) || f.Precision > f.Scale+whole {
		return invalid("Field %s%s: %s(%d, %d) is not possible", path, f.Name, f.Type, f.Precision, f.Scale)
	}
	return nil
}

// badInNames are the characters that no column name may hold, not even a
// flexible one.
const badInNames = "!\"$()*,./;?@[\\]^`{}~"

func checkName(name, path string) *apiError {
	bad := func(why string) *apiError {
		return invalid("Invalid field name \"%s%s\". %s", path, name, why)
	}
	if name == "" || !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName {
		return bad("Fields must have a name of at most 300 characters.")
	}
	for _, r := range name {
		if strings.ContainsRune(badInNames, r) || unicode.IsControl(r) {
			return bad("Fields must contain only letters, numbers, and underscores.")
		}
	}
	if r, _ := utf8.DecodeRuneInString(name); r >= '0' && r <= '9' {
		return bad("Fields must start with a letter or underscore.")
	}
	for _, p := range reservedPrefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return bad("Fields must not start with the reserved prefix " + p + ".")
		}
	}
	return nil
}

// checkTableName follows https://cloud.google.com/bigquery/docs/tables#table_naming.
func checkTableName(name string) *apiError {
	if name == "" || len(name) > maxTableName || !utf8.ValidString(name) {
		return invalid("Invalid table ID %q. Table IDs must be of 1 to %d bytes", name, maxTableName)
	}
	for _, r := range name {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Pc, unicode.Pd, unicode.Zs) {
			return invalid("Invalid table ID %q. Table IDs must be alphanumeric (plus underscores and dashes)", name)
		}
	}
	return nil
}

var (
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

// checkLabels follows https://cloud.google.com/bigquery/docs/labels-intro#requirements.
func checkLabels(labels map[string]string) *apiError {
	if len(labels) > 64 {
		return invalid("A resource can have at most 64 labels")
	}
	for k, v := range labels {
		if !labelKey.MatchString(k) {
			return invalid("Label key %q has invalid characters or length", k)
		}
		if !labelValue.MatchString(v) {
			return invalid("Label value %q of key %q has invalid characters or length", v, k)
		}
	}
	return nil
}

// field finds a field by its name, whatever its case.
func field(fields []*bq.TableFieldSchema, name string) *bq.TableFieldSchema {
	for _, f := range fields {
		if strings.EqualFold(f.Name, name) {
			return f
		}
	}
	return nil
}

// checkPartitioning checks what a table is partitioned by.
func checkPartitioning(p *bq.TimePartitioning, schema *bq.TableSchema) *apiError {
	if p == nil {
		return nil
	}
	if _, ok := units[p.Type]; !ok {
		return invalid("Invalid time partitioning type %q", p.Type)
	}
	if p.Field == "" {
		return nil
	}
	if schema == nil {
		return invalid("Table with field based partitioning must have a schema.")
	}
	f := field(schema.Fields, p.Field)
	if f == nil {
		return invalid("The field specified for partitioning cannot be found in the schema: %s", p.Field)
	}
	if f.Mode == repeated || f.Type != "TIMESTAMP" && f.Type != "DATETIME" && f.Type != "DATE" || f.Type == "DATE" && p.Type == "HOUR" {
		return invalid("The field specified for time partitioning can only be of type TIMESTAMP, DATE or DATETIME and not REPEATED. The type found is: %s %s.", f.Mode, f.Type)
	}
	return nil
}

// clusterable types, from https://cloud.google.com/bigquery/docs/clustered-tables#cluster_column_types.
const clusterable = " BIGNUMERIC BOOLEAN DATE DATETIME GEOGRAPHY INTEGER NUMERIC RANGE STRING TIMESTAMP "

func checkClustering(c *bq.Clustering, schema *bq.TableSchema) *apiError {
	if c == nil {
		return nil
	}
	if len(c.Fields) == 0 || len(c.Fields) > maxClustering {
		return invalid("Clustering must name 1 to %d fields", maxClustering)
	}
	for _, name := range c.Fields {
		var f *bq.TableFieldSchema
		if schema != nil {
			f = field(schema.Fields, name)
		}
		if f == nil {
			return invalid("The field specified for clustering cannot be found in the schema: %s", name)
		}
		if f.Mode == repeated || !strings.Contains(clusterable, " "+f.Type+" ") {
			return invalid("Clustering is not supported on field %s of %s %s", name, f.Mode, f.Type)
		}
	}
	return nil
}
