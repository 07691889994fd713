package parquetfile

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// CopyGroups adds the row groups of a file as they are: the pages are copied
// without being decoded, and columns that the file does not have are null.
// It takes the memory of one page. A file of another codec is decoded, as
// AppendRows does.
func (w *Writer) CopyGroups(r *Reader) (err error) {
	defer damaged(&err)
	at, err := r.match(w.layout)
	if err != nil {
		return err
	}
	if err := w.missing(at); err != nil {
		return err
	}
	if err := w.endGroup(); err != nil {
		return err
	}
	for g := range len(r.meta.RowGroups) {
		chunks, ok, err := w.chunks(r, g, at)
		if err != nil {
			return err
		}
		if !ok {
			if err := w.transcode(r, g, at); err != nil {
				return err
			}
			continue
		}
		if err := w.copyGroup(r, g, at, chunks); err != nil {
			return err
		}
	}
	return nil
}

// AppendRows adds the rows of a file, so that small row groups become large
// ones. Row groups that are large already are copied as they are.
func (w *Writer) AppendRows(r *Reader) (err error) {
	defer damaged(&err)
	at, err := r.match(w.layout)
	if err != nil {
		return err
	}
	if err := w.missing(at); err != nil {
		return err
	}
	for g := range len(r.meta.RowGroups) {
		if err := w.appendGroup(r, g, at); err != nil {
			return err
		}
	}
	return nil
}

// appendGroup adds the rows of a row group, as it is if it is large.
func (w *Writer) appendGroup(r *Reader, g int, at []int) error {
	rows := int(r.meta.RowGroup(g).NumRows())
	if w.open > 0 && w.open+rows > w.format.rows {
		if err := w.endGroup(); err != nil {
			return err
		}
	}
	chunks, ok, err := w.chunks(r, g, at)
	if err != nil {
		return err
	}
	if ok && w.open == 0 && rows > w.format.rows/2 {
		return w.copyGroup(r, g, at, chunks)
	}
	return w.transcode(r, g, at)
}

// missing checks that the columns which the file does not have may be null.
func (w *Writer) missing(at []int) error {
	for i, leaf := range w.layout.leaves {
		if at[i] < 0 && leaf.maxDef == 0 {
			return fmt.Errorf("add column %s to rows of table %s: it is required", leaf.path, w.table.Name)
		}
	}
	return nil
}

// chunks gives the column chunks of a row group, nil for those that are
// missing, and whether they can be copied as they are.
func (w *Writer) chunks(r *Reader, group int, at []int) ([]*metadata.ColumnChunkMetaData, bool, error) {
	rg := r.meta.RowGroup(group)
	if rg.NumRows() < 0 || rg.NumRows() > math.MaxInt32 || rg.NumColumns() != r.meta.Schema.NumColumns() {
		return nil, false, fmt.Errorf("read row group %d: %w", group, errDamaged)
	}
	chunks := make([]*metadata.ColumnChunkMetaData, len(at))
	for i, leaf := range w.layout.leaves {
		if at[i] < 0 {
			continue
		}
		c, err := rg.ColumnChunk(at[i])
		if err != nil {
			return nil, false, fmt.Errorf("read row group %d: column %s: %w", group, leaf.path, err)
		}
		if leaf.maxRep == 0 && c.NumValues() != rg.NumRows() {
			return nil, false, fmt.Errorf("read row group %d: column %s: %w", group, leaf.path, errDamaged)
		}
		chunks[i] = c
	}
	for i, c := range chunks {
		// The footer is written from the Writer's properties, so they must
		// be those of the chunk.
		if c != nil && (c.Compression() != w.format.codec ||
			!c.HasDictionaryPage() && !slices.Contains(c.Encodings(), w.props.EncodingFor(w.layout.leaves[i].path))) {
			return nil, false, nil
		}
	}
	return chunks, true, nil
}

func (w *Writer) copyGroup(r *Reader, g int, at []int, chunks []*metadata.ColumnChunkMetaData) error {
	rows := int(r.meta.RowGroup(g).NumRows())
	for i, c := range chunks {
		if c == nil {
			if err := w.fill(r, g, at, i, rows); err != nil {
				return err
			}
		}
	}
	i := 0
	err := w.writeGroup(rows, func(l *leaf, meta *metadata.ColumnChunkMetaDataBuilder) error {
		c := chunks[i]
		i++
		if c == nil {
			l.endPage(&w.s)
			defer l.reset()
			return w.writeChunk(l, meta)
		}
		return w.copyChunk(r, c, l, meta)
	})
	w.rows += int64(rows)
	return err
}

func (w *Writer) copyChunk(r *Reader, c *metadata.ColumnChunkMetaData, l *leaf, meta *metadata.ColumnChunkMetaDataBuilder) error {
	if err := r.chunk(w.format, c, l).verify(); err != nil {
		return err // damage is not to be copied
	}
	src, start := r.section(c)
	shift := w.out.n - start
	if n, err := io.Copy(&w.out, src); err != nil {
		return err
	} else if n != c.TotalCompressedSize() {
		return io.ErrUnexpectedEOF
	}
	info := metadata.ChunkMetaInfo{
		NumValues:        c.NumValues(),
		IndexPageOffset:  -1,
		DataPageOffset:   c.DataPageOffset() + shift,
		CompressedSize:   c.TotalCompressedSize(),
		UncompressedSize: c.TotalUncompressedSize(),
	}
	if c.HasDictionaryPage() {
		info.DictPageOffset = c.DictionaryPageOffset() + shift
	}
	stats, err := c.Statistics()
	if err != nil {
		return err
	}
	if stats != nil {
		encoded, err := stats.Encode()
		if err != nil {
			return err
		}
		encoded.Signed = false // only writes the deprecated fields
		meta.SetStats(encoded)
	}
	// How many pages have which encoding is not handed out by the library;
	// it may be left out.
	fallback := c.HasDictionaryPage() && slices.Index(c.Encodings(), parquet.Encodings.Plain) != lastPlain(c.Encodings())
	return meta.Finish(info, c.HasDictionaryPage(), fallback, metadata.EncodingStats{}, nil)
}

// lastPlain is the index of the last PLAIN: the first is the dictionary's,
// a second that of the pages behind it.
func lastPlain(encodings []parquet.Encoding) int {
	for i := len(encodings) - 1; i >= 0; i-- {
		if encodings[i] == parquet.Encodings.Plain {
			return i
		}
	}
	return -1
}
