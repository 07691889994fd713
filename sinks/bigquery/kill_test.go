//go:build unix

package bigquery_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"backstory/sinks/bigquery"
	"backstory/sinks/bigquery/bqtest"
	"backstory/sinks/sinktest"

	"golang.org/x/sync/errgroup"
)

// What the child process of TestKill is told; the server's address is in
// BIGQUERY_EMULATOR_HOST.
const (
	killProject = "BACKSTORY_TEST_KILL_PROJECT"
	killChange  = "BACKSTORY_TEST_KILL_CHANGE"
)

// TestKill kills a real process when each request of each operation is done
// and not answered, while the server goes on with what was sent, and lets
// another process finish.
func TestKill(t *testing.T) {
	if os.Getenv(killProject) != "" {
		beKilled(t)
		return
	}
	var g errgroup.Group
	defer g.Wait()
	g.SetLimit(4)
	for _, c := range changes(t) {
		for n, total := 0, requestsOf(t, c); n < total; n += stride() {
			g.Go(func() error {
				t.Run(fmt.Sprintf("%s/%d", c.Name, n+1), func(t *testing.T) {
					server := start(t, bqtest.Options{JobDelay: 1})
					p := placeOf(server, c)
					p.Prepare(t, c)
					kill(t, server, c, n+1)
					server.Mend()
					expectOnce(t, server, p, c)
				})
				return nil
			})
		}
	}
}

// kill runs a change in a process that dies at its n-th request.
func kill(t *testing.T, server *bqtest.Server, c sinktest.Change, n int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "BIGQUERY_EMULATOR_HOST="+server.Host(), killProject+"="+server.Project(), killChange+"="+c.Name)
	started := make(chan *os.Process, 1)
	server.Fail(bqtest.Rule{Nth: n, Do: bqtest.After(func() {
		if err := (<-started).Kill(); err != nil {
			t.Error(err)
		}
	})})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started <- cmd.Process
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s up to request %d: got %v, want it killed\n%s", c.Name, n, err, &out)
	}
}

// beKilled is the child process.
func beKilled(t *testing.T) {
	s := open(t, bigquery.Options{Project: os.Getenv(killProject), Dataset: dataset, Version: "v0.0.0-test"})
	for _, c := range sinktest.Changes(s) {
		if c.Name == os.Getenv(killChange) {
			if err := c.Do(t, s); err != nil {
				t.Fatal(err)
			}
		}
	}
}
