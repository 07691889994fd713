package parquet_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
)

// tree lists all files below root but the lock.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "lock" {
			rel, _ := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func commit(t *testing.T, s sinks.Sink, w source.Window, tables ...*transform.Table) {
	t.Helper()
	if err := sinktest.Commit(t.Context(), s, w, tables...); err != nil {
		t.Fatal(err)
	}
}

// expectError checks an error's text, and that it says what to do.
func expectError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	var h interface{ Hint() string }
	if !errors.As(err, &h) || h.Hint() == "" {
		t.Errorf("error %q has no hint", err)
	}
}

func TestLayout(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	byDay := sinktest.Refunds()
	byDay.Partition = transform.ByDay
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders(), byDay)
	commit(t, s, source.Window{After: source.Position{Seq: 20}, Through: source.Position{Tx: 7, Seq: 3}})
	commit(t, s, source.Window{After: source.Position{Tx: 7, Seq: 3}, Through: source.Position{Tx: 9, Seq: 1}})
	want := []string{
		"_backstory/shop/manifests/00000000000000000000.00000000000000000021-00000000000000000007.00000000000000000003.json",
		"_backstory/shop/manifests/00000000000000000001-00000000000000000020.json",
		"_backstory/shop/manifests/00000000000000000007.00000000000000000004-00000000000000000009.00000000000000000001.json",
		"_backstory/shop/tables.json",
		"orders/00000000000000000001-00000000000000000020.parquet",
		"refunds/event_day=1900-01-01/00000000000000000001-00000000000000000020.parquet",
		"refunds/event_day=2023-11-15/00000000000000000001-00000000000000000020.parquet",
		"refunds/event_day=2023-11-16/00000000000000000001-00000000000000000020.parquet",
	}
	if diff := cmp.Diff(want, tree(t, root)); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	rows := readTable(t, root, "refunds")
	slices.Sort(rows)
	if diff := cmp.Diff(slices.Sorted(slices.Values(sinktest.Lines(byDay, sinktest.Window(0, 20)))), rows); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
	if err := s.Check(t.Context(), sinktest.Job, sinktest.Generation); err != nil {
		t.Fatal(err)
	}
}

// TestManifestText keeps the manifests readable for later versions.
func TestManifestText(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root, Version: "v0.0.0-test"})
	defer s.Close()
	commit(t, s, sinktest.Window(0, 20), sinktest.Refunds())
	data, err := os.ReadFile(filepath.Join(root, "_backstory/shop/manifests/00000000000000000001-00000000000000000020.json"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(tableFiles(t, root, "refunds")[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "format": 1,
  "loads": [
    {
      "job": "shop",
      "generation": 1,
      "window": {
        "after": "0",
        "through": "20"
      },
      "events": 20,
      "first": {
        "position": "1",
        "stream": "s",
        "stream_version": 1,
        "type": "Order.Placed"
      },
      "last": {
        "position": "20",
        "stream": "s",
        "stream_version": 2,
        "type": "Order.Placed"
      },
      "fingerprint": "f",
      "version": "v0.0.0-test",
      "tables": [
        {
          "name": "refunds",
          "rows": 20,
          "bytes": SIZE,
          "files": [
            {
              "path": "refunds/00000000000000000001-00000000000000000020.parquet",
              "rows": 20,
              "bytes": SIZE,
              "crc32c": SUM
            }
          ]
        }
      ]
    }
  ]
}
`
	want = strings.NewReplacer("SIZE", fmt.Sprint(len(file)), "SUM", fmt.Sprint(crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)))).Replace(want)
	if diff := cmp.Diff(want, string(data)); diff != "" {
		t.Fatalf("manifest (-want +got):\n%s", diff)
	}
}

func TestDamagedManifest(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"truncated":        func(s string) string { return s[:len(s)/2] },
		"empty":            func(string) string { return "" },
		"of another job":   func(s string) string { return strings.Replace(s, `"job": "shop"`, `"job": "other"`, 1) },
		"of a newer kind":  func(s string) string { return strings.Replace(s, `"format": 1`, `"format": 2`, 1) },
		"without a window": func(s string) string { return strings.Replace(s, `"through": "20"`, `"through": "0"`, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			root := scratch(t)
			s := open(t, parquet.Options{Path: root})
			commit(t, s, sinktest.Window(0, 20), sinktest.Refunds())
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(root, "_backstory/shop/manifests/00000000000000000001-00000000000000000020.json")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(change(string(data))), 0o666); err != nil {
				t.Fatal(err)
			}
			s = open(t, parquet.Options{Path: root})
			defer s.Close()
			_, err = s.Begin(t.Context(), sinktest.Load(sinktest.Window(20, 30)))
			expectError(t, err, path)
			expectError(t, s.Check(t.Context(), sinktest.Job, sinktest.Generation), path)
		})
	}
}

func TestFolderOfOthers(t *testing.T) {
	ctx := t.Context()
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders())

	write := func(job string, w source.Window, table *transform.Table) error {
		l := sinktest.Load(w)
		l.Job = job
		txn, err := s.Begin(ctx, l)
		if err != nil {
			return err
		}
		defer txn.Abort()
		r := sinktest.Record(table, w)
		defer r.Release()
		return txn.Write(ctx, table, r)
	}
	expectError(t, write("other", sinktest.Window(0, 5), sinktest.Orders()), "orders", "belongs to job shop")

	upper := sinktest.Refunds()
	upper.Name = "Orders"
	expectError(t, write(sinktest.Job, sinktest.Window(20, 25), upper), "Orders", "only in case")

	if err := os.MkdirAll(filepath.Join(root, "refunds"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "refunds", "theirs.parquet"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	expectError(t, write(sinktest.Job, sinktest.Window(20, 25), sinktest.Refunds()), "theirs.parquet", "was not written by job shop")

	for _, name := range []string{"", "_hidden", "a/b", "..", ".x", "a=b"} {
		table := sinktest.Refunds()
		table.Name = name
		expectError(t, write(sinktest.Job, sinktest.Window(20, 25), table), "table name")
		expectError(t, write(name, sinktest.Window(20, 25), sinktest.Refunds()), "job name")
	}
}

// TestNameTaken commits to a name that a file took after the table was begun.
func TestNameTaken(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	commit(t, s, sinktest.Window(0, 20), sinktest.Orders())
	taken := filepath.Join(root, "orders", "00000000000000000021-00000000000000000030.parquet")
	if err := os.WriteFile(taken, []byte("theirs"), 0o666); err != nil {
		t.Fatal(err)
	}
	expectError(t, sinktest.Commit(t.Context(), s, sinktest.Window(20, 30), sinktest.Orders()), taken)
	if data, err := os.ReadFile(taken); err != nil || string(data) != "theirs" {
		t.Fatalf("the file that was there: got %q, %v", data, err)
	}
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
	if err := os.Remove(taken); err != nil {
		t.Fatal(err)
	}
	commit(t, s, sinktest.Window(20, 30), sinktest.Orders())
}

func TestPathIsFile(t *testing.T) {
	path := filepath.Join(scratch(t), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := parquet.Open(t.Context(), parquet.Options{Path: path})
	expectError(t, err, path, "is a file")
	_, err = parquet.Open(t.Context(), parquet.Options{Path: filepath.Join(path, "below")})
	expectError(t, err, path)
	_, err = parquet.Open(t.Context(), parquet.Options{})
	expectError(t, err, "path is empty")
	_, err = parquet.Open(t.Context(), parquet.Options{Path: scratch(t), Codec: "rar"})
	expectError(t, err, "rar")
}

// TestLocked opens a job that another sink works on: writing waits and fails,
// reading leaves alone what is under way.
func TestLocked(t *testing.T) {
	root := scratch(t)
	first := open(t, parquet.Options{Path: root})
	defer first.Close()
	commit(t, first, sinktest.Window(0, 20), sinktest.Orders())
	txn, err := first.Begin(t.Context(), sinktest.Load(sinktest.Window(20, 30)))
	if err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), sinktest.Window(20, 30))
	defer r.Release()
	if err := txn.Write(t.Context(), sinktest.Orders(), r); err != nil {
		t.Fatal(err)
	}

	second := open(t, parquet.Options{Path: root})
	defer second.Close()
	m, tables, err := second.Manifests(t.Context(), sinktest.Job, sinktest.Generation)
	if err != nil || len(m) != 1 || len(tables) != 1 {
		t.Fatalf("manifests beside a load: got %v, %v, %v", m, tables, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := second.Begin(ctx, sinktest.Load(sinktest.Window(30, 40))); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("begin beside a load of another sink: got %v", err)
	}
	if err := txn.Commit(t.Context(), sinktest.Summary(sinktest.Window(20, 30))); err != nil {
		t.Fatalf("commit after another sink looked: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	commit(t, second, sinktest.Window(30, 40), sinktest.Orders())
}

// TestFullDisk lets a staged file be one that takes no bytes.
func TestFullDisk(t *testing.T) {
	root := scratch(t)
	s := open(t, parquet.Options{Path: root})
	defer s.Close()
	w := sinktest.Window(0, 20)
	txn, err := s.Begin(t.Context(), sinktest.Load(w))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "_backstory/shop/tmp/00000000000000000001-00000000000000000020")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(dir, "000000")); err != nil {
		t.Fatal(err)
	}
	r := sinktest.Record(sinktest.Orders(), w)
	defer r.Release()
	err = txn.Write(t.Context(), sinktest.Orders(), r)
	if err == nil {
		err = txn.Commit(t.Context(), sinktest.Summary(w))
	}
	expectError(t, err, "load", w.String(), "no space left")
	if err := txn.Abort(); err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, root); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
	commit(t, s, w, sinktest.Orders())
}
