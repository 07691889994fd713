package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// warehouse lets the binary load a store into an empty BigQuery on loopback: a
// process of its own, whose memory and CPU are not the binary's. It reads of
// what it gets no more than a load job must.
func (b *bench) warehouse(ctx context.Context, s store) (one sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, self, "bigquery", "-skim", "--", "sh", "-c", "echo $BIGQUERY_EMULATOR_HOST; cat")
	cmd.Stderr = os.Stderr
	alive, err := cmd.StdinPipe() // until it is closed
	if err != nil {
		return sample{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return sample{}, err
	}
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	defer func() { err = errors.Join(err, alive.Close(), cmd.Wait()) }()
	host, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return sample{}, fmt.Errorf("start bigquery: %w", err)
	}
	dir, err := os.MkdirTemp(b.work, "warehouse") // the ledger lies beside the configuration
	if err != nil {
		return sample{}, err
	}
	config := filepath.Join(dir, "backstory.yaml")
	text := b.config(s.source, "driver: bigquery, project: test-project, dataset: bench")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return sample{}, err
	}
	run := exec.CommandContext(ctx, b.options.binary, "run", "--config", config, "--progress", "never")
	run.Env = append(os.Environ(), "BIGQUERY_EMULATOR_HOST="+strings.TrimSpace(host))
	return timed(run)
}

// config is a configuration that loads source into sink.
func (b *bench) config(source, sink string) string {
	text := fmt.Sprintf("source: {%s, layout: eventsourcing}\nsink: {%s}\njobs: [{name: bench}]\n", source, sink)
	if b.options.window > 0 || b.options.workers > 0 {
		text += fmt.Sprintf("load: {window: %d, workers: %d}\n", b.options.window, b.options.workers)
	}
	return text
}
