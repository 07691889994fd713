package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the binaries that are tried.
type programs struct {
	plain string
	// clock is the same, but its clock may be set back while it runs.
	clock string
}

// clockVar tells the binary clock by how many seconds its clock is set back,
// and after how many milliseconds.
const clockVar = "SOAK_CLOCK"

// setBack is put into the standard library's package time: a program that is
// linked statically asks the kernel for the time, so that there is no library
// to take the place of.
const setBack = `package time

import "syscall"

var soakBack, soakAfter = soakClock()

func soakClock() (back, after int64) {
	text, _ := syscall.Getenv("` + clockVar + `")
	numbers := [2]int64{}
	i := 0
	for _, c := range []byte(text) {
		if c == ' ' {
			i = 1
			continue
		}
		numbers[i] = 10*numbers[i] + int64(c-'0')
	}
	return numbers[0], numbers[1] * 1e6
}

// soakSeconds is by how much the clock has been set back by now.
func soakSeconds(mono int64) int64 {
	if mono-startNano < soakAfter {
		return 0
	}
	return soakBack
}
`

// build builds what is missing from this tree, into a folder.
func (p *programs) build(ctx context.Context, dir string) (err error) {
	if p.plain == "" {
		if p.plain, err = build(ctx, dir); err != nil {
			return err
		}
	}
	if p.clock != "" {
		return nil
	}
	overlay, err := clockOverlay(ctx, dir)
	if err != nil {
		return fmt.Errorf("make a clock that can be set back: %w", err)
	}
	p.clock = filepath.Join(dir, "backstory-clock")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-overlay", overlay, "-o", p.clock, "backstory/cmd/backstory")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build backstory with a clock that can be set back: %w\n%s", err, out)
	}
	return nil
}

// clockOverlay writes what go build -overlay wants.
func clockOverlay(ctx context.Context, dir string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	library := filepath.Join(strings.TrimSpace(string(out)), "src", "time")
	text, err := os.ReadFile(filepath.Join(library, "time.go"))
	if err != nil {
		return "", err
	}
	const asked = "\tmono -= startNano\n\tsec += unixToInternal - minWall\n"
	if bytes.Count(text, []byte(asked)) != 1 {
		return "", errors.New("time.Now is not what it was in Go 1.26; adapt the overlay")
	}
	text = bytes.Replace(text, []byte(asked), []byte("\tsec -= soakSeconds(mono)\n"+asked), 1)
	changed, added := filepath.Join(dir, "time.go.txt"), filepath.Join(dir, "soak.go.txt")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(library, "time.go"): changed,
		filepath.Join(library, "soak.go"): added,
	}})
	name := filepath.Join(dir, "overlay.json")
	return name, errors.Join(err, os.WriteFile(changed, text, 0o600), os.WriteFile(added, []byte(setBack), 0o600), os.WriteFile(name, overlay, 0o600))
}

// has tells whether there is a command.
func (p programs) has(ctx context.Context, command string) bool {
	out, err := exec.CommandContext(ctx, p.plain, command, "--help").Output()
	return err == nil && bytes.Contains(out, []byte("backstory "+command))
}

// command makes one that runs Backstory: as people do, or with a clock that is
// set back, or where no file may grow large.
func (s *soak) command(r *rand.Rand, args []string) *exec.Cmd {
	switch r.IntN(8) {
	case 0:
		s.survived.count("processes whose clock was set back, by seconds to days")
		cmd := exec.Command(s.programs.clock, args...)
		back := []int{5, 3600, 90_000, 1_000_000}[r.IntN(4)]
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d", clockVar, back, r.IntN(1500)))
		return cmd
	case 1:
		s.survived.count("processes whose files could not grow (ulimit -f)")
		limit := fmt.Sprint(1 + r.IntN(64)) // in blocks of 512 bytes
		return exec.Command("sh", append([]string{"-c", `ulimit -f "$1"; shift; exec "$@"`, "sh", limit, s.programs.plain}, args...)...)
	}
	return exec.Command(s.programs.plain, args...)
}
