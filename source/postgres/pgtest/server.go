package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start makes a cluster in a temporary folder and starts its server.
func start(settings []string) (_ *Server, err error) {
	// A short path, as that of a socket must not be longer than 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "pgtest")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	return startIn(dir, filepath.Join(dir, "data"), settings)
}

// startIn starts a server with its socket in dir, over the cluster in data,
// which is made where there is none.
func startIn(dir, data string, settings []string) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := owner(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); err != nil {
		if err := initCluster(bin, dir, data, as); err != nil {
			return nil, err
		}
	}
	args := []string{"-D", data, "-k", dir}
	for _, s := range append([]string{"listen_addresses=", "fsync=off", "synchronous_commit=off",
		"full_page_writes=off", "max_connections=60", "shared_buffers=64MB", "autovacuum=off"}, settings...) {
		args = append(args, "-c", s)
	}
	s := &Server{
		URL: "postgres://postgres@/postgres?host=" + url.QueryEscape(dir),
		dir: dir, data: data, program: filepath.Join(bin, "postgres"), args: args, as: as,
	}
	return s, s.boot()
}

func initCluster(bin, dir, data string, as *syscall.Credential) error {
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres",
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster: %w\n%s", err, out)
	}
	// Passwords are asked of users that were given one; the rest is trusted.
	hba := "local all +needs_password scram-sha-256\nlocal all all trust\nlocal replication all trust\n"
	return os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(hba), 0o644)
}

// boot starts the server and waits until it can be used.
func (s *Server) boot() error {
	server := exec.Command(s.program, s.args...)
	server.Dir = s.dir
	// The server is to end with the tests, however they end.
	server.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Pdeathsig: syscall.SIGQUIT}
	var log bytes.Buffer
	server.Stderr = &log
	s.process, s.exited = server, make(chan error, 1)
	if err := run(server, s.exited); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := ready(filepath.Join(s.data, "postmaster.pid"), server.Process.Pid, s.exited); err != nil {
		server.Process.Kill()
		return fmt.Errorf("start PostgreSQL: %w\n%s", err, &log)
	}
	return nil
}

// halt ends all sessions and stops the server: data is written.
func (s *Server) halt() error { return s.end(syscall.SIGINT) }

// end stops the server as a signal says
// (https://www.postgresql.org/docs/current/server-shutdown.html).
func (s *Server) end(how syscall.Signal) error {
	if err := s.process.Process.Signal(how); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		s.process.Process.Kill()
		<-s.exited
	}
	return nil
}

// remove stops the server and removes what is left of it.
func (s *Server) remove() error {
	if s.process == nil {
		return nil
	}
	return errors.Join(s.halt(), os.RemoveAll(s.dir))
}

// Stop stops the server until Restart, as an administrator would.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	if err := s.halt(); err != nil {
		tb.Fatal(err)
	}
}

// Restart starts a stopped server again.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.boot(); err != nil {
		tb.Fatal(err)
	}
}

// Standby makes the server a hot standby, which waits for a primary that
// never comes.
func (s *Server) Standby(tb testing.TB) {
	tb.Helper()
	s.Stop(tb)
	if err := os.WriteFile(filepath.Join(s.data, "standby.signal"), nil, 0o644); err != nil {
		tb.Fatal(err)
	}
	s.Restart(tb)
}

// run starts the server and reports its end. Pdeathsig is about the thread
// that started it, so that thread is kept for as long.
func run(server *exec.Cmd, exited chan<- error) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			exited <- server.Wait()
		}
	}()
	return <-started
}

// ready waits until the last line of the server's lock file says so
// (postgres/postgres: src/include/utils/pidfile.h).
func ready(pidFile string, pid int, exited <-chan error) error {
	deadline := time.After(time.Minute)
	for {
		text, err := os.ReadFile(pidFile)
		if lines := strings.Split(string(text), "\n"); err == nil && len(lines) >= 8 &&
			lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready" {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("the server ended: %w", err)
		case <-deadline:
			return errors.New("the server is not ready after a minute")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// binaries finds the newest PostgreSQL that is installed.
func binaries() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("PostgreSQL is not installed: these tests need its server (Debian: apt-get install postgresql), or TEST_POSTGRES_URL")
}

// version gives the 15 of /usr/lib/postgresql/15/bin.
func version(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// owner gives dir to the user that the server runs as. PostgreSQL does not
// run as root; for root the user postgres, or nobody, takes its place.
func owner(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("run PostgreSQL: it does not run as root, and there is no user postgres")
}
