//go:build unix

package parquet_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"backstory/sinks/parquet"
	"backstory/sinks/sinktest"
)

// What the child process of TestKill is told.
const (
	killRoot   = "BACKSTORY_TEST_KILL_ROOT"
	killChange = "BACKSTORY_TEST_KILL_CHANGE"
	killStep   = "BACKSTORY_TEST_KILL_STEP"
)

// TestKill kills a real process at each step of each operation, and lets
// another finish.
func TestKill(t *testing.T) {
	root := os.Getenv(killRoot)
	if root != "" {
		dieAtStep(t, root)
		return
	}
	changes := sinktest.Changes(open(t, parquet.Options{Path: t.TempDir()}))
	if len(changes) != 3 {
		t.Fatalf("got %d changes, want commit, evolve and compact", len(changes))
	}
	for _, c := range changes {
		t.Run(c.Name, func(t *testing.T) {
			for n := 1; ; n++ {
				root := t.TempDir()
				p := place(root, func(*parquet.Sink) {})
				if !killed(t, root, p, c, n) {
					if n < 5 {
						t.Fatalf("got %d steps, want more", n-1)
					}
					return
				}
				t.Run(strconv.Itoa(n), func(t *testing.T) { p.ExpectRecovery(t, c) })
			}
		})
	}
}

// killed runs a change in a process that dies at its n-th step, and tells
// whether it did.
func killed(t *testing.T, root string, p sinktest.Place, c sinktest.Change, n int) bool {
	t.Helper()
	s := p.Open(t, nil)
	if err := c.Before(t, s); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killRoot+"="+root, killChange+"="+c.Name, killStep+"="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		return true
	}
	t.Fatalf("%s up to step %d: %v\n%s", c.Name, n, err, out)
	return false
}

// dieAtStep is the child process.
func dieAtStep(t *testing.T, root string) {
	at, err := strconv.Atoi(os.Getenv(killStep))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	s := open(t, parquet.Options{Path: root, Version: "v0.0.0-test", Step: func(string) {
		if n++; n == at {
			if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
				panic(err)
			}
			select {} // until the signal arrives
		}
	}})
	for _, c := range sinktest.Changes(s) {
		if c.Name == os.Getenv(killChange) {
			if err := c.Do(t, s); err != nil {
				t.Fatal(err)
			}
		}
	}
}
