package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"backstory/schedules"
	"backstory/source"
)

// workerConfig is the section worker.
type workerConfig struct {
	// Concurrent is how many runs there are at a time.
	Concurrent int `yaml:"concurrent"`
	// Grace is how long runs may go on after the worker was told to stop.
	Grace time.Duration `yaml:"grace"`

	boardConfig
}

const (
	mostConcurrent = 64
	longestGrace   = time.Hour
)

// worker reads the section worker.
func (d *document) worker() workerConfig {
	c := workerConfig{Concurrent: 1, Grace: schedules.DefaultGrace}
	// The YAML library does not reach into what is embedded.
	node, looked, worked := d.section("worker"), keysOf(yamlFields(reflect.TypeFor[boardConfig]()), nil), []string{"concurrent", "grace"}
	if !d.decode(node, &c, looked...) || !d.decode(node, &c.boardConfig, worked...) {
		return c
	}
	if c.Concurrent < 1 || c.Concurrent > mostConcurrent {
		d.addAt([]string{"worker", "concurrent"}, fmt.Sprintf("want 1 to %d runs at a time", mostConcurrent), "each loads load.workers windows at a time")
	}
	if c.Grace <= 0 || c.Grace > longestGrace {
		d.addAt([]string{"worker", "grace"}, "want a time above zero, and at most "+longestGrace.String(), "25s, the default, is less than the 30s that Kubernetes gives")
	}
	d.checkBoard(c.boardConfig)
	return c
}

// readConfigs reads the configurations of a worker, of which one may say how
// it works.
func readConfigs(names []string) ([]*config, workerConfig, error) {
	settings := workerConfig{Concurrent: 1, Grace: schedules.DefaultGrace}
	files, err := configFiles(names)
	if err != nil {
		return nil, settings, err
	}
	var configs []*config
	jobs, sinks, said := make(map[string]string), make(map[string]string), ""
	scheduled := false
	for _, file := range files {
		c, err := readConfig(file)
		if err != nil {
			return nil, settings, err
		}
		if c.hasWorker {
			if said != "" {
				return nil, settings, &usageError{fmt.Errorf("both %s and %s have a section worker", said, file)}
			}
			said, settings = file, c.worker
		}
		if other, ok := sinks[c.sink.path]; ok {
			return nil, settings, &usageError{fmt.Errorf("%s and %s load into the same place, %s", other, file, c.sink.path)}
		}
		sinks[c.sink.path] = file
		for _, j := range c.jobs {
			if other, ok := jobs[j.Name]; ok {
				return nil, settings, &usageError{fmt.Errorf("%s and %s both have a job %s", other, file, j.Name)}
			}
			jobs[j.Name] = file
			scheduled = scheduled || j.Schedule != ""
		}
		configs = append(configs, c)
	}
	if !scheduled {
		return nil, settings, source.Setup(`give a job a schedule, such as "*/15 * * * *"; backstory run loads what is new once`, "no job has a schedule")
	}
	return configs, settings, nil
}

// configFiles gives the configurations that files and folders stand for.
func configFiles(names []string) (files []string, err error) {
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			files = append(files, name) // if it is not there, that is said when it is read
			continue
		}
		entries, err := os.ReadDir(name)
		if err != nil {
			return nil, source.Setup("make it readable for this user", "read folder of configurations: %w", err)
		}
		found := false
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); (ext == ".yaml" || ext == ".yml") && e.Name()[0] != '.' && !e.IsDir() {
				files, found = append(files, filepath.Join(name, e.Name())), true
			}
		}
		if !found {
			return nil, source.Setup("backstory init writes a configuration to begin with", "folder %s has no configuration: want files named *.yaml", name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
