package parquet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"backstory/transform"
)

// tablesFormat is the version of tables.json's layout.
const tablesFormat = 1

// tablesFile is tables.json: the tables of a job as they were last evolved. A
// table's folder belongs to the job whose tablesFile names it.
type tablesFile struct {
	Format     int                `json:"format"`
	Job        string             `json:"job"`
	Generation int                `json:"generation"`
	Tables     []*transform.Table `json:"tables"`
}

func (c *tablesFile) find(name string) *transform.Table {
	for _, t := range c.Tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// set puts t in the place of the table of its name, or behind the others. It
// leaves c's own list as it was: readers may hold it.
func (c *tablesFile) set(t *transform.Table) {
	t.Schema() // made once, before the table is shared
	c.Tables = slices.Clone(c.Tables)
	for i := range c.Tables {
		if c.Tables[i].Name == t.Name {
			c.Tables[i] = t
			return
		}
	}
	c.Tables = append(c.Tables, t)
}

func (c *tablesFile) encode() ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	return append(data, '\n'), err
}

// readTablesFile gives nil where there is none.
func readTablesFile(path, job string) (*tablesFile, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(err, "read %s", path)
	}
	c := &tablesFile{}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(c); err != nil {
		return nil, fault("restore it from a backup", "read %s: it is damaged: %w", path, err)
	}
	if c.Format != tablesFormat {
		return nil, fault("use the version of backstory that wrote it, or a newer one",
			"read %s: its format is %d, this version knows %d", path, c.Format, tablesFormat)
	}
	if job != "" && c.Job != job {
		return nil, fault("move it back to the folder of its job", "read %s: it is of job %q and not of job %q", path, c.Job, job)
	}
	for _, t := range c.Tables {
		t.Schema()
	}
	return c, nil
}

// owner gives the other job under path that has a table of that name.
func owner(path, table, job string) (string, error) {
	jobs, err := list(filepath.Join(path, ownDir))
	if err != nil {
		return "", explain(err, "list jobs of %s", path)
	}
	for _, other := range jobs {
		if other == job {
			continue
		}
		c, err := readTablesFile(layoutOf(path, other, 0, 0).tablesFile, "")
		if err != nil {
			return "", err
		}
		if c == nil {
			continue
		}
		for _, t := range c.Tables {
			if strings.EqualFold(t.Name, table) {
				return other, nil
			}
		}
	}
	return "", nil
}
