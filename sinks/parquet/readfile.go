package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"backstory/sinks"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// read gives the file's rows to fn, as records of the wanted columns.
func (f *tableFile) read(ctx context.Context, q sinks.Query, fn func(*transform.Table, transform.Record) error) error {
	src, own, err := open(f.place)
	switch {
	case errors.Is(err, os.ErrNotExist) || isNotDir(err):
		return f.look()
	case errors.Is(err, os.ErrPermission):
		return explain(err, "read %s", f.place)
	case err != nil:
		return f.damage("%w", err)
	}
	defer src.Close()
	var inner error // fn's, and not about the file
	take := func(r arrow.Record) error {
		if err := errors.Join(ctx.Err(), f.checkPartition(r)); err != nil {
			return err
		}
		inner = fn(f.table, r)
		return inner
	}
	if own.Own() {
		err = own.Records(f.table, f.columns, take)
	} else if err = own.CheckPages(); err == nil { // before a library is let loose on it
		err = f.decodeForeign(ctx, src, take)
	}
	switch {
	case inner != nil:
		return inner
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return f.damage("%w", err)
	case len(f.windows) > 0 && own.Rows() != f.rows:
		// What is there was given all the same: it tells which rows are missing.
		return f.damage("it has %d rows and not %d", own.Rows(), f.rows)
	}
	return f.checkBytes(src)
}

// checkBytes compares all of the file with what was written: also what this
// reader would not miss may be what another stumbles over.
func (f *tableFile) checkBytes(src io.ReaderAt) error {
	if f.content.Checksum == 0 {
		return nil
	}
	switch sum, err := checksum(src); {
	case err != nil:
		return explain(err, "read %s", f.place)
	case sum != f.content.Checksum:
		return f.damage("its bytes were changed: their CRC-32C is %08x and not %08x", sum, f.content.Checksum)
	}
	return nil
}

// checkPartition compares the folder that a file stands in, which readers take
// for a column, with its rows.
func (f *tableFile) checkPartition(r arrow.Record) error {
	if f.table.Partition == transform.ByNone || len(f.columns) < len(f.table.Columns) {
		return nil
	}
	return eachPartition(f.table, r, func(partition string, _, _ int) error {
		if partition != f.partition() {
			return fmt.Errorf("rows of %s are in the folder %q", partition, f.partition())
		}
		return nil
	})
}
