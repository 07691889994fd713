package main

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const tutorialPage = "../../docs/tutorial.md"

// TestTutorial does what docs/tutorial.md tells a newcomer to do, from its top
// to its bottom, and compares what he is told to see with what there is to
// see. Run with UPDATE=1, it writes down the latter; read the diff.
//
// Blocks of the page are taken by their kind:
//
//	console    commands behind "$ ", each with what it shows, on both outputs; a
//	           line ... stands for any lines. After one that fails comes echo $?
//	diff FILE  a change of a file, of backstory.yaml where none is named
//	sql FILE   a file
//
// All others are not for the shell.
func TestTutorial(t *testing.T) {
	page, err := os.ReadFile(tutorialPage)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store, err := os.ReadFile("../../testdata/stores/shop/shop.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	writeInto(t, dir, "shop.sqlite", store)
	shell := &tutorialShell{t: t, dir: dir}
	seen := tutorialBlock.ReplaceAllFunc(page, func(block []byte) []byte {
		m := tutorialBlock.FindSubmatch(block)
		kind, file, text := string(m[1]), string(m[2]), string(m[3])
		switch {
		case kind == "console":
			return []byte("```console\n" + shell.follow(text) + "```\n")
		case kind == "diff":
			shell.patch(cmp.Or(file, "backstory.yaml"), text)
		case kind == "sql" && file != "":
			writeInto(t, dir, file, []byte(text))
		}
		return block
	})
	if shell.commands < 20 {
		t.Errorf("the page has %d commands, want at least 20", shell.commands)
	}
	if os.Getenv("UPDATE") != "" && !bytes.Equal(seen, page) {
		if err := os.WriteFile(tutorialPage, seen, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

var tutorialBlock = regexp.MustCompile("(?ms)^```([a-z]+)(?: (\\S+))?\n(.*?)^```\n")

func writeInto(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// A tutorialShell is where a newcomer types.
type tutorialShell struct {
	t        *testing.T
	dir      string
	commands int
	code     int    // of the last command
	shown    string // by it
}

// follow runs the commands of a block and compares what they show. It gives
// the block as it should be.
func (s *tutorialShell) follow(block string) string {
	s.t.Helper()
	var seen strings.Builder
	for _, step := range strings.Split("\n"+block, "\n$ ")[1:] {
		command, want, _ := strings.Cut(strings.TrimSuffix(step, "\n")+"\n", "\n")
		if s.code != 0 && command != "echo $?" {
			s.t.Fatalf("exit code %d before %s, of which the page says nothing:\n%s", s.code, command, s.shown)
		}
		got := s.run(command)
		s.shown = got
		seen.WriteString("$ " + command + "\n")
		pattern := tutorialPattern(want)
		switch {
		case pattern.MatchString(tutorialFigures(got)):
			seen.WriteString(want)
		case os.Getenv("UPDATE") != "":
			seen.WriteString(got)
		default:
			s.t.Errorf("%s (-page +seen):\n%s", command, gocmp.Diff(want, got))
		}
	}
	return seen.String()
}

var export = regexp.MustCompile(`^export (\w+)="(.*)"$`)

// run gives what a command shows on a terminal.
func (s *tutorialShell) run(command string) string {
	s.t.Helper()
	s.commands++
	if m := export.FindStringSubmatch(command); m != nil {
		s.t.Setenv(m[1], m[2])
		return ""
	}
	cmd := exec.Command("sh", "-c", "(exit "+strconv.Itoa(s.code)+")\n"+command)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatalf("%s: %v", command, err)
	}
	s.code = cmd.ProcessState.ExitCode()
	return string(out)
}

// patch changes a file as a diff says: lines behind "-" go, lines behind "+"
// come, all others are there to find the place.
func (s *tutorialShell) patch(name, diff string) {
	s.t.Helper()
	var before, after strings.Builder
	for line := range strings.Lines(diff) {
		sign, rest := line[0], line[1:]
		if sign != '+' {
			before.WriteString(rest)
		}
		if sign != '-' {
			after.WriteString(rest)
		}
	}
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	if n := strings.Count(string(text), before.String()); n != 1 {
		s.t.Fatalf("these lines stand in %s %d times, want once:\n%s", name, n, before.String())
	}
	writeInto(s.t, s.dir, name, []byte(strings.Replace(string(text), before.String(), after.String(), 1)))
}

// tutorialPattern matches what a command shows.
func tutorialPattern(want string) *regexp.Regexp {
	p := regexp.QuoteMeta(tutorialFigures(want))
	return regexp.MustCompile(`^` + regexp.MustCompile(`(?m)^\\\.\\\.\\\.\n`).ReplaceAllString(p, `(?s:.*\n)?`) + `$`)
}

// tutorialFigures replaces figures that are others each time.
func tutorialFigures(text string) string {
	for _, f := range []struct{ pattern, name string }{
		{`\b[0-9.]+ ([KM]i)?B\b`, "SIZE"},
		{`\b[0-9.]+m?s \([0-9,]+ events/s\)`, "DURATION"},
		{`\b[0-9a-f]{16}\b`, "FINGERPRINT"},
	} {
		text = regexp.MustCompile(f.pattern).ReplaceAllString(text, f.name)
	}
	return text
}
