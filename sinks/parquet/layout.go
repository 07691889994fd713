package parquet

import (
	"fmt"
	"path/filepath"
	"strings"

	"backstory/source"
)

// ownDir holds everything of ours that is not a table.
const ownDir = "_backstory"

// layout says where the parts of one generation of a job are.
type layout struct {
	// path is the sink's root, tables where the tables' folders are. They
	// differ for a generation that is still being built.
	path, tables string
	control      string
}

// layoutOf gives the layout of a generation; live is the one that readers see.
func layoutOf(path, job string, generation, live int) layout {
	control := filepath.Join(path, ownDir, job)
	if generation == live {
		return layout{path: path, tables: path, control: control}
	}
	control = filepath.Join(control, fmt.Sprintf("generation-%d", generation))
	return layout{path: path, tables: filepath.Join(control, "tables"), control: control}
}

func (l layout) table(name string) string { return filepath.Join(l.tables, name) }

// file is where a file is whose path a manifest gives.
func (l layout) file(rel string) string { return filepath.Join(l.tables, filepath.FromSlash(rel)) }

// prefix is what stands before a manifest's path to lead from the root there.
func (l layout) prefix() string {
	if l.tables == l.path {
		return ""
	}
	rel, err := filepath.Rel(l.path, l.tables)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel) + "/"
}

func (l layout) manifests() string            { return filepath.Join(l.control, "manifests") }
func (l layout) manifest(stem string) string  { return filepath.Join(l.manifests(), stem+".json") }
func (l layout) pending() string              { return filepath.Join(l.control, "pending") }
func (l layout) pendingOf(stem string) string { return filepath.Join(l.pending(), stem+".json") }
func (l layout) staging() string              { return filepath.Join(l.control, "tmp") }
func (l layout) stagingOf(stem string) string { return filepath.Join(l.staging(), stem) }
func (l layout) tablesFile() string           { return filepath.Join(l.control, "tables.json") }
func (l layout) swap() string                 { return filepath.Join(l.control, "swap") }
func (l layout) intent() string               { return filepath.Join(l.control, "swap.json") }

// staged is the n-th file of a load before it has its final name, which ends
// in .parquet: no glob of a reader finds it.
func (l layout) staged(stem string, n int) string {
	return filepath.Join(l.stagingOf(stem), fmt.Sprintf("%06d", n))
}

// stem names a window's files: its first and last position, padded so that
// names sort as positions do.
func stem(w source.Window) string {
	first := source.Position{Tx: w.After.Tx, Seq: w.After.Seq + 1}
	if w.Through.Tx == 0 {
		return fmt.Sprintf("%020d-%020d", first.Seq, w.Through.Seq)
	}
	return fmt.Sprintf("%020d.%020d-%020d.%020d", first.Tx, first.Seq, w.Through.Tx, w.Through.Seq)
}

// filePath is the path of a table's file relative to the tables' folder, with
// forward slashes.
func filePath(table, partition, stem string) string {
	if partition == "" {
		return table + "/" + stem + ".parquet"
	}
	return table + "/" + partition + "/" + stem + ".parquet"
}

// hidden tells whether readers pass over a file or folder of that name.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// checkName refuses what cannot be a folder of its own.
func checkName(what, name string) error {
	if name == "" || hidden(name) || strings.ContainsAny(name, "/\\\x00=") || name != filepath.Base(name) {
		return refuse("use letters, digits, - and _ and begin with a letter or digit",
			"use %s name %q as a folder: it is empty, hidden or not one name", what, name)
	}
	return nil
}
