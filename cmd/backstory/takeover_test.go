package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"backstory/sinks/bigquery/bqtest"
	"backstory/source/postgres/pgtest"
)

// shopEvents is how many events the store has.
const shopEvents = 2000

// takeoverConfig is a job whose ledger is on a server.
const takeoverConfig = `
source: {driver: sqlite, path: "${env:SHOP}", state: {compress: zlib}}
sink: %s
state: {url: "${env:LEDGER_URL}", lease: 1s}
load: {window: %d, workers: 1}
jobs: [{name: shop}]
`

// A crew are workers of one job: processes that share its ledger.
type crew struct {
	t   *testing.T
	dir string
	env []string
}

func newCrew(t *testing.T, sink string, window int, env ...string) *crew {
	t.Helper()
	shop, err := filepath.Abs("../../testdata/stores/shop-zlib/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	c := &crew{t: t, dir: t.TempDir()}
	c.env = append(append(os.Environ(), "SHOP="+shop, "LEDGER_URL="+pgtest.Database(t)), env...)
	if err := os.WriteFile(filepath.Join(c.dir, "backstory.yaml"), fmt.Appendf(nil, takeoverConfig, sink, window), 0o666); err != nil {
		t.Fatal(err)
	}
	return c
}

// A hand is one process.
type hand struct {
	*exec.Cmd
	said bytes.Buffer
}

// begin starts a run.
func (c *crew) begin() *hand {
	c.t.Helper()
	h := &hand{Cmd: exec.CommandContext(c.t.Context(), "backstory", "run")}
	h.Dir, h.Env, h.Stdout, h.Stderr = c.dir, c.env, &h.said, &h.said
	if err := h.Start(); err != nil {
		c.t.Fatal(err)
	}
	return h
}

// end waits for a run and gives its exit code.
func (c *crew) end(h *hand) int {
	c.t.Helper()
	err := h.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return h.ProcessState.ExitCode()
}

// until runs again and again, as a schedule would, until a run ends with that
// code and says that; those before it must find the lease held.
func (c *crew) until(code int, says string) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		h := c.begin()
		got := c.end(h)
		if got == code && strings.Contains(h.said.String(), says) {
			return
		}
		if got != exitHeld || time.Now().After(deadline) {
			c.t.Fatalf("a run beside one that is stopped: exit code %d\n%s", got, &h.said)
		}
	}
}

func (c *crew) signal(h *hand, s syscall.Signal) {
	c.t.Helper()
	if err := h.Process.Signal(s); err != nil {
		c.t.Fatal(err)
	}
}

// givesUp lets a stopped run go on, which must find that its lease was lost.
func (c *crew) givesUp(h *hand) {
	c.t.Helper()
	c.signal(h, syscall.SIGCONT)
	if code := c.end(h); code != exitHeld {
		c.t.Errorf("a run that was stopped for longer than its lease: exit code %d, want %d\n%s", code, exitHeld, &h.said)
	}
	for _, want := range []string{"lease 1 was lost", "hint: this process was stopped"} {
		if !strings.Contains(h.said.String(), want) {
			c.t.Errorf("a run that was stopped for longer than its lease does not say %q:\n%s", want, &h.said)
		}
	}
}

// TestTakeover stops a worker in the middle of a window for longer than its
// lease. Another takes the job over and finishes it, and the one that comes
// back gives up: no row is there twice.
func TestTakeover(t *testing.T) {
	tests := map[string]struct {
		rule bqtest.Rule
		late bool // the request arrives when the other is done
	}{
		"while a table is loaded":           {bqtest.Rule{Method: "jobs.insert", Table: "cart_item_added", Nth: 2}, false},
		"with a load job on its way":        {bqtest.Rule{Method: "jobs.insert", Table: "cart_item_added", Nth: 2}, true},
		"while a window is committed":       {bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Nth: 2}, false},
		"with the commit itself on its way": {bqtest.Rule{Method: "jobs.insert", Table: "_backstory_loads", Nth: 2}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := bqtest.Start(t, bqtest.Options{})
			c := newCrew(t, "{driver: bigquery, project: "+server.Project()+", dataset: shop}", 500, "BIGQUERY_EMULATOR_HOST="+server.Host())
			stopped, done := make(chan struct{}), make(chan struct{})
			var first *hand
			begun := make(chan struct{})
			test.rule.Do = bqtest.Before(func() {
				<-begun
				c.signal(first, syscall.SIGSTOP)
				close(stopped)
				if test.late {
					<-done
				}
			})
			server.Fail(test.rule)
			first = c.begin()
			close(begun)
			select {
			case <-stopped:
			case <-time.After(time.Minute):
				t.Fatal("the first run has not come so far after a minute")
			}
			c.until(exitDone, "loaded")
			close(done)
			c.givesUp(first)
			c.until(exitDone, "nothing new")
			expectWarehouse(t, server)
		})
	}
}

// expectWarehouse looks for each event of the shop, once.
func expectWarehouse(t *testing.T, server *bqtest.Server) {
	t.Helper()
	seen := make(map[string]int)
	for _, table := range server.Tables("shop") {
		if strings.HasPrefix(table, "_") {
			continue
		}
		rows, err := server.Rows("shop", table)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			i := slices.IndexFunc(row, func(c bqtest.Cell) bool { return c.Name == "position" })
			seen[row[i].Text]++
		}
	}
	for position, n := range seen {
		if n != 1 {
			t.Errorf("the event at position %s is there %d times", position, n)
		}
	}
	if len(seen) != shopEvents {
		t.Errorf("%d events are there, want %d", len(seen), shopEvents)
	}
}

// TestTakeoverFolder does the same with a folder, which the process that was
// stopped still holds: nobody can finish its work on this machine before it
// has given up, and then everybody can.
func TestTakeoverFolder(t *testing.T) {
	t.Parallel()
	c := newCrew(t, "{driver: parquet, path: out}", 80)
	first := c.begin()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(c.dir, "out", "cart_item_added", "*.parquet")); len(found) > 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no file after a minute")
		}
	}
	c.signal(first, syscall.SIGSTOP)
	c.until(exitHeld, "another process is working on the job")
	c.givesUp(first)
	c.until(exitDone, "loaded")
	c.until(exitDone, "nothing new")
	dirs, err := filepath.Glob(filepath.Join(c.dir, "out", "[a-z]*"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := rowsOnce(dirs)
	if err != nil || n != shopEvents {
		t.Errorf("got %d rows, %v, want %d, each once", n, err, shopEvents)
	}
}
