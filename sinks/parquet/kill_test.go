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
	changes := sinktest.Changes(open(t, parquet.Options{Path: scratch(t)}))
	if len(changes) != 13 {
		t.Fatalf("got %d changes, want all that the suite has", len(changes))
	}
	for _, c := range changes {
		t.Run(c.Name, func(t *testing.T) {
			steps := 0
			p := place(scratch(t), func(*parquet.Sink) {})
			p.Prepare(t, c)
			s := p.Open(t, func(string) { steps++ })
			defer s.Close()
			if err := c.Do(t, s); err != nil {
				t.Fatal(err)
			}
			if steps < 3 {
				t.Fatalf("got %d steps, want more", steps)
			}
			for n := 1; n <= steps; n++ {
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel() // most of it is waiting for the disk
					root := scratch(t)
					p := place(root, func(*parquet.Sink) {})
					p.Prepare(t, c)
					kill(t, root, c, n)
					p.ExpectRecovery(t, c)
				})
			}
		})
	}
}

// kill runs a change in a process that dies at its n-th step.
func kill(t *testing.T, root string, c sinktest.Change, n int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), killRoot+"="+root, killChange+"="+c.Name, killStep+"="+strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s up to step %d: got %v, want it killed\n%s", c.Name, n, err, out)
	}
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
