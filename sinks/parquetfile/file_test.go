package parquetfile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"backstory/sinks/memory"
	"backstory/sinks/parquetfile"
	"backstory/sinks/sinktest/readback"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden shows a small file as text: its footer and its rows.
func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shop.parquet")
	table := shopTable()
	f, err := parquetfile.NewFormat(parquetfile.Options{CreatedBy: "backstory version v0.0.0-test", RowGroupRows: 8})
	if err != nil {
		t.Fatal(err)
	}
	r := shopRecord(table, 1, 12)
	defer r.Release()
	write(t, path, f, table, func(w *parquetfile.Writer) error {
		return errors.Join(w.Describe(parquetfile.Pair{Key: "backstory.job", Value: "shop"}), w.Write(r))
	})
	text, err := readback.Description(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readback.Rows(path)
	if err != nil {
		t.Fatal(err)
	}
	got := text + strings.Join(rows, "\n") + "\n"
	golden := filepath.Join("testdata", "shop.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Fatalf("file as text (-want +got):\n%s", diff)
	}
}

// TestDefaults writes enough rows for pages, dictionaries and row groups of
// the usual sizes, and copies them.
func TestDefaults(t *testing.T) {
	dir := t.TempDir()
	f, err := parquetfile.NewFormat(parquetfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := shopTable()
	var want []string
	path := filepath.Join(dir, "a.parquet")
	write(t, path, f, table, func(w *parquetfile.Writer) error {
		for first := 1; first < 130_000; first += 65_000 {
			r := shopRecord(table, first, 65_000)
			defer r.Release()
			for i := range int(r.NumRows()) {
				want = append(want, memory.Line(r, i))
			}
			if err := w.Write(r); err != nil {
				return err
			}
		}
		return nil
	})
	expectRows(t, path, want)
	for _, copyFile := range copies {
		to := filepath.Join(dir, "b.parquet")
		copyTo(t, path, to, f, table, copyFile)
		expectRows(t, to, want)
	}
}

// TestCopyGroupsOtherCodec copies a file that cannot be copied as it is.
func TestCopyGroupsOtherCodec(t *testing.T) {
	dir := t.TempDir()
	table := shopTable()
	r := shopRecord(table, 1, 500)
	defer r.Release()
	var want []string
	for i := range int(r.NumRows()) {
		want = append(want, memory.Line(r, i))
	}
	from, to := filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet")
	write(t, from, newFormat(t, parquetfile.Options{Codec: parquetfile.Snappy}), table, func(w *parquetfile.Writer) error { return w.Write(r) })
	copyTo(t, from, to, newFormat(t, parquetfile.Options{RowGroupRows: 100}), table, (*parquetfile.Writer).CopyGroups)
	expectRows(t, to, want)
}

// TestHugeValues writes values that are each larger than a page.
func TestHugeValues(t *testing.T) {
	table := &transform.Table{Name: "t", Columns: []transform.Column{
		{Name: "text", Type: transform.Type{Kind: transform.JSON}},
		{Name: "list", Type: transform.Type{Kind: transform.List, Elem: &transform.Type{Kind: transform.String}}},
	}}
	f, err := parquetfile.NewFormat(parquetfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, table.Schema())
	defer b.Release()
	for i := range 20 {
		huge := strings.Repeat(string(rune('a'+i)), 300_000+i)
		b.Field(0).(*array.StringBuilder).Append(huge)
		list := b.Field(1).(*array.ListBuilder)
		list.Append(true)
		list.ValueBuilder().(*array.StringBuilder).Append(huge)
		list.ValueBuilder().(*array.StringBuilder).AppendNull()
	}
	r := b.NewRecord()
	defer r.Release()
	var want []string
	for i := range int(r.NumRows()) {
		want = append(want, memory.Line(r, i))
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.parquet")
	write(t, path, f, table, func(w *parquetfile.Writer) error { return w.Write(r) })
	expectRows(t, path, want)
	to := filepath.Join(dir, "b.parquet")
	copyTo(t, path, to, f, table, (*parquetfile.Writer).AppendRows)
	expectRows(t, to, want)
}

func TestRefusals(t *testing.T) {
	table := shopTable()
	f := newFormat(t, parquetfile.Options{})
	w, err := f.NewWriter(io.Discard, table)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, table.Schema())
	defer b.Release()
	for _, field := range b.Fields() {
		field.AppendNull()
	}
	nulls := b.NewRecord()
	defer nulls.Release()
	if err := w.Write(nulls); err == nil || !strings.Contains(err.Error(), "position is required") {
		t.Errorf("write a null to a required column: got %v", err)
	}
	other := &transform.Table{Name: "other", Columns: table.Columns[:3]}
	r := array.NewRecord(other.Schema(), nulls.Columns()[:3], 1)
	defer r.Release()
	if err := w.Write(r); err == nil || !strings.Contains(err.Error(), "3 columns") {
		t.Errorf("write a record of other columns: got %v", err)
	}
	for _, o := range []parquetfile.Options{{Codec: "lzo"}, {Level: 23}, {Level: -1}} {
		if _, err := parquetfile.NewFormat(o); err == nil {
			t.Errorf("format %+v: got no error", o)
		}
	}
	bad := &transform.Table{Name: "bad", Columns: []transform.Column{{Name: "d", Type: transform.Type{Kind: transform.Decimal, Precision: 40}}}}
	if _, err := f.NewWriter(io.Discard, bad); err == nil {
		t.Error("write a decimal of 40 digits: got no error")
	}
}

// full is a disk that takes some bytes and no more.
type full struct{ left int }

var errFull = errors.New("the disk is full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

// TestFull stops the file at each of its bytes, roughly: the error must come
// back from some call, the last at Close.
func TestFull(t *testing.T) {
	table := shopTable()
	r := shopRecord(table, 1, 200)
	defer r.Release()
	f := newFormat(t, parquetfile.Options{RowGroupRows: 90})
	try := func(w io.Writer) error {
		pw, err := f.NewWriter(w, table)
		if err != nil {
			t.Fatal(err)
		}
		return errors.Join(pw.Write(r), pw.Close())
	}
	var whole bytes.Buffer
	if err := try(&whole); err != nil {
		t.Fatal(err)
	}
	for size := 0; size < whole.Len(); size += 37 {
		if err := try(&full{size}); !errors.Is(err, errFull) {
			t.Fatalf("write %d of %d bytes: got %v", size, whole.Len(), err)
		}
	}
	if err := try(&full{whole.Len() - 1}); !errors.Is(err, errFull) {
		t.Fatalf("write all bytes but one: got %v", err)
	}
}

// TestDamaged copies files of which a byte was changed: damage of a page is
// always seen, and none is met with a panic.
func TestDamaged(t *testing.T) {
	table := shopTable()
	r := shopRecord(table, 1, 200)
	defer r.Release()
	f := newFormat(t, parquetfile.Options{})
	var whole bytes.Buffer
	w, err := f.NewWriter(&whole, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(r), w.Close()); err != nil {
		t.Fatal(err)
	}
	footer := whole.Len() - 8 - int(binary.LittleEndian.Uint32(whole.Bytes()[whole.Len()-8:]))
	for at := 4; at < whole.Len(); at += 7 {
		data := bytes.Clone(whole.Bytes())
		data[at] ^= 0x5a
		r, err := parquetfile.NewReader(bytes.NewReader(data), int64(len(data)))
		for name, copyFile := range map[string]func(*parquetfile.Writer, *parquetfile.Reader) error{
			"CopyGroups": (*parquetfile.Writer).CopyGroups,
			"AppendRows": (*parquetfile.Writer).AppendRows,
			"AppendRange": func(w *parquetfile.Writer, r *parquetfile.Reader) error {
				return w.AppendRange(r, 1, r.Rows()-1)
			},
		} {
			if err != nil {
				continue
			}
			w, werr := f.NewWriter(io.Discard, table)
			if werr != nil {
				t.Fatal(werr)
			}
			if err := copyFile(w, r); err == nil && at < footer {
				t.Fatalf("%s with byte %d of %d damaged: got no error", name, at, footer)
			}
		}
	}
}

// TestBuffered compares what Buffered gives with the memory that is held.
func TestBuffered(t *testing.T) {
	f, err := parquetfile.NewFormat(parquetfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := shopTable()
	r := shopRecord(table, 1, 20_000)
	defer r.Release()
	const writers = 4
	var ws []*parquetfile.Writer
	before := heap()
	for range writers {
		w, err := f.NewWriter(io.Discard, table)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := w.Write(r); err != nil {
				t.Fatal(err)
			}
		}
		ws = append(ws, w)
	}
	held := heap() - before
	var said int64
	for _, w := range ws {
		said += w.Buffered()
	}
	t.Logf("an open row group of 100,000 rows holds %d KiB, Buffered gives %d KiB", held/writers>>10, said/writers>>10)
	if float64(held) > 1.3*float64(said) || float64(held) < 0.5*float64(said) {
		t.Errorf("memory of %d writers: %d bytes are held, Buffered gives %d", writers, held, said)
	}
	for _, w := range ws {
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if after := heap() - before; after > said/8 {
		t.Errorf("after Flush %d bytes are held", after)
	}
	runtime.KeepAlive(ws)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
