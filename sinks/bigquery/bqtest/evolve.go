package bqtest

import (
	bq "google.golang.org/api/bigquery/v2"
)

// changes says which changes of a schema are allowed.
type changes struct{ add, relax bool }

// evolve checks that a table of the schema old may get the schema next by
// tables.patch: fields are added behind those there are, REQUIRED is relaxed,
// and nothing else is changed but descriptions.
func evolve(table string, old, next []*bq.TableFieldSchema, path string) *apiError {
	for i, o := range old {
		n := field(next, o.Name)
		if n == nil {
			return mismatch(table, "Field %s%s is missing in new schema", path, o.Name)
		}
		if next[i] != n {
			// "If you attempt to add new columns elsewhere in the array":
			// https://cloud.google.com/bigquery/docs/managing-table-schemas
			return preconditionFailed("")
		}
		if err := sameField(table, o, n, path, true); err != nil {
			return err
		}
		if err := evolve(table, o.Fields, n.Fields, path+o.Name+"."); err != nil {
			return err
		}
	}
	for _, n := range next[len(old):] {
		if n.Mode == required {
			return mismatch(table, "Cannot add required fields to an existing schema. (field: %s%s)", path, n.Name)
		}
	}
	return nil
}

// adapt checks that a job with the schema of its own may write to a table,
// and gives the schema the table gets by it. Fields of the table that the job
// lacks become NULL.
func adapt(table string, old, in []*bq.TableFieldSchema, may changes, path string) ([]*bq.TableFieldSchema, *apiError) {
	var out []*bq.TableFieldSchema
	for _, o := range old {
		n := field(in, o.Name)
		kept := *o
		switch {
		case n == nil && o.Mode == required && !may.relax:
			return nil, mismatch(table, "Field %s%s is missing in new schema", path, o.Name)
		case n == nil && o.Mode == required:
			kept.Mode = nullable
		case n != nil:
			if err := sameField(table, o, n, path, may.relax); err != nil {
				return nil, err
			}
			if o.Mode == required {
				kept.Mode = n.Mode
			}
			var err *apiError
			if kept.Fields, err = adapt(table, o.Fields, n.Fields, may, path+o.Name+"."); err != nil {
				return nil, err
			}
		}
		out = append(out, &kept)
	}
	for _, n := range in {
		if field(old, n.Name) != nil {
			continue
		}
		if !may.add {
			return nil, mismatch(table, "Cannot add fields (field: %s%s)", path, n.Name)
		}
		if n.Mode == required {
			return nil, mismatch(table, "Cannot add required fields to an existing schema. (field: %s%s)", path, n.Name)
		}
		out = append(out, n)
	}
	return out, nil
}

// sameField compares two fields without their members.
func sameField(table string, o, n *bq.TableFieldSchema, path string, relax bool) *apiError {
	if o.Type != n.Type {
		return mismatch(table, "Field %s%s has changed type from %s to %s", path, o.Name, o.Type, n.Type)
	}
	if o.Mode != n.Mode && !(relax && o.Mode == required && n.Mode == nullable) {
		return mismatch(table, "Field %s%s has changed mode from %s to %s", path, o.Name, o.Mode, n.Mode)
	}
	if o.Precision != n.Precision || o.Scale != n.Scale {
		return mismatch(table, "Field %s%s has changed type parameters from (%d, %d) to (%d, %d)", path, o.Name, o.Precision, o.Scale, n.Precision, n.Scale)
	}
	return nil
}

func mismatch(table, format string, args ...any) *apiError {
	e := invalid("Provided Schema does not match Table "+table+". "+format, args...)
	return e
}
