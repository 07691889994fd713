package parquet_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/sinks/sinktest/readback"
)

func TestSink(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place { return place(scratch(t), func(*parquet.Sink) {}) })
}

// TestSinkWithoutExchange runs the suite as on a file system that cannot
// exchange two folders in one step.
func TestSinkWithoutExchange(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		p := place(scratch(t), parquet.WithoutExchange)
		p.MayMiss = true
		return p
	})
}

// TestSinkWithoutLinks runs the suite as on a file system that has no links
// that lead to folders.
func TestSinkWithoutLinks(t *testing.T) {
	sinktest.Run(t, func(t *testing.T) sinktest.Place {
		p := place(scratch(t), parquet.WithoutLinks)
		p.MayMix = true
		return p
	})
}

// scratch is a folder for what need not survive a loss of power, in memory
// where that is to be had: most of the time would be waiting for the disk.
func scratch(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "backstory")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// place is a folder whose sinks are changed by with.
func place(root string, with func(*parquet.Sink)) sinktest.Place {
	return sinktest.Place{
		Open: func(t *testing.T, step func(string)) sinks.Sink {
			s := open(t, parquet.Options{Path: root, Version: "v0.0.0-test", Step: step})
			with(s)
			return s
		},
		Rows: func(t *testing.T, table string) []string { return readTable(t, root, table) },
		Poll: func(table string) ([]string, error) { return readback.Folder(filepath.Join(root, table)) },
		Files: func(t *testing.T, table string) [][]string {
			var all [][]string
			for _, path := range tableFiles(t, root, table) {
				names, err := readback.Columns(path)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, names)
			}
			return all
		},
		Leftovers: func(t *testing.T) []string { return leftovers(t, root) },
		Intrude: func(t *testing.T, table string) {
			if err := os.WriteFile(filepath.Join(root, table, "mine.parquet"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		},
		Lose: func(t *testing.T, table string) {
			if err := os.Remove(tableFiles(t, root, table)[0]); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func open(t *testing.T, o parquet.Options) *parquet.Sink {
	t.Helper()
	s, err := parquet.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// leftovers lists the files that only live during an operation.
func leftovers(t *testing.T, root string) []string {
	t.Helper()
	var left []string
	control := filepath.Join(root, "_backstory", sinktest.Job)
	var places []string
	for _, name := range []string{"tmp", "pending", "swap", "swap.json", "dropped-*"} {
		for _, dir := range []string{"", "generation-*"} {
			found, err := filepath.Glob(filepath.Join(control, dir, name))
			if err != nil {
				t.Fatal(err)
			}
			places = append(places, found...)
		}
	}
	for _, place := range places {
		err := filepath.WalkDir(place, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				left = append(left, path)
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return left
}

func readTable(t *testing.T, root, table string) []string {
	t.Helper()
	lines, err := readback.Folder(filepath.Join(root, table))
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func tableFiles(t *testing.T, root, table string) []string {
	t.Helper()
	files, err := readback.Files(filepath.Join(root, table))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
