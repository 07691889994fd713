package parquet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"backstory/sinks"
	"backstory/sinks/memory"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/transform"

	pq "github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
)

// rowsOf reads all rows, and what is damaged.
func rowsOf(t *testing.T, s sinks.Reader) ([]string, []*sinks.DamageError) {
	t.Helper()
	var lines []string
	err := s.Rows(t.Context(), sinktest.Job, sinktest.Generation, sinks.Query{}, func(_ *transform.Table, r transform.Record) error {
		for i := range int(r.NumRows()) {
			lines = append(lines, memory.Line(r, i))
		}
		return nil
	})
	damages, all := sinks.Damages(err)
	if !all {
		t.Fatalf("rows: %v", err)
	}
	return lines, damages
}

// TestRowsOfDamagedFile changes single bytes of a file, which is then told to
// be damaged, wherever they are. So is one of another writer, whose pages have
// no checksums: its rows are given, without a panic and in the end.
func TestRowsOfDamagedFile(t *testing.T) {
	for _, writer := range []string{"own", "another"} {
		t.Run(writer, func(t *testing.T) {
			root := scratch(t)
			s := open(t, parquet.Options{Path: root})
			defer s.Close()
			w := sinktest.Window(0, 200)
			commit(t, s, w, sinktest.Grown())
			path := tableFiles(t, root, "orders")[0]
			if writer == "another" {
				rewrite(t, path, w.Through.Seq)
			}
			rows, damages := rowsOf(t, s)
			if diff := cmp.Diff(sinktest.Lines(sinktest.Grown(), w), rows); (len(damages) == 0) != (writer == "own") || diff != "" {
				t.Fatalf("rows before: %v (-want +got):\n%s", damages, diff)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at < len(data); at += 11 {
				bad := bytes.Clone(data)
				bad[at] ^= 0x5a
				if err := os.WriteFile(path, bad, 0o666); err != nil {
					t.Fatal(err)
				}
				if _, damages := rowsOf(t, s); len(damages) == 0 {
					t.Fatalf("byte %d of %d is changed, and no damage is told", at, len(data))
				}
			}
		})
	}
}

// rewrite puts a file of another writer in the place of one with the suite's
// rows up to a position.
func rewrite(t *testing.T, path string, through int64) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Grown(), sinktest.Window(0, through))
	defer r.Release()
	w, err := pqarrow.NewFileWriter(r.Schema(), f, pq.NewWriterProperties(pq.WithCompression(compress.Codecs.Uncompressed)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil { // and the file
		t.Fatal(err)
	}
}

// TestRowsOfNobody puts a copy of a table's file beside it.
func TestRowsOfNobody(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders())
	data, err := os.ReadFile(tableFiles(t, root, "orders")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "orders", "copy.parquet"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, damages := rowsOf(t, s); len(got) != 40 || len(damages) != 0 {
		t.Fatalf("got %d rows, %v, want 40 and no damage", len(got), damages)
	}
}
