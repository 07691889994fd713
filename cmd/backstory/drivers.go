package main

import (
	"context"
	"path/filepath"
	"strings"

	"backstory/schedules"
	ledger "backstory/schedules/sqlite"
	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/sqlite"

	"github.com/goccy/go-yaml/ast"
)

// sourceDrivers lists every kind of event store.
var sourceDrivers = []sourceDriver{
	{"sqlite", func(d *document, node ast.Node, dir string) openSource {
		var c sqlite.Config
		d.driver("source", node, &c, c.Validate)
		c.Path = relativeTo(dir, c.Path)
		return openSource{
			open:   func(ctx context.Context) (source.Source, error) { return sqlite.Open(ctx, c) },
			tables: func(ctx context.Context) ([]layout.Candidate, error) { return sqlite.Tables(ctx, c) },
		}
	}},
	{"postgres", func(d *document, node ast.Node, _ string) openSource {
		var c postgres.Config
		d.driver("source", node, &c, c.Validate)
		return openSource{
			open:   func(ctx context.Context) (source.Source, error) { return postgres.Open(ctx, c) },
			tables: func(ctx context.Context) ([]layout.Candidate, error) { return postgres.Tables(ctx, c) },
		}
	}},
}

// sinkDrivers lists every place to load into.
var sinkDrivers = []sinkDriver{
	{"parquet", func(d *document, node ast.Node, dir string) openSink {
		var c parquetConfig
		d.driver("sink", node, &c, func() []layout.Problem { return c.validate() })
		root := relativeTo(dir, c.Path)
		return openSink{
			path:   root,
			ledger: filepath.Join(root, "_backstory", "ledger.db"),
			open: func(ctx context.Context) (sinks.Sink, error) {
				return parquet.Open(ctx, parquet.Options{
					Path: root, Codec: c.Codec, Level: c.Level, RowGroupRows: c.RowGroupRows, Version: version,
				})
			},
		}
	}},
}

// parquetConfig is the section sink of driver parquet.
type parquetConfig struct {
	Path         string `yaml:"path"`
	Codec        string `yaml:"codec"`
	Level        int    `yaml:"level"`
	RowGroupRows int    `yaml:"row_group_rows"`
}

func (c *parquetConfig) validate() []layout.Problem {
	var ps []layout.Problem
	if c.Path == "" {
		ps = append(ps, layout.Problem{Path: []string{"path"}, Message: "parquet wants a path", Hint: "name the output folder"})
	}
	if !contains([]string{"", "zstd", "snappy", "none"}, c.Codec) {
		ps = append(ps, layout.Problem{Path: []string{"codec"}, Message: "there is no codec " + c.Codec, Hint: "write zstd, snappy or none"})
	}
	if c.Level < 0 || c.Level > 22 {
		ps = append(ps, layout.Problem{Path: []string{"level"}, Message: "a level is 1 to 22", Hint: ""})
	}
	if c.RowGroupRows < 0 {
		ps = append(ps, layout.Problem{Path: []string{"row_group_rows"}, Message: "a row group has at least one row", Hint: ""})
	}
	return ps
}

// openLedger opens the ledger for writing; existingLedger for reading, nil
// where there is none yet.
func openLedger(ctx context.Context, path string) (schedules.Ledger, error) {
	return ledger.Open(ctx, path)
}

func existingLedger(ctx context.Context, path string) (schedules.Ledger, error) {
	l, err := ledger.OpenExisting(ctx, path)
	if l == nil || err != nil {
		return nil, err
	}
	return l, nil
}

type sourceDriver struct {
	name string
	read func(d *document, node ast.Node, dir string) openSource
}

type sinkDriver struct {
	name string
	read func(d *document, node ast.Node, dir string) openSink
}

// openSource opens a source that was configured.
type openSource struct {
	open   func(context.Context) (source.Source, error)
	tables func(context.Context) ([]layout.Candidate, error)
}

// openSink opens a sink that was configured.
type openSink struct {
	path   string // where its data lies, for people
	ledger string // where its ledger lies unless state says otherwise
	open   func(context.Context) (sinks.Sink, error)
}

// driver decodes a driver's section and notes what the driver says of it.
func (d *document) driver(section string, node ast.Node, out any, validate func() []layout.Problem) {
	before := len(d.problems)
	d.decode(node, out, "driver")
	if len(d.problems) > before {
		return
	}
	for _, p := range validate() {
		d.addAt(append([]string{section}, p.Path...), p.Message, p.Hint)
	}
}

func (d *document) source(dir string) openSource {
	node := d.section("source")
	if node == nil {
		return openSource{}
	}
	name := driverOf(node)
	var names []string
	for _, s := range sourceDrivers {
		if s.name == name {
			return s.read(d, node, dir)
		}
		names = append(names, s.name)
	}
	d.noDriver("source", name, names)
	return openSource{}
}

func (d *document) sink(dir string) openSink {
	node := d.section("sink")
	if node == nil {
		return openSink{}
	}
	name := driverOf(node)
	var names []string
	for _, s := range sinkDrivers {
		if s.name == name {
			return s.read(d, node, dir)
		}
		names = append(names, s.name)
	}
	d.noDriver("sink", name, names)
	return openSink{}
}

func (d *document) noDriver(section, name string, names []string) {
	hint := "write driver: " + strings.Join(names, " or driver: ")
	if name == "" {
		d.addAt([]string{section}, section+" wants a driver", hint)
		return
	}
	d.addAt([]string{section, "driver"}, "there is no "+section+" driver "+name, hint)
}

func driverOf(node ast.Node) string {
	if v := child(node, "driver"); v != nil {
		if s, ok := v.Value.(*ast.StringNode); ok {
			return s.Value
		}
	}
	return ""
}
