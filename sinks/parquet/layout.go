package parquet

import (
	"fmt"
	"path/filepath"
	"strings"

	"backstory/source"
	"backstory/transform"
)

// ownDir holds everything of ours that is not a table.
const ownDir = "_backstory"

// layout says where the parts of one generation of a job are.
type layout struct {
	// path is the sink's root, tables where the tables' folders are. They
	// differ for a generation that is not live.
	path, tables string
	live         int // the generation that readers see
	control      string
	manifests    string
	tablesFile   string
	// mark stands in the names of the generation's files, so that a reader
	// who is late finds a file gone rather than one of another generation.
	mark string
}

// layoutOf gives the layout of a generation; live is the one that readers see.
func layoutOf(path, job string, generation, live int) layout {
	l := layout{path: path, tables: path, live: live, control: filepath.Join(path, ownDir, job)}
	if generation != live {
		l.control = filepath.Join(l.control, besideName(generation))
		l.tables = filepath.Join(l.control, "tables")
	}
	l.manifests, l.tablesFile = filepath.Join(l.control, "manifests"), filepath.Join(l.control, "tables.json")
	if generation > 1 {
		l.mark = fmt.Sprintf(".g%d", generation)
	}
	return l
}

// besideName is the folder of a generation that is not live.
func besideName(generation int) string { return fmt.Sprintf("generation-%d", generation) }

// asidePrefix begins the names of folders that are about to be removed.
const asidePrefix = "dropped-"

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

func (l layout) lock() string                 { return filepath.Join(l.control, "lock") }
func (l layout) manifest(stem string) string  { return filepath.Join(l.manifests, stem+".json") }
func (l layout) pending() string              { return filepath.Join(l.control, "pending") }
func (l layout) pendingOf(stem string) string { return filepath.Join(l.pending(), stem+".json") }
func (l layout) staging() string              { return filepath.Join(l.control, "tmp") }
func (l layout) stagingOf(stem string) string { return filepath.Join(l.staging(), stem) }
func (l layout) swap() string                 { return filepath.Join(l.control, "swap") }
func (l layout) intent() string               { return filepath.Join(l.control, "swap.json") }

// begun is the n-th file that a load has begun. Its name does not end in
// .parquet: no glob of a reader finds it.
func (l layout) begun(stem string, n int) string {
	return filepath.Join(l.stagingOf(stem), fmt.Sprintf("%06d", n))
}

// staged is the n-th file of a load's manifest before it has its final name.
func (l layout) staged(stem string, n int) string { return l.begun(stem, n) + ".done" }

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
func filePath(table, partition, name string) string {
	if partition == "" {
		return table + "/" + name + ".parquet"
	}
	return table + "/" + partition + "/" + name + ".parquet"
}

// hidden tells whether readers pass over a file or folder of that name.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") }

// checkName refuses what cannot be a folder of its own.
func checkName(what, name string) error {
	if what == "table" && name == transform.Quarantine {
		return nil // whoever looks for it knows its name
	}
	if name == "" || hidden(name) || strings.ContainsAny(name, "/\\\x00=") || name != filepath.Base(name) {
		return refuse("use letters, digits, - and _ and begin with a letter or digit",
			"use %s name %q as a folder: it is empty, hidden or not one name", what, name)
	}
	return nil
}
