package parquet

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"

	"backstory/sinks"
	"backstory/sinks/parquetfile"
)

// contentOf is what a writer that was closed has written.
func contentOf(w *parquetfile.Writer) sinks.Content {
	return sinks.Content{Bytes: w.Bytes(), Checksum: w.Checksum()}
}

// checksum is the CRC-32C of a file.
func checksum(src io.ReaderAt) (uint32, error) {
	h := crc32.New(parquetfile.Castagnoli)
	_, err := io.Copy(h, io.NewSectionReader(src, 0, math.MaxInt64))
	return h.Sum32(), err
}

// open opens a file of a table to read it. The caller closes it.
func open(path string) (*os.File, *parquetfile.Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	r, err := parquetfile.NewReader(f, info.Size())
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, r, nil
}

// openWhole opens a file to copy rows of it. The caller closes it.
func (j *job) openWhole(f sinks.File) (*os.File, *parquetfile.Reader, error) {
	src, r, err := open(j.layout.file(f.Path))
	if err != nil {
		return nil, nil, spoilt(f, err)
	}
	if err := intact(src, f); err != nil {
		return nil, nil, errors.Join(err, src.Close())
	}
	return src, r, nil
}

// intact makes sure that a file is as it was written: what is wrong with it
// would else be copied, and be right by the checksum of the copy.
func intact(src io.ReaderAt, f sinks.File) error {
	sum, err := checksum(src)
	switch {
	case err != nil:
		return explain(err, "read %s", f.Path)
	case f.Checksum != 0 && sum != f.Checksum:
		return fault("restore the file, or "+loadAgain, "file %s was changed: its CRC-32C is %08x and not %08x", f.Path, sum, f.Checksum)
	}
	return nil
}

// spoilt says what to do about a file that cannot be read as what it is.
func spoilt(f sinks.File, err error) error {
	var system *fs.PathError
	if errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist) {
		return explain(err, "read %s", f.Path)
	}
	return fault("restore the file, or "+loadAgain, "read %s: %w", f.Path, err)
}
