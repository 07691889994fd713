package parquetfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// magic begins and ends a file.
const magic = "PAR1"

// Pair is one entry of a file's key-value metadata.
type Pair struct{ Key, Value string }

// Writer writes one file. It holds one row group in memory and writes it out
// as a whole: nothing reaches the io.Writer between two row groups, so that
// its file need not stay open. It is for one goroutine.
type Writer struct {
	format *Format
	table  *transform.Table
	layout *layout
	props  *parquet.WriterProperties
	footer *metadata.FileMetaDataBuilder
	out    counter
	s      scratch

	open   int // rows of the open row group
	rows   int64
	groups int16
}

// NewWriter makes a Writer of t's rows to w. Nothing is written before the
// first row group is.
func (f *Format) NewWriter(w io.Writer, t *transform.Table) (*Writer, error) {
	l, err := newLayout(f, t)
	if err != nil {
		return nil, err
	}
	props := []parquet.WriterProperty{parquet.WithCompression(f.codec), parquet.WithCreatedBy(f.created), parquet.WithVersion(parquet.V2_LATEST)}
	for path, e := range l.encodings {
		props = append(props, parquet.WithEncodingFor(path, e))
	}
	all := parquet.NewWriterProperties(props...)
	return &Writer{
		format: f,
		table:  t,
		layout: l,
		props:  all,
		footer: metadata.NewFileMetadataBuilder(schema.NewSchema(l.root), all, nil),
		out:    counter{w: w},
	}, nil
}

// Describe adds to the file's key-value metadata, at any time before Close.
func (w *Writer) Describe(facts ...Pair) error {
	for _, p := range facts {
		if err := w.footer.AppendKeyValueMetadata(p.Key, p.Value); err != nil {
			return fmt.Errorf("describe file of table %s: %w", w.table.Name, err)
		}
	}
	return nil
}

// Write adds the rows of r, which is borrowed until Write returns.
func (w *Writer) Write(r arrow.Record) error { return w.WriteRows(r, 0, int(r.NumRows())) }

// WriteRows adds the rows of r from from up to but not including to. The
// record is borrowed until WriteRows returns. A row group that is full is
// written out.
func (w *Writer) WriteRows(r arrow.Record, from, to int) error {
	if err := check(r, w.table); err != nil {
		return err
	}
	for i, c := range w.table.Columns {
		if c.Required && r.Column(i).NullN() > 0 {
			return fmt.Errorf("write to table %s: column %s is required and holds a null", w.table.Name, c.Name)
		}
	}
	for from < to {
		n := min(to-from, w.format.rows-w.open)
		for i, c := range w.layout.columns {
			c.write(r.Column(i), from, from+n, &w.s)
		}
		w.open += n
		w.rows += int64(n)
		from += n
		if w.open >= w.format.rows || w.Buffered() >= w.format.bytes {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Rows is the number of rows written.
func (w *Writer) Rows() int64 { return w.rows }

// Bytes is the size of the file so far, without the open row group.
func (w *Writer) Bytes() int64 { return w.out.n }

// Checksum is the CRC-32C of these bytes.
func (w *Writer) Checksum() uint32 { return w.out.crc }

// Castagnoli is the table of Checksum's polynomial, which processors know.
var Castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Buffered is the memory that the open row group holds, in bytes.
func (w *Writer) Buffered() int64 {
	n := int64(cap(w.s.raw) + cap(w.s.packed))
	for _, l := range w.layout.leaves {
		n += l.buffered()
	}
	return n
}

// Flush writes the open row group out and gives its memory back. It is for
// a caller who runs short of memory; many small row groups are slow to read.
func (w *Writer) Flush() error {
	if w.open == 0 {
		return nil
	}
	if err := w.endGroup(); err != nil {
		return err
	}
	return w.release()
}

// release makes the leaves anew, with no memory.
func (w *Writer) release() error {
	l, err := newLayout(w.format, w.table)
	if err != nil {
		return err
	}
	w.layout, w.s = l, scratch{}
	return nil
}

// Close writes the open row group and the footer. It does not close the
// io.Writer. A Writer that is not closed leaves no valid file behind.
func (w *Writer) Close() error {
	if err := w.endGroup(); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	m, err := w.footer.Finish()
	if err != nil {
		return fmt.Errorf("write footer of table %s: %w", w.table.Name, err)
	}
	size, err := m.WriteTo(&w.out, nil)
	if err == nil {
		_, err = w.out.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(size)), magic...))
	}
	if err == nil {
		err = w.out.err // the library does not hand on every error
	}
	if err != nil {
		return fmt.Errorf("write footer of table %s: %w", w.table.Name, err)
	}
	w.layout = &layout{}
	return nil
}

func (w *Writer) begin() error {
	if w.out.n > 0 {
		return nil
	}
	_, err := w.out.Write([]byte(magic))
	return err
}

// endGroup writes the open row group out.
func (w *Writer) endGroup() error {
	if w.open == 0 {
		return nil
	}
	n := w.open
	w.open = 0
	return w.writeGroup(n, func(l *leaf, meta *metadata.ColumnChunkMetaDataBuilder) error {
		l.endPage(&w.s)
		defer l.reset()
		return w.writeChunk(l, meta)
	})
}

// writeGroup writes a row group whose chunks fn writes, leaf by leaf.
func (w *Writer) writeGroup(rows int, fn func(*leaf, *metadata.ColumnChunkMetaDataBuilder) error) error {
	if err := w.begin(); err != nil {
		return err
	}
	group, start := w.footer.AppendRowGroup(), w.out.n
	for _, l := range w.layout.leaves {
		if err := fn(l, group.NextColumnChunk()); err != nil {
			return fmt.Errorf("write row group %d of table %s: column %s: %w", w.groups, w.table.Name, l.path, err)
		}
	}
	group.SetNumRows(rows)
	if err := group.Finish(w.out.n-start, w.groups); err != nil {
		return fmt.Errorf("write row group %d of table %s: %w", w.groups, w.table.Name, err)
	}
	w.groups++
	return nil
}

// writeChunk writes a column's pages and notes them in the footer.
func (w *Writer) writeChunk(l *leaf, meta *metadata.ColumnChunkMetaDataBuilder) error {
	info := metadata.ChunkMetaInfo{NumValues: l.total, IndexPageOffset: -1}
	stats := metadata.EncodingStats{
		DictEncodingStats: make(map[parquet.Encoding]int32),
		DataEncodingStats: make(map[parquet.Encoding]int32),
	}
	start := w.out.n
	var header [64]byte
	body, count := l.vals.dictionary()
	if count > 0 {
		info.DictPageOffset = start
		w.s.packed = w.format.compress(w.s.packed, body)
		h := appendDictionaryHeader(header[:0], len(body), w.s.packed, count)
		w.out.put(h, w.s.packed)
		info.UncompressedSize += int64(len(h) + len(body))
		stats.DictEncodingStats[parquet.Encodings.Plain]++
	}
	info.DataPageOffset = w.out.n
	fallback := false
	for _, p := range l.pages {
		h := appendDataHeader(header[:0], p)
		w.out.put(h, p.data)
		info.UncompressedSize += int64(len(h) + p.raw)
		stats.DataEncodingStats[p.encoding]++
		fallback = fallback || count > 0 && p.encoding == parquet.Encodings.Plain
	}
	info.CompressedSize = w.out.n - start
	meta.SetStats(statistics(l.vals, l.nulls))
	if w.out.err != nil {
		return w.out.err
	}
	return meta.Finish(info, count > 0, fallback, stats, nil)
}

// counter counts what is written, and keeps the first error.
type counter struct {
	w   io.Writer
	n   int64
	crc uint32 // CRC-32C
	err error
}

func (c *counter) Write(b []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(b)
	c.n += int64(n)
	c.crc = crc32.Update(c.crc, Castagnoli, b[:n])
	c.err = err
	return n, err
}

func (c *counter) put(parts ...[]byte) {
	for _, b := range parts {
		c.Write(b)
	}
}
