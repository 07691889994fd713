package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// checkRows counts the rows below out, which must be as many as are wanted, and
// gives the number of files and their bytes.
func checkRows(out string, want int64) (files int, bytes int64, err error) {
	rows, files, bytes, err := rowsBelow(out)
	if err == nil && rows != want {
		err = fmt.Errorf("check rows: the tables hold %d, the store %d", rows, want)
	}
	return files, bytes, err
}

// rowsBelow counts the rows in the tables below out with a Parquet reader that
// is not ours. Where there is no such folder there are none.
func rowsBelow(out string) (rows int64, files int, bytes int64, err error) {
	err = filepath.WalkDir(out, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path == out:
			return nil
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "_"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".parquet":
			return nil
		}
		n, size, err := countRows(path)
		rows += n
		bytes += size
		files++
		return err
	})
	return rows, files, bytes, err
}

func countRows(path string) (rows, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	p, err := parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", path, err)
	}
	return p.NumRows(), info.Size(), nil
}
