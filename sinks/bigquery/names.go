package bigquery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"backstory/source"
	"backstory/transform"
)

// The limits of names (https://cloud.google.com/bigquery/docs/schemas and
// .../docs/tables).
const (
	maxColumnName = 300
	maxTableName  = 1024
	maxName       = maxTableName - 40 // what shadows and staging tables add must fit
	maxLabel      = 63
)

// reservedColumns are beginnings of names, capitals or not, that BigQuery
// keeps for itself.
var reservedColumns = []string{
	"_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER",
	"_CHANGE_TYPE", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TIMESTAMP",
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	tableName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	notInID   = regexp.MustCompile(`[^A-Za-z0-9_-]`)
	notLabel  = regexp.MustCompile(`[^a-z0-9_-]`)
	// shadowName is what the tables of other generations are called, and those
	// that rows wait in which are to replace others.
	shadowName = regexp.MustCompile(`__(g[0-9]+|r_[0-9a-f]+_[0-9a-f]+)$`)
)

// checkColumnName tells what is wrong with the name of a column or field.
func checkColumnName(name string) error {
	if !plainName.MatchString(name) || len(name) > maxColumnName {
		return fmt.Errorf("name %q: want letters, digits and underscores, no digit in front, at most %d", clip(name), maxColumnName)
	}
	for _, prefix := range reservedColumns {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return fmt.Errorf("name %q: BigQuery keeps names that begin with %s for itself", name, prefix)
		}
	}
	return nil
}

// checkTableName refuses names that BigQuery does not take, or that are ours.
func checkTableName(name string) error {
	const hint = "give the table another name: tables: {EVENT: {name: ...}}"
	switch {
	case !tableName.MatchString(name) || len(name) > maxName:
		return refuse(hint, "use table %q: want letters, digits, dashes and underscores, at most %d", clip(name), maxName)
	case strings.EqualFold(name, loadsTable) || strings.EqualFold(name, tablesTable) || shadowName.MatchString(name):
		return refuse(hint, "use table %q: backstory needs the name for itself", name)
	}
	return nil
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "..."
	}
	return s
}

// nameIn is what a table of a generation is called while live is the one that
// readers see.
func nameIn(table string, generation, live int) string {
	if generation == live {
		return table
	}
	return shadow(table, generation)
}

// shadow is what a table of a generation is called that readers do not see.
func shadow(table string, generation int) string {
	return table + "__g" + strconv.Itoa(generation)
}

// idText makes a text one that a job ID may hold, still unique.
func idText(s string) string {
	clean := notInID.ReplaceAllString(s, "-")
	if clean != s || len(clean) > 100 {
		clean = clean[:min(len(clean), 100)] + "-" + digest(s)
	}
	return clean
}

// positionText is a position in a job ID, which may hold no dot.
func positionText(p source.Position) string {
	return strings.ReplaceAll(p.String(), ".", "t")
}

// digest is short, and different for different parts.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// label makes a text one that a label may hold, still unique.
func label(s string) string {
	clean := notLabel.ReplaceAllString(strings.ToLower(s), "_")
	if clean != s || len(clean) > maxLabel {
		clean = clean[:min(len(clean), maxLabel-13)] + "-" + digest(s)
	}
	return clean
}

// Names of our labels on tables and jobs.
const (
	labelJob         = "backstory_job"
	labelGeneration  = "backstory_generation"
	labelTable       = "backstory_table"
	labelWindow      = "backstory_window"
	labelFingerprint = "backstory_fingerprint"
	labelRows        = "backstory_rows"
	labelScript      = "backstory_script"
)

// checkColumns refuses a table whose columns BigQuery would not take.
func checkColumns(t *transform.Table) error {
	const hint = "name the column otherwise: columns: {PATH: {name: ...}}, or rename the member in an upcaster"
	seen := make(map[string]bool, len(t.Columns))
	leaves := 0
	for _, c := range t.Columns {
		if err := checkColumnName(c.Name); err != nil {
			return refuse(hint, "table %s: column %w", t.Name, err)
		}
		if key := strings.ToLower(c.Name); seen[key] {
			return refuse(hint, "table %s: two columns are named %s, capitals or not", t.Name, c.Name)
		} else {
			seen[key] = true
		}
		n, err := checkType(c.Type, 1)
		if err != nil {
			return refuse("declare the column as json: columns: {PATH: {type: json}}", "table %s: column %s: %w", t.Name, c.Name, err)
		}
		leaves += n
	}
	if leaves > maxColumns {
		return refuse("declare large objects as json: columns: {PATH: {type: json}}",
			"table %s: it has %d columns, those of objects counted; BigQuery takes %d", t.Name, leaves, maxColumns)
	}
	return nil
}
