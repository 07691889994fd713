package parquetfile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"backstory/sinks/memory"
	"backstory/sinks/parquetfile"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
)

// expectRecords reads a file back as records, whole and in every column alone.
func expectRecords(t tb, path string, table *transform.Table, want []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := parquetfile.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	fresh := &transform.Table{Name: table.Name, Columns: table.Columns} // with a schema of its own
	all := make([]int, len(fresh.Columns))
	for i := range all {
		all[i] = i
	}
	var got []string
	err = r.Records(fresh, all, func(rec arrow.Record) error {
		for i := range int(rec.NumRows()) {
			got = append(got, memory.Line(rec, i))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rows as records (-want +got):\n%s", diff)
	}
	for i := range all {
		rows := 0
		err := r.Records(fresh, all[i:i+1], func(rec arrow.Record) error {
			rows += int(rec.NumRows())
			return nil
		})
		if err != nil || rows != len(want) {
			t.Fatalf("column %s: got %d rows, %v, want %d", fresh.Columns[i].Name, rows, err, len(want))
		}
	}
}

// TestRecordsDamaged reads a file of which one byte after the other was
// changed: damage of a page is always seen, and none is met with a panic.
func TestRecordsDamaged(t *testing.T) {
	table := shopTable()
	rec := shopRecord(table, 1, 200)
	defer rec.Release()
	var whole bytes.Buffer
	w, err := newFormat(t, parquetfile.Options{}).NewWriter(&whole, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(rec), w.Close()); err != nil {
		t.Fatal(err)
	}
	all := make([]int, len(table.Columns))
	for i := range all {
		all[i] = i
	}
	footer := whole.Len() - 8 - int(binary.LittleEndian.Uint32(whole.Bytes()[whole.Len()-8:]))
	for at := 4; at < whole.Len(); at += 3 {
		data := bytes.Clone(whole.Bytes())
		data[at] ^= 0x5a
		r, err := parquetfile.NewReader(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			err = r.Records(table, all, func(arrow.Record) error { return nil })
		}
		if err == nil && at < footer {
			t.Fatalf("byte %d of %d damaged: got no error", at, footer)
		}
	}
}
