package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"backstory/source/postgres/pgtest"

	"github.com/rogpeppe/go-internal/testscript"
)

// workers are the workers of a script, by their names.
type workers struct{}

// A scriptWorker is a worker that a script has begun.
type scriptWorker struct {
	cmd  *exec.Cmd
	done chan error

	mu   sync.Mutex
	log  bytes.Buffer
	seen int // of the log, by logs
}

func (w *scriptWorker) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.Write(p)
}

// beginWorker NAME ARGS... begins backstory worker.
func beginWorker(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: worker NAME ARGS...")
	}
	w := &scriptWorker{done: make(chan error, 1)}
	w.cmd = exec.Command("backstory", append([]string{"worker"}, args[1:]...)...)
	w.cmd.Dir = ts.MkAbs(".")
	w.cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "PWD="+w.cmd.Dir, "EVENTS_URL="+ts.Getenv("EVENTS_URL"))
	w.cmd.Stdout, w.cmd.Stderr = w, w
	ts.Check(w.cmd.Start())
	go func() { w.done <- w.cmd.Wait() }()
	ts.Value(workers{}).(map[string]*scriptWorker)[args[0]] = w
	ts.Defer(func() {
		w.cmd.Process.Kill()
		<-w.done
		if ts.Value(testKey{}).(testing.TB).Failed() {
			ts.Logf("log of worker %s:\n%s", args[0], &w.log)
		}
	})
}

func workerOf(ts *testscript.TestScript, name string) *scriptWorker {
	w := ts.Value(workers{}).(map[string]*scriptWorker)[name]
	if w == nil {
		ts.Fatalf("there is no worker %s", name)
	}
	return w
}

// signalWorker NAME SIGNAL sends a signal to a worker.
func signalWorker(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]syscall.Signal{
		"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
	}
	if neg || len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME HUP|TERM|KILL|STOP|CONT")
	}
	ts.Check(workerOf(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// logs NAME REGEXP waits until a worker has logged that, behind what logs has
// found before. With !, it must not have up to now.
func logs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] logs NAME REGEXP")
	}
	w, pattern := workerOf(ts, args[0]), regexp.MustCompile("(?m)"+args[1])
	found := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		at := pattern.FindIndex(w.log.Bytes()[w.seen:])
		if at != nil && !neg {
			w.seen += at[1]
		}
		return at != nil
	}
	if neg {
		if found() {
			ts.Fatalf("worker %s has logged %s", args[0], args[1])
		}
		return
	}
	for deadline := time.Now().Add(time.Minute); !found(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) || len(w.done) > 0 && !found() {
			ts.Fatalf("worker %s does not log %s", args[0], args[1])
		}
	}
}

// ended NAME CODE waits until a worker has ended with that exit code.
func ended(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ended NAME CODE")
	}
	w := workerOf(ts, args[0])
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	select {
	case err := <-w.done:
		w.done <- err
		if code := codeOf(ts, err); code != want {
			ts.Fatalf("worker %s: exit code %d, want %d", args[0], code, want)
		}
	case <-time.After(time.Minute):
		ts.Fatalf("worker %s goes on after a minute", args[0])
	}
}

// ownServer is a PostgreSQL that the script has for itself.
type ownServer struct{}

// server begin [DUMP] starts a PostgreSQL that the script can stop, and sets
// PGURL and EVENTS_URL; server stop and server start stop it and start it again.
func server(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: server begin [DUMP] | stop | start")
	}
	tb, own := ts.Value(testKey{}).(testing.TB), ts.Value(ownServer{}).(**pgtest.Server)
	switch args[0] {
	case "stop":
		(*own).Stop(tb)
	case "start":
		(*own).Restart(tb)
	case "begin":
		*own = pgtest.Start(tb)
		url := (*own).Database(tb)
		if len(args) == 2 {
			pgtest.Restore(tb, url, ts.MkAbs(args[1]))
		}
		ts.Setenv("PGURL", url)
		ts.Setenv("EVENTS_URL", url)
	}
}
