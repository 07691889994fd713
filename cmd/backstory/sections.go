package main

import (
	"context"
	"strings"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
)

// openSource opens a source that was configured.
type openSource func(context.Context) (source.Source, error)

// openSink opens a sink that was configured.
type openSink struct {
	path   string // where its data lies, for people
	ledger string // where its ledger lies unless state says otherwise
	open   func(context.Context) (sinks.Sink, error)
	merges bool // it has small files that can be merged
	// dataset is what a warehouse calls its place, "" for files, and filter
	// says that its tables want to be asked for a part of event_time.
	dataset string
	filter  bool
	// rationed says that the sink takes only so many loads a day. checkRuns
	// says why so many runs a day would be too many, "" if they are not, where
	// tables are partitioned like that unless the sink says otherwise.
	rationed  bool
	checkRuns func(runs int64, p transform.Partition) (message, hint string)
}

// sourceDriver reads the section source of one driver; paths in it are taken
// from dir, where the configuration lies.
type sourceDriver struct {
	name string
	read func(d *document, node ast.Node, dir string) openSource
}

// sinkDriver reads the section sink of one driver.
type sinkDriver struct {
	name string
	read func(d *document, node ast.Node, dir string) openSink
}

func (d *document) source(dir string) (open openSource) {
	var names []string
	for _, s := range sourceDrivers {
		names = append(names, s.name)
	}
	if node, i := d.section("source"), d.chooseDriver("source", names); i >= 0 {
		open = sourceDrivers[i].read(d, node, dir)
	}
	return open
}

func (d *document) sink(dir string) (open openSink) {
	var names []string
	for _, s := range sinkDrivers {
		names = append(names, s.name)
	}
	if node, i := d.section("sink"), d.chooseDriver("sink", names); i >= 0 {
		open = sinkDrivers[i].read(d, node, dir)
	}
	return open
}

// chooseDriver gives the index of the driver that a section names, or notes
// what is wrong and gives -1.
func (d *document) chooseDriver(section string, names []string) int {
	node := d.section(section)
	if node == nil {
		return -1 // noted already
	}
	hint := "write driver: " + strings.Join(names, " or driver: ")
	v := child(node, "driver")
	if v == nil {
		d.addAt([]string{section}, section+" wants a driver", hint)
		return -1
	}
	name := scalarText(v.Value)
	for i, known := range names {
		if known == name {
			return i
		}
	}
	if name == "" {
		d.addAt([]string{section, "driver"}, "want the name of a driver here", hint)
	} else {
		d.addAt([]string{section, "driver"}, "there is no "+section+" driver "+name, hint)
	}
	return -1
}
