// Package parquetfile writes the records of one table into one Parquet file
// and reads them back. It knows nothing of folders, windows or commits: it
// writes to an io.Writer and lets its caller say when memory is short.
//
// The pages are encoded here and the file's metadata by the Arrow library.
// Its column writers are not used because they keep references to the memory
// of the records they are given (arrow/go/v17, metadata.ByteArrayStatistics),
// drop write errors (file.Writer.Close), and take 2.5 times the time and 1,500
// times the allocations for the same encodings (BenchmarkWriter's table).
//
// The format is described at https://parquet.apache.org/docs/file-format/ and
// https://github.com/apache/parquet-format.
package parquetfile

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/apache/arrow/go/v17/parquet/compress"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// The codecs.
const (
	Zstd   = "zstd"
	Snappy = "snappy"
	None   = "none"
)

// Defaults of Options.
const (
	// defaultRowGroupRows is close to the 122,880 rows that DuckDB gives to
	// one thread at a time.
	defaultRowGroupRows  = 120_000
	defaultRowGroupBytes = 64 << 20
	defaultLevel         = 1
)

// Options say how files are written. Zero values stand for the defaults.
type Options struct {
	// Codec is zstd (the default), snappy or none.
	Codec string
	// Level is zstd's level, 1 to 22; the default 1 is the fastest.
	Level int
	// RowGroupRows is the most rows of a row group; 0 is 120,000.
	RowGroupRows int
	// RowGroupBytes is the size of the encoded row group in memory from
	// which it is cut, however few its rows are; 0 is 64 MiB.
	RowGroupBytes int64
	// CreatedBy names the program in the files, as "NAME version VERSION".
	CreatedBy string
}

// Format makes Writers that share their options and their compressor. It may
// be used by several goroutines at once.
type Format struct {
	rows    int
	bytes   int64
	created string
	codec   compress.Compression
	zstd    *zstd.Encoder
	unzstd  func() (*zstd.Decoder, error) // made when it is needed first
	limits  limits
}

// limits are the sizes at which parts of a file end. Tests make them small.
type limits struct {
	// A page ends at either of these. Readers decode page by page, and a
	// column's raw page is what a Writer holds beside the compressed ones.
	pageBytes, pageLevels int
	// A dictionary that has grown to either of these does not pay any more.
	dictionaryBytes, dictionaryEntries int
	// A dictionary is judged by this many values, or by its first page.
	judgedValues int
}

var defaultLimits = limits{
	pageBytes:         256 << 10,
	pageLevels:        32 << 10,
	dictionaryBytes:   1 << 20,
	dictionaryEntries: 1 << 16,
	judgedValues:      16 << 10,
}

// NewFormat checks o and fills in its defaults.
func NewFormat(o Options) (*Format, error) {
	f := &Format{rows: o.RowGroupRows, bytes: o.RowGroupBytes, created: o.CreatedBy, limits: defaultLimits}
	f.unzstd = sync.OnceValues(func() (*zstd.Decoder, error) { return zstd.NewReader(nil, zstd.WithDecoderLowmem(true)) })
	if f.rows <= 0 {
		f.rows = defaultRowGroupRows
	}
	if f.bytes <= 0 {
		f.bytes = defaultRowGroupBytes
	}
	if f.created == "" {
		f.created = "backstory"
	}
	if o.Level == 0 {
		o.Level = defaultLevel
	}
	switch o.Codec {
	case Zstd, "":
		if o.Level < 1 || o.Level > 22 {
			return nil, fmt.Errorf("use zstd level %d: want 1 to 22", o.Level)
		}
		// Pages are at most that large before compression (but for single
		// values that are larger), so a larger window would only cost memory.
		enc, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(o.Level)),
			zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
			zstd.WithWindowSize(f.limits.pageBytes),
			zstd.WithLowerEncoderMem(true),
			zstd.WithEncoderCRC(false),
			zstd.WithAllLitEntropyCompression(true),
			zstd.WithZeroFrames(true))
		if err != nil {
			return nil, fmt.Errorf("use zstd level %d: %w", o.Level, err)
		}
		f.codec, f.zstd = compress.Codecs.Zstd, enc
	case Snappy:
		f.codec = compress.Codecs.Snappy
	case None:
		f.codec = compress.Codecs.Uncompressed
	default:
		return nil, fmt.Errorf("use codec %q: want zstd, snappy or none", o.Codec)
	}
	return f, nil
}

// compress gives src compressed, in dst's memory where that is large enough,
// or src itself if nothing is compressed.
func (f *Format) compress(dst, src []byte) []byte {
	switch f.codec {
	case compress.Codecs.Zstd:
		return f.zstd.EncodeAll(src, dst[:0])
	case compress.Codecs.Snappy:
		return s2.EncodeSnappy(dst[:cap(dst)], src)
	}
	return src
}

// decompress gives src decompressed, in dst's memory where that is large
// enough, or src itself if nothing is compressed.
func (f *Format) decompress(codec compress.Compression, dst, src []byte) ([]byte, error) {
	switch codec {
	case compress.Codecs.Zstd:
		dec, err := f.unzstd()
		if err != nil {
			return nil, err
		}
		return dec.DecodeAll(src, dst[:0])
	case compress.Codecs.Snappy:
		return s2.Decode(dst[:cap(dst)], src)
	case compress.Codecs.Uncompressed:
		return src, nil
	}
	return nil, fmt.Errorf("codec %s is not known", codec)
}
