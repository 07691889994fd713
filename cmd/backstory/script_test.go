package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"backstory/sinks/bigquery/bqtest"
	"backstory/source/postgres/pgtest"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the programs that scripts run; see
// script_programs_test.go for those that are not backstory.
func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, map[string]func(){
		"backstory": func() { os.Exit(run(os.Args[1:])) },
		"guest":     program(asGuest),
		"cramped":   program(withSmallFiles),
		"sql":       program(runSQL),
		"sqlite3":   program(runSQL),
		"json":      program(pickJSON),
		"dump":      program(dumpTable),
		"rows":      program(countRows),
		"tamper":    program(tamper),
	})
}

// withPostgres stops the server that scripts have shared.
type withPostgres struct{ *testing.M }

func (w withPostgres) Run() int { return pgtest.Run(w.M) }

// TestScript runs the binary from end to end, once a file of
// testdata/script. Besides testscript's own commands, scripts have the
// programs of TestMain and the commands below.
func TestScript(t *testing.T) {
	// The guest must be able to reach what a script leaves to it.
	root, err := os.MkdirTemp("", "backstory-script")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	testdata, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join(testdata, "script"),
		WorkdirRoot:   root,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("STORES", filepath.Join(testdata, "stores"))
			e.Values[testKey{}] = e.T().(testing.TB)
			e.Values[held{}] = new(*os.File)
			e.Values[warehouse{}] = new(*bqtest.Server)
			e.Values[workers{}] = make(map[string]*scriptWorker)
			e.Values[ownServer{}] = new(*pgtest.Server)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":      exits,
			"eventually": eventually,
			"interrupt":  interrupt,
			"await":      await,
			"postgres":   postgresDatabase,
			"psql":       psql,
			"hold":       hold,
			"release":    release,
			"damage":     damage,
			"readkey":    readKey,
			"bigquery":   warehouseServer,
			"bqrows":     warehouseRows,
			"bqtamper":   warehouseTamper,
			"bqdrop":     warehouseDrop,
			"bqtraces":   warehouseTraces,
			"worker":     beginWorker,
			"signal":     signalWorker,
			"logs":       logs,
			"ended":      ended,
			"server":     server,
			"bqjobs":     warehouseJobs,
			"bqdeny":     warehouseDeny,
		},
	})
}

// testKey finds the script's testing.TB among the values of its environment.
type testKey struct{}

// exits CODE PROGRAM ARGS... runs a program that must end with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := codeOf(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("%s: exit code %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// eventually PROGRAM ARGS... runs a program until it succeeds.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: eventually PROGRAM ARGS...")
	}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Since(begin) > hang {
			ts.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
	}
}

// codeOf gives the exit code that an error of a program stands for.
func codeOf(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	ts.Fatalf("%v", err)
	return -1
}

// hang is far longer than backstory takes to end on the slowest machine: past
// it, it never will. It is no measure of how fast that should be.
const hang = 30 * time.Second

// interrupt SIGNAL GLOB ARGS... runs backstory, sends it the signal as soon
// as a file of that name is there, and checks that it then ends, with exit
// code 130.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM}
	if neg || len(args) < 3 || signals[args[0]] == nil {
		ts.Fatalf("usage: interrupt INT|TERM GLOB ARGS...")
	}
	if found, _ := filepath.Glob(ts.MkAbs(args[1])); len(found) > 0 {
		ts.Fatalf("%s is there before backstory runs", args[1])
	}
	cmd := exec.Command("backstory", args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "PWD="+cmd.Dir)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	appears(ts, args[1])
	ts.Check(cmd.Process.Signal(signals[args[0]]))
	hung := time.AfterFunc(hang, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !hung.Stop() {
		ts.Fatalf("backstory had not ended %s after the signal", hang)
	}
	if code := codeOf(ts, err); code != exitInterrupted {
		ts.Fatalf("exit code %d, want %d", code, exitInterrupted)
	}
}

// await GLOB waits for a file of that name.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await GLOB")
	}
	appears(ts, args[0])
}

func appears(ts *testscript.TestScript, glob string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		found, err := filepath.Glob(ts.MkAbs(glob))
		ts.Check(err)
		if len(found) > 0 {
			return
		}
	}
	ts.Fatalf("no file %s after a minute", glob)
}

// held is the file that a script has locked.
type held struct{}

// hold FILE locks a file, as another process would, until release.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold FILE")
	}
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	ts.Check(err)
	ts.Defer(func() { f.Close() })
	ts.Check(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
	*ts.Value(held{}).(**os.File) = f
}

// release unlocks it.
func release(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: release")
	}
	ts.Check((*ts.Value(held{}).(**os.File)).Close())
}

// postgres [DUMP] makes a database and sets PGURL, PGHOST and PGDATABASE.
func postgresDatabase(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: postgres [DUMP]")
	}
	tb := ts.Value(testKey{}).(testing.TB)
	url := pgtest.Database(tb)
	if len(args) == 1 {
		pgtest.Restore(tb, url, ts.MkAbs(args[0]))
	}
	c, err := pgx.ParseConfig(url)
	ts.Check(err)
	ts.Setenv("PGURL", url)
	ts.Setenv("PGHOST", c.Host)
	ts.Setenv("PGDATABASE", c.Database)
}

// psql STATEMENTS runs SQL in the script's database, as a superuser.
func psql(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: psql STATEMENTS")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, ts.Getenv("PGURL"))
	ts.Check(err)
	defer c.Close(ctx)
	_, err = c.Exec(ctx, args[0], pgx.QueryExecModeSimpleProtocol)
	ts.Check(err)
}

// readkey NAME FILE sets an environment variable to a file's text.
func readKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: readkey NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// damage FILE truncate N | write TEXT | flip OFFSET changes the one file
// that matches.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: damage FILE truncate|write|flip ARG")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("damage %s: %d files match, want one", args[0], len(found))
	}
	ts.Check(damageFile(found[0], args[1], args[2]))
}

func damageFile(path, how, arg string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	switch how {
	case "truncate":
		n, err := strconv.Atoi(arg)
		if err != nil || n > len(data) {
			return fmt.Errorf("truncate %s (%d bytes) to %s", path, len(data), arg)
		}
		data = data[:n]
	case "write":
		data = []byte(arg)
	case "flip":
		n, err := strconv.Atoi(arg)
		if err != nil || n >= len(data) {
			return fmt.Errorf("flip byte %s of %s (%d bytes)", arg, path, len(data))
		}
		data[n] ^= 0xff
	default:
		return fmt.Errorf("do not know how to %s", how)
	}
	return os.WriteFile(path, data, 0o666)
}
