package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// config is a configuration file, checked.
type config struct {
	name       string
	source     openSource
	sink       openSink
	state      string // the ledger's file
	rules      *rules
	quarantine quarantineConfig
	load       loadConfig
	jobs       []jobConfig
}

// loadConfig is the section load: how a run goes about its work.
type loadConfig struct {
	// Window is about how many events a window holds.
	Window int `yaml:"window"`
	// Workers is how many windows are loaded at a time.
	Workers int `yaml:"workers"`
	// Sample is about how many events discovery looks at before the first load.
	Sample int `yaml:"sample"`
}

// jobConfig is one entry of the section jobs.
type jobConfig struct {
	Name string `yaml:"name"`
	// Schedule is a cron line of five fields, or @every and the like; the
	// worker follows it.
	Schedule string `yaml:"schedule"`
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
	if node := d.section("state"); node != nil {
		if path := scalarText(node); path != "" && !isNull(node) {
			c.state = relativeTo(dir, path)
		} else {
			d.addAt([]string{"state"}, "want the ledger's file here", "leave it out to keep the ledger with the tables")
		}
	} else {
		c.state = c.sink.ledger
	}
	if v := child(d.section("source"), "path"); v != nil && c.state != "" && c.state == relativeTo(dir, v.Value.String()) {
		d.addAt([]string{"state"}, "the ledger would be written into the store", "name a file of its own, or leave state out")
	}
	c.rules, c.quarantine = d.rules(dir)
	d.loadSection(&c.load)
	c.jobs = d.jobs()
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
	known := []string{"source", "sink", "state", "tables", "upcasters", "mask", "defaults", "quarantine", "load", "jobs"}
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
}

var jobName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func (d *document) jobs() []jobConfig {
	node := d.section("jobs")
	if node == nil {
		return nil
	}
	list, ok := node.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		d.addAt([]string{"jobs"}, "want a list of jobs here", "write - name: NAME")
		return nil
	}
	var jobs []jobConfig
	seen := make(map[string]bool)
	for _, v := range list.Values {
		var j jobConfig
		if isNull(v) {
			d.add(v.GetToken(), "want keys with values here", "write - name: NAME")
			continue
		}
		if !d.decode(v, &j) {
			continue
		}
		d.checkJob(v, j, seen[j.Name])
		seen[j.Name] = true
		if jobs = append(jobs, j); len(jobs) == 2 {
			d.add(startOf(v), "a second job would load the same events into the same tables", "write one configuration for each job, with a sink.path of its own")
		}
	}
	return jobs
}

// checkJob notes what is wrong with a job in itself; again says that there
// was one of its name before.
func (d *document) checkJob(node ast.Node, j jobConfig, again bool) {
	at := func(key string) *token.Token {
		if v := child(node, key); v != nil {
			return v.Value.GetToken()
		}
		return startOf(node)
	}
	switch {
	case j.Name == "":
		d.add(startOf(node), "a job wants a name", "write name: NAME, of letters, digits, - and _")
	case !jobName.MatchString(j.Name):
		d.add(at("name"), fmt.Sprintf("%q is no name for a job", j.Name), "write letters, digits, - and _, and a letter or digit first; at most 64")
	case again:
		d.add(at("name"), "two jobs are called "+j.Name, "give one of them another name")
	}
	if j.Schedule == "" {
		return
	}
	if err := schedules.CheckSchedule(j.Schedule); err != nil {
		d.add(at("schedule"), err.Error(), `write five fields, such as "*/15 * * * *", or @hourly, or "@every 15m"`)
	}
}

// job makes the job of that configuration.
func (c *config) job(j jobConfig, src source.Source, p *transform.Pipeline) *schedules.Job {
	return &schedules.Job{
		Name: j.Name, Source: src, Pipeline: p, Version: version,
		Quarantine:   c.quarantine.Threshold,
		WindowEvents: c.load.Window, Workers: c.load.Workers, Sample: c.load.Sample,
		Recompile: c.rules.recompile,
	}
}
