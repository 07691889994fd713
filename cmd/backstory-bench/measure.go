package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench measures stores, one after the other.
type bench struct {
	options  options
	work     string // a temporary folder
	postgres *postgres
	results  []result
}

// store is one to read from: its name, and the inside of its section source.
type store struct{ name, source string }

// result is what was measured of one store.
type result struct {
	store           string
	copied, scanned []sample // COPY in order of position, and in any order
	first, idle     []sample // runs from nothing, and with nothing new
	warehouse       []sample // runs from nothing into a BigQuery on loopback
	upcast          []sample // runs from nothing with a chain of three steps on half of the events
	discover        []sample // of the whole history
	bytes           int64    // of Parquet
	files           int
}

// sample is one run of a program.
type sample struct {
	wall, cpu time.Duration
	peak      int64 // bytes
}

// The copies that set the measure: the rows in the order of their positions,
// as a reader needs them, and in whatever order they lie.
const (
	copyInOrder  = "COPY (SELECT notification_id, originator_id, originator_version, topic, state FROM bench_events ORDER BY notification_id) TO STDOUT (FORMAT binary)"
	copyAnyOrder = "COPY (SELECT notification_id, originator_id, originator_version, topic, state FROM bench_events) TO STDOUT (FORMAT binary)"
)

func build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "backstory")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "backstory/cmd/backstory")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build backstory: %w\n%s", err, out)
	}
	return binary, nil
}

// measure runs the copies and the binary in turn, so that a disturbance of
// the machine meets both.
func (b *bench) measure(ctx context.Context, s store) error {
	fmt.Fprintf(os.Stderr, "measuring %s\n", s.name)
	config := filepath.Join(b.work, s.name+".yaml")
	out := filepath.Join(b.work, s.name)
	text := b.config(s.source, "driver: parquet, path: '"+out+"'")
	upcastConfig := filepath.Join(b.work, s.name+"-upcast.yaml")
	upcastOut := out + "-upcast"
	if err := errors.Join(
		os.WriteFile(config, []byte(text), 0o600),
		os.WriteFile(upcastConfig, []byte(strings.Replace(text, out, upcastOut, 1)+upcasters), 0o600),
	); err != nil {
		return err
	}
	if _, err := b.copy(ctx, copyInOrder); err != nil { // to warm up
		return err
	}
	r := result{store: s.name}
	for range b.options.runs {
		if err := errors.Join(os.RemoveAll(out), os.RemoveAll(upcastOut)); err != nil {
			return err
		}
		for _, step := range []struct {
			into *[]sample
			run  func() (sample, error)
		}{
			{&r.copied, func() (sample, error) { return b.copy(ctx, copyInOrder) }},
			{&r.scanned, func() (sample, error) { return b.copy(ctx, copyAnyOrder) }},
			{&r.first, func() (sample, error) { return b.run(ctx, config) }},
			{&r.warehouse, func() (sample, error) { return b.warehouse(ctx, s) }},
			{&r.idle, func() (sample, error) { return b.run(ctx, config) }},
			{&r.upcast, func() (sample, error) { return b.run(ctx, upcastConfig) }},
			{&r.discover, func() (sample, error) { return b.discover(ctx, config) }},
		} {
			one, err := step.run()
			if err != nil {
				return err
			}
			*step.into = append(*step.into, one)
		}
	}
	var err error
	if _, _, err = checkRows(upcastOut, int64(b.options.events)); err != nil {
		return err
	}
	if r.files, r.bytes, err = checkRows(out, int64(b.options.events)); err != nil {
		return err
	}
	b.results = append(b.results, r)
	return nil
}

// copy lets psql copy to nowhere.
func (b *bench) copy(ctx context.Context, sql string) (sample, error) {
	return timed(exec.CommandContext(ctx, b.postgres.Program("psql"), "-X", "-q", "-d", b.postgres.events, "-c", sql))
}

func (b *bench) run(ctx context.Context, config string) (sample, error) {
	return timed(exec.CommandContext(ctx, b.options.binary, "run", "--config", config, "--progress", "never"))
}

func (b *bench) discover(ctx context.Context, config string) (sample, error) {
	return timed(exec.CommandContext(ctx, b.options.binary, "discover", "--config", config, "--progress", "never"))
}

// timed runs a program, its output going nowhere. The peak of a program is
// never below what this one holds, as the system counts from the fork on;
// that is why events are never collected here.
func timed(cmd *exec.Cmd) (sample, error) {
	var talk bytes.Buffer
	cmd.Stderr = &talk
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("run %s: %w\n%s", filepath.Base(cmd.Path), err, &talk)
	}
	s := sample{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.peak = usage.Maxrss << 10
	}
	return s, nil
}

// median gives the sample with the median wall time.
func median(of []sample) sample {
	sorted := slices.SortedFunc(slices.Values(of), byWall)
	return sorted[len(sorted)/2]
}

// quickest gives the sample with the least wall time.
func quickest(of []sample) sample { return slices.MinFunc(of, byWall) }

func byWall(a, b sample) int { return cmp.Compare(a.wall, b.wall) }

// peak gives the highest peak.
func peak(of []sample) (most int64) {
	for _, s := range of {
		most = max(most, s.peak)
	}
	return most
}
