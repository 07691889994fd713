package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"backstory/schedules"
	"backstory/sinks"
	"backstory/source"
)

// Exit codes, the same for all commands.
const (
	exitDone        = 0
	exitFailed      = 1
	exitConfig      = 2 // the command line or the configuration is wrong
	exitEnvironment = 3 // something around Backstory is not there or not permitted
	exitHeld        = 4 // somebody else holds the lease
	exitDisagree    = 5 // the data does not agree
	exitInterrupted = 130
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return "see backstory --help" }

// interruptedError is what a signal made of a command.
type interruptedError struct{ err error }

func (e *interruptedError) Error() string { return e.err.Error() }
func (e *interruptedError) Unwrap() error { return e.err }

// exitCode gives the exit code for the error of a command.
func exitCode(err error) int {
	var (
		interrupted *interruptedError
		config      *configError
		usage       *usageError
		setup       *source.SetupError
		event       *source.EventError
		disagree    *schedules.DisagreeError
		quarantined *quarantineError
		unwell      *unwellError
		rebuilt     *schedules.QuarantineError
		rules       *schedules.RulesError
		examples    *examplesError
		eventFile   *eventFileError
		line        *schedules.LineError
		path        *fs.PathError
		errno       syscall.Errno
		quiet       *source.QuietError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &interrupted):
		return exitInterrupted
	case errors.As(err, &config), errors.As(err, &usage), errors.As(err, &rules), errors.As(err, &examples), errors.As(err, &eventFile), errors.As(err, &line):
		return exitConfig
	case errors.Is(err, schedules.ErrHeld), errors.Is(err, sinks.ErrHeld):
		return exitHeld
	case errors.As(err, &setup), errors.As(err, &path), errors.As(err, &errno), errors.As(err, &quiet):
		return exitEnvironment
	case errors.As(err, &disagree), errors.Is(err, sinks.ErrDisagree), errors.As(err, &event), errors.As(err, &quarantined), errors.As(err, &unwell), errors.As(err, &rebuilt):
		return exitDisagree
	}
	return exitFailed
}

// report writes an error and what to do about it, and gives the exit code.
func report(w io.Writer, err error) int {
	code := exitCode(err)
	switch {
	case err == nil:
		return code
	case code == exitInterrupted:
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintf(w, "backstory: %v\n", err)
		}
		fmt.Fprintln(w, "backstory: interrupted; nothing is lost, run again to go on")
		return code
	}
	var config *configError
	if errors.As(err, &config) {
		fmt.Fprintln(w, visible(strings.TrimRight(config.Error(), "\n")))
		return code
	}
	fmt.Fprintf(w, "backstory: %s\n", visible(err.Error()))
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) && hinter.Hint() != "" {
		fmt.Fprintf(w, "hint: %s\n", visible(hinter.Hint()))
	}
	return code
}
