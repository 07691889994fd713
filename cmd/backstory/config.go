package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"backstory/schedules"
	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
	"github.com/robfig/cron/v3"
)

// config is a configuration file, checked.
type config struct {
	name   string
	source openSource
	sink   openSink
	state  string // the ledger's file
	tables transform.Options
	load   loadConfig
	jobs   []jobConfig
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

// tablesConfig is the section tables: how payloads become columns.
type tablesConfig struct {
	Layout     string                       `yaml:"layout"`
	Nested     string                       `yaml:"nested"`
	Partition  string                       `yaml:"partition"`
	MaxColumns int                          `yaml:"max_columns"`
	Explode    map[string][]string          `yaml:"explode"`
	Types      map[string]map[string]string `yaml:"types"`
	Names      map[string]string            `yaml:"names"`
}

// readConfig reads and checks a configuration file. Its error tells
// everything that is wrong with it.
func readConfig(name string) (*config, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, source.Setup("write one with: backstory init, or name another with --config", "read configuration: %w", err)
	}
	if err != nil {
		return nil, source.Setup("make it readable for this user", "read configuration: %w", err)
	}
	d, err := parseDocument(name, text)
	if err != nil {
		return nil, err
	}
	c := &config{name: name}
	dir := filepath.Dir(name)
	d.checkSections()
	c.source = d.source(dir)
	c.sink = d.sink(dir)
	if node := d.section("state"); node != nil {
		if s, ok := node.(*ast.StringNode); ok && s.Value != "" {
			c.state = relativeTo(dir, s.Value)
		} else {
			d.addAt([]string{"state"}, "want the ledger's file here", "")
		}
	} else {
		c.state = c.sink.ledger
	}
	c.tables = d.tables()
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
		d.add(d.root.GetToken(), "want the sections source, sink and jobs here", "")
		return
	}
	known := []string{"source", "sink", "state", "tables", "load", "jobs"}
	for it := m.MapRange(); it.Next(); {
		if key := it.Key().String(); !contains(known, key) {
			d.add(it.Key().GetToken(), "unknown key "+key, "known here: "+strings.Join(known, ", "))
		}
	}
	for _, key := range []string{"source", "sink", "jobs"} {
		if d.section(key) == nil {
			d.addAt(nil, "section "+key+" is missing", "backstory init writes a configuration to begin with")
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
		d.addAt([]string{"load", "window"}, "a window holds at least one event", "")
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
		d.decode(v, &j)
		switch {
		case !jobName.MatchString(j.Name):
			d.add(v.GetToken(), "a job wants a name of letters, digits, - and _", "")
		case seen[j.Name]:
			d.add(v.GetToken(), "two jobs are called "+j.Name, "")
		}
		seen[j.Name] = true
		if j.Schedule != "" {
			if _, err := cron.ParseStandard(j.Schedule); err != nil {
				at := v
				if s := child(v, "schedule"); s != nil {
					at = s.Value
				}
				d.add(at.GetToken(), err.Error(), `write five fields, such as "*/15 * * * *", or @hourly, or @every 15m`)
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

func (d *document) tables() transform.Options {
	var t tablesConfig
	d.decode(d.section("tables"), &t)
	o := transform.Options{
		Layout: transform.Layout(t.Layout), Nested: t.Nested == "struct",
		MaxColumns: t.MaxColumns, Tables: t.Names,
	}
	oneOf := func(key, value string, allowed ...string) {
		if value != "" && !contains(allowed, value) {
			d.addAt([]string{"tables", key}, fmt.Sprintf("there is no %s %s", key, value), "write "+strings.Join(allowed, ", ")+" or leave it out")
		}
	}
	oneOf("layout", t.Layout, "per_type", "one", "both")
	oneOf("nested", t.Nested, "flatten", "struct")
	oneOf("partition", t.Partition, "none", "day", "month")
	if t.Partition != "none" {
		o.Partition = transform.Partition(t.Partition)
	}
	if t.MaxColumns < 0 || t.MaxColumns > 10_000 {
		d.addAt([]string{"tables", "max_columns"}, "want 1 to 10000 columns", "")
	}
	for event, paths := range t.Explode {
		if o.Explode == nil {
			o.Explode = make(map[string][][]string)
		}
		for _, p := range paths {
			o.Explode[event] = append(o.Explode[event], strings.Split(p, "."))
		}
	}
	for event, types := range t.Types {
		if o.Types == nil {
			o.Types = make(map[string]map[string]transform.Type)
		}
		o.Types[event] = make(map[string]transform.Type)
		for path, text := range types {
			typ, err := transform.ParseType(text)
			if err != nil {
				d.addAt([]string{"tables", "types", event, path}, err.Error(), "")
				continue
			}
			o.Types[event][path] = typ
		}
	}
	for event, name := range t.Names {
		if name != transform.TableName(name) {
			d.addAt([]string{"tables", "names", event}, fmt.Sprintf("%q is no table name", name), "write small letters, digits and underscores: "+transform.TableName(name))
		}
	}
	return o
}

// job makes the job of that configuration.
func (c *config) job(j jobConfig, src source.Source, p *transform.Pipeline) *schedules.Job {
	return &schedules.Job{
		Name: j.Name, Source: src, Pipeline: p, Version: version,
		WindowEvents: c.load.Window, Workers: c.load.Workers, Sample: c.load.Sample,
	}
}
