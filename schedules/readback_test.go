package schedules_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A folder is what a reader of the Parquet files finds.
type folder struct {
	rows    map[string][]map[string]string // by table; list elements are joined
	schemas map[string]string
}

// readFolder reads all tables with another library than the one that wrote
// them. Files of a table that do not agree on their columns are an error.
func readFolder(root string) (*folder, error) {
	f := &folder{rows: make(map[string][]map[string]string), schemas: make(map[string]string)}
	tables, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		if table.Name() == "_backstory" {
			continue
		}
		if err := f.table(table.Name(), filepath.Join(root, table.Name())); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// table reads the files of a table's folder, which may be a link to one, or
// to one that is yet to come.
func (f *folder) table(name, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(dir+string(filepath.Separator), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case filepath.Ext(path) != ".parquet":
			return fmt.Errorf("%s does not belong there", path)
		}
		return f.file(name, path)
	})
}

func (f *folder) file(table, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	r, err := parquet.OpenFile(strings.NewReader(string(data)), int64(len(data)))
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if have, ok := f.schemas[table]; ok && have != r.Schema().String() {
		return fmt.Errorf("%s has the schema\n%s\nand other files of the table\n%s", path, r.Schema(), have)
	}
	f.schemas[table] = r.Schema().String()
	names := r.Schema().Columns()
	rows := parquet.MultiRowGroup(r.RowGroups()...).Rows()
	defer rows.Close()
	buf := make([]parquet.Row, 64)
	for {
		n, err := rows.ReadRows(buf)
		for _, row := range buf[:n] {
			values := make(map[string]string)
			for _, v := range row {
				name := strings.Join(names[v.Column()], ".")
				if !v.IsNull() {
					values[name] += v.String()
				}
			}
			f.rows[table] = append(f.rows[table], values)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
	}
}

// expectOnce looks for every event up to a position, once and whole, as the
// rules of an era make it.
func (f *folder) expectOnce(through int64, era string) error {
	return f.expectOnceWithout(through, era, "")
}

// expectOnceWithout does so for the events of all streams but one.
func (f *folder) expectOnceWithout(through int64, era, forgotten string) error {
	seen := make(map[string]bool)
	for table, rows := range f.rows {
		for _, row := range rows {
			at := row["position"]
			if seen[at] {
				return fmt.Errorf("the event at %s is there twice", at)
			}
			seen[at] = true
			var id int64
			if _, err := fmt.Sscan(at, &id); err != nil {
				return fmt.Errorf("position %q: %w", at, err)
			}
			e := entryAt(id)
			if row["stream_id"] == forgotten {
				return fmt.Errorf("the event at %s is not forgotten", at)
			}
			if want := strings.ToLower(strings.ReplaceAll(kindIn(era, e.kind), ".", "_")); table != want {
				return fmt.Errorf("the event at %s is in table %s, want %s", at, table, want)
			}
			if row["sku"] != fmt.Sprintf("S%d", id) || row["coupon"] != e.coupon || row["era"] != era || row["_extra"] != "" {
				return fmt.Errorf("the event at %s: got %v, want %+v", at, row, e)
			}
		}
	}
	want := 0
	for id := int64(1); id <= through; id++ {
		if streamAt(id) != forgotten {
			want++
		}
	}
	if len(seen) != want {
		return fmt.Errorf("got %d events, want %d", len(seen), want)
	}
	return nil
}

// expectTidy looks for what was not meant to stay.
func expectTidy(root string) error {
	for _, name := range []string{"tmp", "pending", "swap", "swap.json"} {
		path := filepath.Join(root, "_backstory", jobName, name)
		entries, err := os.ReadDir(path)
		if err == nil && len(entries) == 0 || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return fmt.Errorf("%s is left over: %v %w", path, entries, err)
	}
	return nil
}
