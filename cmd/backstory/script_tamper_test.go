package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	pq "github.com/parquet-go/parquet-go"
)

// tamper GLOB delete|double|move|alter POSITION [...] writes the one file that
// matches anew, as some other program would: without a row, with one twice, with
// one at another POSITION, or with another text in a COLUMN of one.
func tamper(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: tamper GLOB delete|double POSITION | move POSITION TO | alter POSITION COLUMN TEXT")
	}
	found, err := filepath.Glob(args[0])
	if err != nil || len(found) != 1 {
		return fmt.Errorf("%d files match %s, want one (%v)", len(found), args[0], err)
	}
	position, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return err
	}
	rows, schema, err := readRows(found[0])
	if err != nil {
		return err
	}
	out, err := os.Create(found[0])
	if err != nil {
		return err
	}
	defer out.Close()
	w := pq.NewWriter(out, schema)
	hits := 0
	for _, row := range rows {
		keep := []pq.Row{row}
		if leafOf(schema, row, "position").Int64() == position {
			hits++
			switch args[1] {
			case "delete":
				keep = nil
			case "double":
				keep = append(keep, row)
			case "move":
				to, err := strconv.ParseInt(args[3], 10, 64)
				if err != nil {
					return err
				}
				set(leafOf(schema, row, "position"), pq.Int64Value(to))
			case "alter":
				set(leafOf(schema, row, args[3]), pq.ByteArrayValue([]byte(args[4])))
			default:
				return fmt.Errorf("tamper %s: want delete, double, move or alter", args[1])
			}
		}
		if _, err := w.WriteRows(keep); err != nil {
			return err
		}
	}
	if hits == 0 {
		return fmt.Errorf("%s has no row at position %d", found[0], position)
	}
	return errors.Join(w.Close(), out.Close())
}

// readRows reads all rows of a file.
func readRows(path string) ([]pq.Row, *pq.Schema, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r := pq.NewReader(f)
	defer r.Close()
	var rows []pq.Row
	for buf := make([]pq.Row, 1); ; {
		n, err := r.ReadRows(buf)
		if n == 1 {
			rows = append(rows, buf[0].Clone())
		}
		if err == io.EOF {
			return rows, r.Schema(), nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// leafOf gives the value of a row in a column.
func leafOf(schema *pq.Schema, row pq.Row, name string) *pq.Value {
	leaf, ok := schema.Lookup(name)
	for i := range row {
		if ok && row[i].Column() == leaf.ColumnIndex {
			return &row[i]
		}
	}
	return &pq.Value{}
}

// set puts a value in the place of another that is not null.
func set(v *pq.Value, to pq.Value) {
	*v = to.Level(v.RepetitionLevel(), v.DefinitionLevel(), v.Column())
}
