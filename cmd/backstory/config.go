package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"backstory/source"

	"github.com/goccy/go-yaml/ast"
)

// config is a configuration file, checked.
type config struct {
	name       string
	source     openSource
	sink       openSink
	state      stateConfig // where the ledger is
	rules      *rules
	quarantine quarantineConfig
	load       loadConfig
	jobs       []jobConfig
	worker     workerConfig
	hasWorker  bool // it says how a worker works
}

// loadConfig is the section load: how a run goes about its work.
type loadConfig struct {
	// Window is about how many events a window holds.
	Window int `yaml:"window"`
	// Workers is how many windows are loaded at a time.
	Workers int `yaml:"workers"`
	// Sample is about how many events discovery looks at before the first load.
	Sample int `yaml:"sample"`
	// Audit is how far back windows are counted again by each run: a duration
	// such as 24h, or off.
	Audit string `yaml:"audit"`
}

// readConfig reads and checks a configuration file. Its error tells
// everything that is wrong with it.
func readConfig(name string) (*config, error) { return readConfigFor(toLoad, name) }

func readConfigFor(p purpose, name string) (*config, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, source.Setup("write one with: backstory init, or name another with --config", "read configuration: %w", err)
	}
	if errors.Is(err, syscall.EISDIR) {
		return nil, source.Setup("name the file in it with --config", "read configuration: %s is a folder", name)
	}
	if err != nil {
		return nil, source.Setup("make it readable for this user", "read configuration: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // which some editors write
	if !utf8.Valid(text) {
		return nil, &configError{[]problem{{text: name + ": the file is not UTF-8 text"}}}
	}
	d, err := parseDocument(name, text)
	if err != nil {
		return nil, err
	}
	d.purpose = p
	d.resolveEnv()
	c := &config{name: name}
	dir := filepath.Dir(name)
	d.checkSections()
	c.source = d.source(dir)
	c.sink = d.sink(dir)
	c.state = d.state(dir, c.sink)
	c.rules, c.quarantine = d.rules(dir)
	d.loadSection(&c.load)
	c.jobs = d.jobs()
	if len(c.jobs) > 0 && c.jobs[0].Compact != "" && c.sink.open != nil && !c.sink.merges {
		d.addAt([]string{"jobs"}, "compact is for files, and this sink has none", "leave compact out")
	}
	d.checkCadence(c.sink, c.rules)
	c.worker, c.hasWorker = d.worker(), d.section("worker") != nil
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// relativeTo reads a path from where the configuration file lies.
func relativeTo(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// checkSections notes unknown sections and those that are missing.
func (d *document) checkSections() {
	m, ok := d.root.(ast.MapNode)
	if !ok {
		d.add(startOf(d.root), "want the sections source, sink and jobs here", starterHint)
		return
	}
	known := []string{"source", "sink", "state", "tables", "upcasters", "mask", "defaults", "quarantine", "load", "worker", "jobs"}
	for it := m.MapRange(); it.Next(); {
		if key := scalarText(it.Key()); !contains(known, key) {
			d.add(it.Key().GetToken(), "unknown key "+key, "known here: "+strings.Join(known, ", "))
		}
	}
	for _, key := range []string{"source", "sink", "jobs"} {
		if d.section(key) == nil {
			d.add(nil, "section "+key+" is missing", starterHint)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func (d *document) loadSection(l *loadConfig) {
	d.decode(d.section("load"), l)
	if l.Window < 0 {
		d.addAt([]string{"load", "window"}, "a window holds at least one event", "leave it out for the default")
	}
	if l.Workers < 0 || l.Workers > 64 {
		d.addAt([]string{"load", "workers"}, "want 1 to 64 workers", "each takes memory and a connection; 2 are plenty for most")
	}
	if _, err := l.auditAge(); err != nil {
		d.addAt([]string{"load", "audit"}, err.Error(), "leave it out for 24h")
	}
}

// auditAge is how far back windows are counted again: 0 as the default is, less
// than 0 not at all.
func (l *loadConfig) auditAge() (time.Duration, error) {
	switch l.Audit {
	case "":
		return 0, nil
	case "off":
		return -1, nil
	}
	age, err := time.ParseDuration(l.Audit)
	if err != nil || age <= 0 {
		return 0, fmt.Errorf("audit %q: want a duration such as 24h, or off", l.Audit)
	}
	return age, nil
}
