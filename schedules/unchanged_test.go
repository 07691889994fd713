package schedules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run with nothing new takes the sink at its word only while nothing has
// happened to it.
func TestUnchanged(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, out string)
		cause  string // "" where the run succeeds
	}{
		"nothing": {func(*testing.T, string) {}, ""},
		"file lost": {func(t *testing.T, out string) {
			remove(t, filepath.Join(out, "cart_opened", "*.parquet"))
		}, "is missing"},
		"foreign file": {func(t *testing.T, out string) {
			write(t, filepath.Join(out, "cart_opened", "mine.parquet"), "x")
		}, "no manifest knows"},
		"manifest lost": {func(t *testing.T, out string) {
			remove(t, filepath.Join(out, "_backstory", jobName, "manifests", "*.json"))
		}, "does not have it|no manifest knows"},
		"manifest damaged in place": {func(t *testing.T, out string) {
			paths, err := filepath.Glob(filepath.Join(out, "_backstory", jobName, "manifests", "*.json"))
			if err != nil || len(paths) == 0 {
				t.Fatalf("got %v, %v", paths, err)
			}
			write(t, paths[0], "{}")
		}, "read manifest"},
		"table lost": {func(t *testing.T, out string) {
			if err := os.RemoveAll(filepath.Join(out, "cart_closed")); err != nil {
				t.Fatal(err)
			}
		}, "is missing"},
		"ledger lost": {func(t *testing.T, out string) {
			remove(t, filepath.Join(out, "_backstory", "ledger.db"))
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, "sqlite")
			table, err := s.newTable(100)
			if err != nil {
				t.Fatal(err)
			}
			o := order{Driver: s.driver, Store: s.address, Table: table, Out: filepath.Join(scratch(t), "out"), WindowEvents: 40, Unchecked: true}
			if err := o.run(); err != nil {
				t.Fatal(err)
			}
			test.change(t, o.Out)
			err = o.run()
			if test.cause == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatal("got no error")
			}
			for _, cause := range strings.Split(test.cause, "|") {
				if strings.Contains(err.Error(), cause) {
					return
				}
			}
			t.Errorf("got %v, want %q in it", err, test.cause)
		})
	}
}

// remove removes the first of the files that the pattern fits.
func remove(t *testing.T, pattern string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("find %s: got %v, %v", pattern, paths, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
