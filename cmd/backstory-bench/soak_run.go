package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A fate is what becomes of a process that was started.
type fate string

const (
	killed    fate = "killed (SIGKILL)"
	suspended fate = "suspended for seconds, and let go on (SIGSTOP, SIGCONT)"
	told      fate = "told to end (SIGTERM)"
	spared    fate = "left to end by themselves"
)

// leaseEnds is by when a lease in PostgreSQL has ended whose holder does not
// renew it.
const leaseEnds = 35 * time.Second

// fates are what may become of a process, some more often than others.
var fates = []fate{killed, killed, killed, suspended, suspended, told, spared, spared}

// patience is how long a process may take to end by itself: the server may be
// down meanwhile, and it tries again.
const patience = 3 * time.Minute

// keepRunning starts one process of Backstory after the other, and sees to
// what becomes of them. With two of these, two are always after one job.
func (s *soak) keepRunning(ctx context.Context, name int) error {
	r := s.random(uint64(10 + name))
	for sleep(ctx, between(r, 0, 300*time.Millisecond)) {
		what := "run"
		switch n := r.IntN(20); {
		case n < 5:
			what = "worker"
		case n == 5:
			what = "compact"
		case n == 6 && time.Since(s.started) > s.time/4:
			what = "rebuild"
		}
		if err := s.live(ctx, r, name, what, fates[r.IntN(len(fates))]); err != nil {
			return err
		}
	}
	return nil
}

// live starts a process, lets it have its fate, and judges how it ended.
func (s *soak) live(ctx context.Context, r *rand.Rand, name int, what string, f fate) error {
	if what == "worker" && f == spared {
		f = told
	}
	args := []string{what, "--config", s.config, "--log-level", "info", "--progress", "never"}
	if what == "rebuild" {
		args = append(args, "soak")
	}
	cmd := s.command(r, args)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	s.survived.count("processes started: " + what)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	err, over := s.befall(ctx, r, cmd.Process, what, f, ended)
	if !over {
		select {
		case err = <-ended:
		case <-time.After(patience):
			cmd.Process.Signal(syscall.SIGQUIT) // which tells where it is
			<-ended
			s.log.say("%d: %s\n%s", name, strings.Join(args, " "), &out)
			return fmt.Errorf("%s (%s): it had not ended after %v", what, f, patience)
		}
	}
	took := time.Since(started).Round(time.Millisecond)
	code := exitCode(err)
	s.log.say("%d: %s (%s) ended with %d after %v\n%s", name, strings.Join(cmd.Args[1:], " "), f, code, took, &out)
	return s.judge(what, f, code, signalOf(err), out.String())
}

// befall lets a process have its fate, and tells whether it has ended by then.
func (s *soak) befall(ctx context.Context, r *rand.Rand, p *os.Process, what string, f fate, ended <-chan error) (err error, over bool) {
	life := between(r, 10*time.Millisecond, 700*time.Millisecond) // about as long as a run takes
	switch {
	case f == spared:
		life = patience
	case what == "worker":
		life = between(r, 10*time.Millisecond, 6*time.Second)
	}
	wait := func(d time.Duration) bool {
		select {
		case err = <-ended:
			return true
		case <-ctx.Done(): // the time is over
			return false
		case <-time.After(d):
			return false
		}
	}
	if wait(life) {
		s.survived.count("processes that had ended before anything befell them")
		return err, true
	}
	if f != spared || ctx.Err() == nil {
		s.survived.count("processes " + string(f))
	}
	switch f {
	case killed:
		p.Kill()
	case suspended:
		p.Signal(syscall.SIGSTOP)
		if s.ledger == "postgres" && oneIn(r, 3) {
			s.survived.count("of these for longer than their lease")
			time.Sleep(between(r, leaseEnds, 2*leaseEnds))
		} else {
			time.Sleep(between(r, 500*time.Millisecond, 4*time.Second))
		}
		p.Signal(syscall.SIGCONT)
		if wait(life) {
			return err, true
		}
		p.Signal(syscall.SIGTERM)
	case told, spared:
		p.Signal(syscall.SIGTERM)
	}
	return nil, false
}

// signalOf gives the signal that ended a process, 0 where none did.
func signalOf(err error) syscall.Signal {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return s.Signal()
		}
	}
	return 0
}

// exitCode gives a process' exit code, -1 where a signal ended it.
func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -2
}

// judge holds against a process what must not be, whatever breaks around it. by
// is the signal that has ended it, or 0.
func (s *soak) judge(what string, f fate, code int, by syscall.Signal, out string) error {
	// What came late was mended, and should not have: the fence let it through.
	for _, sign := range []string{"panic:", "fatal error:", "DATA RACE", "is a defect", "closed windows have changed"} {
		if strings.Contains(out, sign) {
			return fmt.Errorf("%s (%s) ended with exit code %d: its output has %q:\n%s", what, f, code, sign, tail(out))
		}
	}
	switch code {
	case 0:
		s.survived.count("processes that ended well")
	case 4:
		s.survived.count("processes that found the job held by another")
	case 1, 3:
		s.survived.count("processes that failed, and said why")
	case 130:
	case -1:
		switch {
		case f == killed:
		case by == syscall.SIGTERM && out == "":
			s.survived.count("processes told to end before they could listen")
		default:
			return fmt.Errorf("%s (%s) was ended by a signal that nobody sent:\n%s", what, f, tail(out))
		}
	default:
		return fmt.Errorf("%s (%s) ended with exit code %d:\n%s", what, f, code, tail(out))
	}
	return nil
}

// tail gives the end of a text.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		return "..." + text[len(text)-most:]
	}
	return text
}

// settle ends all transactions, and lets Backstory load what is left.
func (s *soak) settle(ctx context.Context) error {
	s.log.say("settling")
	if err := s.resolve(ctx, s.random(3), 1); err != nil {
		return fmt.Errorf("end prepared transactions: %w", err)
	}
	commands := [][]string{{"run"}, {"run"}, {"compact"}, {"run"}}
	if s.programs.has(ctx, "verify") {
		commands = append(commands, []string{"verify"}, []string{"verify", "--full"})
	}
	for _, args := range commands {
		out, err := s.orderly(ctx, args)
		for held := time.Now(); exitCode(err) == 4 && time.Since(held) < leaseEnds; { // by a process that was killed
			sleep(ctx, time.Second)
			out, err = s.orderly(ctx, args)
		}
		if err != nil {
			return fmt.Errorf("%s after all was mended: %w\n%s", strings.Join(args, " "), err, tail(string(out)))
		}
		if args[0] == "verify" {
			s.survived.count(strings.Join(args, " ") + " that found nothing")
		}
	}
	return s.nothingLeft(ctx)
}

// orderly runs Backstory while nothing breaks.
func (s *soak) orderly(ctx context.Context, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.programs.plain, append(args, "--config", s.config, "--log-level", "info", "--progress", "never")...)
	out, err := cmd.CombinedOutput()
	s.log.say("%s ended with %d\n%s", strings.Join(args, " "), exitCode(err), out)
	return out, err
}
