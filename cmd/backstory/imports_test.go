package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// line is the order of the folders: each imports only those before it.
var line = []string{"source", "transform", "sinks", "schedules", "cmd"}

// homes says where packages of others may be imported: in folders, and in
// single files. Tests may import what they like.
var homes = map[string][]string{
	"github.com/jackc/pgx":       {"source/postgres", "schedules/postgres"},
	"github.com/robfig/cron":     {"schedules"},
	"github.com/apache/arrow":    {"transform", "sinks"},
	"github.com/goccy/go-yaml":   {"cmd/backstory"},
	"github.com/spf13/cobra":     {"cmd"},
	"github.com/prometheus":      {"schedules/metrics"},
	"modernc.org/sqlite":         {"source/sqlite", "schedules/sqlite"},
	"cloud.google.com/go":        {"sinks/bigquery"},
	"github.com/expr-lang":       {"transform/expression"},
	"github.com/zeebo/xxh3":      {"sinks/checksum"},
	"github.com/parquet-go":      {"sinks/parquet"},
	"github.com/google/go-cmp":   {"source/sourcetest", "sinks/sinktest", "schedules/ledgertest"},
	"github.com/rogpeppe":        {},
	"backstory/source/postgres":  {"source/postgres/pgtest", "cmd/backstory/drivers.go"},
	"backstory/source/sqlite":    {"cmd/backstory/drivers.go"},
	"backstory/source/guest":     {"source/postgres", "source/sqlite", "source/layout"},
	"backstory/source/layout":    {"source/postgres", "source/sqlite", "cmd/backstory/drivers.go"},
	"backstory/sinks/parquet":    {"cmd/backstory/drivers.go"},
	"backstory/sinks/bigquery":   {"cmd/backstory/drivers.go"},
	"backstory/schedules/sqlite": {"cmd/backstory/drivers.go"},

	"backstory/schedules/postgres":  {"cmd/backstory/drivers.go"},
	"backstory/schedules/ledgersql": {"schedules/sqlite", "schedules/postgres"},
	"backstory/source/memory":       {"source/sourcetest", "sinks/sinktest", "schedules/ledgertest"},
	"backstory/sinks/memory":        {"sinks/sinktest", "schedules/ledgertest"},
}

// tools are programs and packages for tests and measurements: no line holds them.
var tools = []string{"cmd/backstory-bench", "source/postgres/pgtest", "source/sourcetest", "sinks/sinktest", "sinks/bigquery/bqtest", "schedules/ledgertest"}

// refused are names that say nothing of what a package is for.
var refused = []string{"util", "utils", "common", "helpers", "types", "models", "misc", "base"}

// TestImports holds the code to the line of the design: imports run one way,
// what talks to the world is named in one place, and nothing registers itself.
func TestImports(t *testing.T) {
	root := filepath.Join("..", "..")
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || name != root && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		checkFile(t, filepath.ToSlash(rel), parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Fatalf("looked at %d files; that cannot be all", files)
	}
}

func checkFile(t *testing.T, file string, f *ast.File) {
	t.Helper()
	if slices.Contains(refused, f.Name.Name) {
		t.Errorf("%s: package %s: the name says nothing", file, f.Name.Name)
	}
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			t.Errorf("%s: func init: nothing may happen by being imported", file)
		}
	}
	if strings.HasSuffix(file, "_test.go") {
		return
	}
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if why := refuse(file, name); why != "" {
			t.Errorf("%s imports %s: %s", file, name, why)
		}
	}
}

// refuse says why a file may not import a package, or "".
func refuse(file, name string) string {
	if within(file, tools) {
		return ""
	}
	own, isOwn := strings.CutPrefix(name, "backstory/")
	if isOwn && place(own) > place(file) {
		return "imports run " + strings.Join(line, " <- ")
	}
	for home, allowed := range homes {
		if !within(name, []string{home}) {
			continue
		}
		if folder := path.Dir(file); isOwn && within("backstory/"+folder, []string{home}) {
			continue // its own sub-packages
		}
		if !within(file, allowed) {
			return "that belongs to " + strings.Join(append(allowed, "tests"), ", ")
		}
	}
	return ""
}

// place is where a path stands in the line, before all of it if it does not.
func place(p string) int {
	first, _, _ := strings.Cut(p, "/")
	return slices.Index(line, first)
}

// within tells whether a path is, or lies below, one of the others.
func within(p string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return p == root || strings.HasPrefix(p, root+"/") })
}

// TestImportLine shows that the rules of TestImports can be broken.
func TestImportLine(t *testing.T) {
	for _, tc := range []struct {
		file, name string
		ok         bool
	}{
		{"source/source.go", "backstory/transform", false},
		{"transform/table.go", "backstory/source", true},
		{"sinks/parquet/job.go", "backstory/schedules", false},
		{"schedules/run.go", "backstory/sinks/parquet", false},
		{"schedules/run.go", "github.com/apache/arrow/go/v17/arrow", false},
		{"schedules/schedule.go", "github.com/robfig/cron/v3", true},
		{"schedules/board/board.go", "github.com/prometheus/client_golang/prometheus", false},
		{"cmd/backstory/config.go", "github.com/robfig/cron/v3", false},
		{"transform/upcast/set.go", "github.com/expr-lang/expr", false},
		{"cmd/backstory/init.go", "backstory/source/sqlite", false},
		{"cmd/backstory/drivers.go", "backstory/source/sqlite", true},
		{"source/sqlite/config.go", "backstory/source/layout", true},
		{"schedules/sqlite/open.go", "backstory/source/sqlite", false},
		{"source/source.go", "github.com/jackc/pgx/v5", false},
		{"sinks/parquet/txn.go", "backstory/sinks/parquetfile", true},
		{"source/source.go", "backstory/cmd/backstory", false},
	} {
		if why := refuse(tc.file, tc.name); (why == "") != tc.ok {
			t.Errorf("%s imports %s: allowed %t, want %t (%s)", tc.file, tc.name, why == "", tc.ok, why)
		}
	}
}
