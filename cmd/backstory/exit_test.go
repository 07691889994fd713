package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/source"
)

func TestExitCode(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want int
	}{
		{nil, exitDone},
		{errors.New("anything"), exitFailed},
		{&configError{}, exitConfig},
		{&usageError{errors.New("no such flag")}, exitConfig},
		{&schedules.RulesError{Job: "shop"}, exitConfig},
		{&examplesError{failed: 1, all: 2}, exitConfig},
		{&eventFileError{errors.New("no type")}, exitConfig},
		{source.Setup("hint", "no such file"), exitEnvironment},
		{source.Transient(source.Setup("hint", "no such server")), exitEnvironment},
		{&fs.PathError{Op: "open", Path: "out", Err: syscall.EACCES}, exitEnvironment},
		{&parquet.Error{Err: syscall.ENOSPC}, exitEnvironment},
		{syscall.EDQUOT, exitEnvironment},
		{syscall.EROFS, exitEnvironment},
		{schedules.ErrHeld, exitHeld},
		{sinks.ErrHeld, exitHeld},
		{&schedules.DisagreeError{Job: "shop"}, exitDisagree},
		{sinks.ErrDisagree, exitDisagree},
		{&quarantineError{job: "shop", events: 1}, exitDisagree},
		{&source.EventError{Err: errors.New("no JSON")}, exitDisagree},
		{&interruptedError{context.Canceled}, exitInterrupted},
		{&interruptedError{source.Setup("hint", "closed meanwhile")}, exitInterrupted},
	} {
		if got := exitCode(tc.err); got != tc.want {
			t.Errorf("exit code of %T (%v): got %d, want %d", tc.err, tc.err, got, tc.want)
		}
		if tc.err == nil {
			continue
		}
		wrapped := errors.Join(fmt.Errorf("load (0,10]: %w", tc.err), nil)
		if got := exitCode(wrapped); got != tc.want {
			t.Errorf("exit code of %T, wrapped: got %d, want %d", tc.err, got, tc.want)
		}
	}
}

// TestReport looks at what a person reads when a command fails.
func TestReport(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("event \x1b[31mred\u009b of\u202e stream"), "backstory: event ?[31mred? of? stream\n"},
		{errors.New("anything"), "backstory: anything\n"},
		{fmt.Errorf("run: %w", source.Setup("start it", "no server")), "backstory: run: no server\nhint: start it\n"},
		{&quarantineError{job: "shop", events: 1200, threshold: 10}, "backstory: job shop: 1,200 events went to quarantine, more than the 10 that quarantine.threshold allows\n" +
			"hint: backstory explain POSITION shows it step by step, and table _quarantine has all of them; once rules or store are mended, backstory replay shop takes them in\n"},
		{&interruptedError{fmt.Errorf("load: %w", context.Canceled)}, "backstory: interrupted; nothing is lost, run again to go on\n"},
		{&interruptedError{errors.New("disk full")}, "backstory: disk full\nbackstory: interrupted; nothing is lost, run again to go on\n"},
		{&configError{[]problem{{text: "a.yaml:1:1: bad"}, {text: "a.yaml:2:1: worse"}}}, "a.yaml:1:1: bad\n\na.yaml:2:1: worse\n"},
	} {
		var b strings.Builder
		report(&b, tc.err)
		if b.String() != tc.want {
			t.Errorf("report %v: got %q, want %q", tc.err, b.String(), tc.want)
		}
	}
}

func TestHideSecrets(t *testing.T) {
	for line, want := range map[string]string{
		"  url: postgres://u:p@host/db":                    "  url: ***",
		"  url: ${env:URL}":                                "  url: ${env:URL}",
		`  url: "${env:URL}"`:                              `  url: "${env:URL}"`,
		"  state: {cipher: aes-gcm, key: abc, compress: x": "  state: {cipher: aes-gcm, key: ***",
		`  "key" : abc`:                                    `  "key" : ***`,
		"  path: keyboard.sqlite":                          "  path: keyboard.sqlite",
		"  url: ${env:A}-secret":                           "  url: ***",
		"  url:":                                           "  url:",
	} {
		if got := hideSecrets(line); got != want {
			t.Errorf("hide secrets of %q: got %q, want %q", line, got, want)
		}
	}
}
