package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"backstory/schedules"
	"backstory/schedules/ledgertest"
	"backstory/schedules/sqlite"
)

// holdVar makes the test binary take a lease and wait to be killed.
const holdVar = "BACKSTORY_TEST_HOLD"

func TestMain(m *testing.M) {
	if hold := os.Getenv(holdVar); hold != "" {
		path, job, _ := strings.Cut(hold, "\n")
		if err := holdLease(path, job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func holdLease(path, job string) error {
	l, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	lease, err := l.Lock(context.Background(), job)
	if err != nil {
		return err
	}
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadByte() // until the parent is gone, at the latest
	return lease.Release()
}

func hold(path string) func(*testing.T, string) func() {
	return func(t *testing.T, job string) func() {
		t.Helper()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), holdVar+"="+path+"\n"+job)
		cmd.Stderr = os.Stderr
		if _, err := cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
			t.Fatalf("hold a lease in another process: got %q, %v", line, err)
		}
		return func() {
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
}

func open(tb testing.TB, path string) *sqlite.Ledger {
	tb.Helper()
	l, err := sqlite.Open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// scratch is a folder for what need not survive a loss of power, in memory
// where that is to be had.
func scratch(tb testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "backstory")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestConformance(t *testing.T) {
	ledgertest.Run(t, func(tb testing.TB) ledgertest.Place {
		path := filepath.Join(scratch(tb), "a folder?", "100%.db")
		return ledgertest.Place{
			Open: func(tb testing.TB) schedules.Ledger { return open(tb, path) },
			Hold: hold(path),
		}
	})
}

func BenchmarkWindow(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ledger.db")
	ledgertest.Bench(b, ledgertest.Place{Open: func(tb testing.TB) schedules.Ledger { return open(tb, path) }})
}
