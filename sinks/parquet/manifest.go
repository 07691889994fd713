package parquet

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"backstory/sinks"
	"backstory/source"
)

// manifestFormat is the version of the manifests' layout.
const manifestFormat = 1

// manifestFile is what one manifest holds: one load, or after a compaction
// many. A file that holds the rows of several loads is listed by each.
type manifestFile struct {
	Format int              `json:"format"`
	Loads  []sinks.Manifest `json:"loads"`
}

func encodeManifest(loads []sinks.Manifest) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if len(loads) == 1 {
		enc.SetIndent("", "  ") // most are looked at by people, one at a time
	}
	err := enc.Encode(manifestFile{manifestFormat, loads})
	return b.Bytes(), err
}

// readManifest reads a manifest of a job's generation.
func readManifest(path, job string, generation int) ([]sinks.Manifest, error) {
	const restore = "restore the manifest from a backup, or " + withoutManifest
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, explain(err, "read manifest %s", path)
	}
	var m manifestFile
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&m); err != nil {
		return nil, fault(restore, "read manifest %s: it is damaged: %w", path, err)
	}
	if m.Format != manifestFormat {
		return nil, fault("use the version of backstory that wrote it, or a newer one",
			"read manifest %s: its format is %d, this version knows %d", path, m.Format, manifestFormat)
	}
	if len(m.Loads) == 0 {
		return nil, fault(restore, "read manifest %s: it is damaged: it holds no load", path)
	}
	for _, l := range m.Loads {
		if l.Job != job || l.Generation != generation {
			return nil, fault("move it back to the folder of its job",
				"read manifest %s: it is of job %q, generation %d, and not of job %q, generation %d",
				path, l.Job, l.Generation, job, generation)
		}
		if l.Window.Empty() {
			return nil, fault(restore, "read manifest %s: it is damaged: window %s is empty", path, l.Window)
		}
	}
	return m.Loads, nil
}

// stored is a manifest's file name and what it holds.
type stored struct {
	name  string
	loads []sinks.Manifest
}

// readManifests reads all manifests of a folder.
func readManifests(dir, job string, generation int) ([]stored, error) {
	names, err := list(dir)
	if err != nil {
		return nil, explain(err, "list manifests of job %s", job)
	}
	var all []stored
	for _, name := range names {
		if !strings.HasSuffix(name, ".json") || hidden(name) {
			continue
		}
		loads, err := readManifest(filepath.Join(dir, name), job, generation)
		if err != nil {
			return nil, err
		}
		all = append(all, stored{name, loads})
	}
	if err := checkOverlaps(dir, all); err != nil {
		return nil, err
	}
	return all, nil
}

// reading is what a folder of manifests held, and its signature just before.
type reading struct {
	manifests []stored
	signature string
}

// manifests gives the job's manifests. They are read again only if names,
// sizes or times say that they are others than last time, and are shared:
// nobody may change them.
func (j *job) manifests() ([]stored, error) {
	dir := j.layout.manifests
	now, err := signatureOf(dir)
	if err != nil {
		return nil, explain(err, "look at the manifests of job %s", j.name)
	}
	if j.last.signature != now {
		all, err := readManifests(dir, j.name, j.generation)
		if err != nil {
			return nil, err
		}
		j.last = reading{all, now}
	}
	return j.last.manifests, nil
}

// checkOverlaps refuses manifests that count a position twice.
func checkOverlaps(dir string, all []stored) error {
	file := make(map[source.Window]string)
	for _, s := range all {
		for _, l := range s.loads {
			if other, ok := file[l.Window]; ok {
				return fault("remove the one that does not belong there", "read manifests %s and %s of %s: both hold window %s", other, s.name, dir, l.Window)
			}
			file[l.Window] = s.name
		}
	}
	loads := loadsOf(all)
	for i := 1; i < len(loads); i++ {
		if a, b := loads[i-1].Window, loads[i].Window; a.Overlaps(b) {
			return fault("remove the manifest that does not belong there, together with its files",
				"read manifests %s and %s of %s: their windows %s and %s overlap", file[a], file[b], dir, a, b)
		}
	}
	return nil
}

func byWindow(a, b sinks.Manifest) int {
	return cmp.Or(a.Window.After.Compare(b.Window.After), a.Window.Through.Compare(b.Window.Through))
}

// loadsOf gives the loads of all manifests, by window. Their tables stay the
// manifests' own.
func loadsOf(all []stored) []sinks.Manifest {
	var loads []sinks.Manifest
	for _, s := range all {
		loads = append(loads, s.loads...)
	}
	slices.SortFunc(loads, byWindow)
	return loads
}

// filesOf gives what each file that the loads name is made of, by path. A
// checksum that only some of them know counts.
func filesOf(loads []sinks.Manifest) (map[string]sinks.Content, error) {
	files := make(map[string]sinks.Content)
	for _, l := range loads {
		for _, t := range l.Tables {
			for _, f := range t.Files {
				c, ok := files[f.Path]
				if ok && (c.Bytes != f.Bytes || c.Checksum != f.Checksum && c.Checksum != 0 && f.Checksum != 0) {
					return nil, fault("restore the manifests from a backup", "read manifests: file %s has %d bytes (CRC-32C %08x) by one and %d (%08x) by another",
						f.Path, c.Bytes, c.Checksum, f.Bytes, f.Checksum)
				}
				if c.Checksum == 0 {
					files[f.Path] = f.Content
				}
			}
		}
	}
	return files, nil
}

// renew notes new contents of files, and tells whether the loads name any.
func renew(loads []sinks.Manifest, contents map[string]sinks.Content) bool {
	changed := false
	for i := range loads {
		for k := range loads[i].Tables {
			files := loads[i].Tables[k].Files
			for n := range files {
				if c, ok := contents[files[n].Path]; ok && c != files[n].Content {
					files[n].Content, changed = c, true
				}
			}
		}
	}
	return changed
}

// share gives each load its share of the bytes of its files, by rows.
func share(loads []sinks.Manifest) {
	rows := make(map[string]int64)
	for _, l := range loads {
		for _, t := range l.Tables {
			for _, f := range t.Files {
				rows[f.Path] += f.Rows
			}
		}
	}
	for i := range loads {
		for k := range loads[i].Tables {
			t := &loads[i].Tables[k]
			t.Bytes = 0
			for _, f := range t.Files {
				t.Bytes += int64(float64(f.Bytes) * float64(f.Rows) / float64(max(1, rows[f.Path])))
			}
		}
	}
}
