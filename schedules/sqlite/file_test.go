package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"backstory/schedules"
	"backstory/schedules/sqlite"
	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// filled makes a ledger with n windows of which the last is only planned.
func filled(tb testing.TB, path string, n int64) {
	tb.Helper()
	l := open(tb, path)
	defer l.Close()
	s, err := l.Lock(tb.Context(), "shop")
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Release()
	c := schedules.Change{Fingerprint: "rules", Begin: &schedules.Run{Kind: "run"}}
	for i := range n {
		w := source.Window{After: source.Position{Seq: 250_000 * i}, Through: source.Position{Seq: 250_000 * (i + 1)}}
		if i == n-1 {
			c.Plan = append(c.Plan, schedules.Planned{Window: w, Events: 250_000})
			break
		}
		c.Finish = append(c.Finish, schedules.Loaded{Window: w, Rows: 250_000, Stored: 20_000_000,
			Summary: sinks.Summary{Events: 250_000, Bytes: 90_000_000, First: sinks.Anchor{Position: w.After, Type: "A"}, Last: sinks.Anchor{Position: w.Through, Type: "A"}}})
	}
	if err := s.Save(tb.Context(), c); err != nil {
		tb.Fatal(err)
	}
}

const rebuilt = "move it away and run again"

// What cannot be a ledger, or not be used as one, is refused with a hint.
func TestUnusable(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, path string)
		hint  string
	}{
		"no database": {func(t *testing.T, path string) {
			write(t, path, []byte(strings.Repeat("this is no database. ", 100)))
		}, rebuilt},
		"another database": {func(t *testing.T, path string) {
			write(t, path, nil)
			query(t, path, `CREATE TABLE something (x)`)
		}, rebuilt},
		"truncated": {func(t *testing.T, path string) {
			filled(t, path, 2000)
			if err := os.Truncate(path, 20_000); err != nil {
				t.Fatal(err)
			}
		}, rebuilt},
		"overwritten": {func(t *testing.T, path string) {
			filled(t, path, 2000)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := 4096; i < len(data); i++ {
				data[i] ^= 0x5a
			}
			write(t, path, data)
		}, rebuilt},
		"newer": {func(t *testing.T, path string) {
			filled(t, path, 2)
			query(t, path, `UPDATE ledger SET format = 99`)
		}, "newest Backstory"},
		"folder": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}, "readable and writable"},
		"below a file": {func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Dir(path), nil)
		}, "folder"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "ledger.db")
			if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, path)
			if err := use(t.Context(), path); test.hint == rebuilt {
				expectError[*schedules.DisagreeError](t, err, path, test.hint)
			} else {
				expectError[*source.SetupError](t, err, path, test.hint)
			}
		})
	}
}

// use opens a ledger and reads a job's state, as every command does.
func use(ctx context.Context, path string) error {
	l, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	_, err = l.State(ctx, "shop")
	return errors.Join(err, l.Close())
}

// expectError looks for the kind of an error, which decides the exit code, the
// file's path, and what of its hint matters.
func expectError[E error](t *testing.T, err error, path, hint string) {
	t.Helper()
	var kind E
	if !errors.As(err, &kind) {
		t.Fatalf("got %v, want a %T", err, kind)
	}
	if !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, which does not name %s", err, path)
	}
	var e interface{ Hint() string }
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), hint) {
		t.Errorf("got hint %q to %v, want %q in it", e.Hint(), err, hint)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

// poorVar makes the test binary use the ledger that it names.
const poorVar = "BACKSTORY_TEST_USE"

// A folder that may not be written to gives its state but no lease. The test
// does it in a process without root's rights, for whom nothing is read-only.
func TestReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "ledger") // as TempDir's parent is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.Chmod(dir, 0o777)
		os.RemoveAll(dir)
	})
	path := filepath.Join(dir, "ledger.db")
	filled(t, path, 3)
	if err := errors.Join(os.Remove(path+".shop.lock"), os.Chmod(path, 0o444), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "..", filepath.Base(dir)+".test")
	if err := os.Link(os.Args[0], program); err != nil { // where others may run it
		data, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		write(t, program, data)
	}
	defer os.Remove(program)
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^TestUseReadOnly$", "-test.v")
	cmd.Env = append(os.Environ(), poorVar+"="+path)
	cmd.Dir = "/"
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestUseReadOnly") {
		t.Fatalf("use a read-only ledger: %v\n%s", err, out)
	}
}

// TestUseReadOnly is the other half of TestReadOnly.
func TestUseReadOnly(t *testing.T) {
	path := os.Getenv(poorVar)
	if path == "" {
		return
	}
	l, err := sqlite.OpenExisting(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := l.State(t.Context(), "shop")
	if err != nil || s.Totals.Windows != 2 {
		t.Fatalf("state of a read-only ledger: got %+v, %v", s, err)
	}
	_, err = l.Lock(t.Context(), "shop")
	expectError[*source.SetupError](t, err, path+".shop.lock", "writable")
	other := filepath.Join(filepath.Dir(path), "deeper", "ledger.db")
	_, err = sqlite.Open(t.Context(), other)
	expectError[*source.SetupError](t, err, other, "writable")
}

// A ledger that is not there is none to look at, and is not made.
func TestOpenExisting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, err := sqlite.OpenExisting(t.Context(), path)
	if l != nil || err != nil {
		t.Fatalf("open what is not there: got %v, %v", l, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file: got %v", err)
	}
}

// Several may make the same new ledger at the same moment.
func TestMadeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			l, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// TestFormat1 opens a ledger of format 1 as it was written at first.
func TestFormat1(t *testing.T) {
	dump, err := os.ReadFile("testdata/format1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "ledger.db")
	query(t, path, string(dump))
	l := open(t, path)
	defer l.Close()
	got, err := l.State(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	at := func(seq int64) source.Position { return source.Position{Seq: seq} }
	want := &schedules.State{
		Job: "shop", Generation: 1, Fingerprint: "9f2a", Signature: "a1b2", First: sinks.Anchor{Position: at(1), Stream: "cart-1", StreamVersion: 1, Type: "Cart.Opened"},
		Last:    sinks.Anchor{Position: at(250), Stream: "cart-9", StreamVersion: 4, Type: "Cart.Paid"},
		Loaded:  []source.Window{{Through: at(100)}, {After: at(200), Through: at(250)}},
		Pending: []schedules.Planned{{Window: source.Window{After: at(100), Through: at(200)}, Events: 99}},
		Totals:  schedules.Totals{Windows: 2, Events: 150, Rows: 151, Bytes: 55000, Stored: 9000, Extra: 3},
		Tables:  []*transform.Table{{Name: "cart_opened", Event: "Cart.Opened", Version: 2, Columns: []transform.Column{{Name: "position", Type: transform.Type{Kind: transform.Int64}, Required: true, Encoding: transform.Delta}}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(transform.Table{}), cmpopts.IgnoreFields(schedules.State{}, "Runs")); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if n := len(got.Runs); n != 2 || got.Runs[0].Error == "" || got.Runs[1].Finished.IsZero() {
		t.Errorf("runs: got %+v", got.Runs)
	}
	s, err := l.Lock(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	last := schedules.Loaded{Window: got.Pending[0].Window, Summary: sinks.Summary{Events: 99}}
	if err := s.Save(t.Context(), schedules.Change{Finish: []schedules.Loaded{last}}); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkState(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ledger.db")
	filled(b, path, 35_000)
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if err := open(b, path).Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	l := open(b, path)
	defer l.Close()
	b.Run("state", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.State(b.Context(), "shop"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
