package main

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"backstory/schedules"
	ledgerserver "backstory/schedules/postgres"
	ledger "backstory/schedules/sqlite"
	"backstory/sinks"
	"backstory/sinks/bigquery"
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
		return func(ctx context.Context) (source.Source, error) { return sqlite.Open(ctx, c) }
	}},
	{"postgres", func(d *document, node ast.Node, _ string) openSource {
		var c postgres.Config
		d.driver("source", node, &c, c.Validate)
		return func(ctx context.Context) (source.Source, error) { return postgres.Open(ctx, c) }
	}},
}

// sinkDrivers lists every place to load into.
var sinkDrivers = []sinkDriver{
	{"parquet", func(d *document, node ast.Node, dir string) openSink {
		var c parquetConfig
		d.driver("sink", node, &c, c.validate)
		root := relativeTo(dir, c.Path)
		return openSink{
			path:   root,
			ledger: filepath.Join(root, "_backstory", "ledger.db"),
			merges: true,
			open: func(ctx context.Context) (sinks.Sink, error) {
				return parquet.Open(ctx, parquet.Options{
					Path: root, Codec: c.Codec, Level: c.Level, RowGroupRows: c.RowGroupRows, Version: version,
				})
			},
		}
	}},
	{"bigquery", func(d *document, node ast.Node, dir string) openSink {
		var c bigquery.Config
		d.driver("sink", node, &c, c.Validate)
		if c.Credentials != "" {
			c.Credentials = relativeTo(dir, c.Credentials)
		}
		return openSink{
			path:      c.Project + "." + c.Dataset,
			ledger:    relativeTo(dir, "backstory.db"),
			open:      func(ctx context.Context) (sinks.Sink, error) { return bigquery.Open(ctx, c.Options(version)) },
			dataset:   c.Project + "." + c.Dataset,
			filter:    c.RequirePartitionFilter,
			rationed:  true,
			checkRuns: c.CheckRuns,
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

func (c *parquetConfig) validate() []source.Problem {
	var ps []source.Problem
	add := func(key, message, hint string) {
		ps = append(ps, source.Problem{Path: []string{key}, Message: message, Hint: hint})
	}
	if c.Path == "" {
		add("path", "parquet wants a path", "name the output folder")
	}
	if !contains([]string{"", "zstd", "snappy", "none"}, c.Codec) {
		add("codec", "there is no codec "+c.Codec, "write zstd, snappy or none")
	}
	if c.Level < 0 || c.Level > 22 {
		add("level", "a level is 1 to 22", "leave it out for the default, which is fast and small")
	}
	if c.RowGroupRows < 0 {
		add("row_group_rows", "a row group has at least one row", "leave it out for the default")
	}
	return ps
}

// starters lists the kinds of store that init can begin with; the last takes
// every address that no other knows.
var starters = []starterDriver{
	{
		knows: isPostgres,
		open: func(ctx context.Context, s *starter, state starterState) (source.Source, error) {
			var c postgres.Config
			c.URL, c.Schema, c.Table, c.State = layout.Secret(s.store), s.schema, s.table, state.layout()
			return postgres.Open(ctx, c)
		},
		section: func(s *starter) []string {
			return []string{"driver: postgres", "url: ${env:" + s.urlEnv + "}"}
		},
	},
	{
		knows: func(string) bool { return true },
		open: func(ctx context.Context, s *starter, state starterState) (source.Source, error) {
			var c sqlite.Config
			c.Path, c.Table, c.State = s.store, s.table, state.layout()
			return sqlite.Open(ctx, c)
		},
		section: func(s *starter) []string {
			return []string{"driver: sqlite", "path: " + yamlText(s.path())}
		},
	},
}

// isPostgres tells whether an address is a PostgreSQL URL or key=value string.
// Taken for a file, it would be shown, and with it a password.
func isPostgres(store string) bool {
	for _, sign := range []string{"host=", "dbname=", "password="} {
		if strings.Contains(store, sign) {
			return true
		}
	}
	return strings.HasPrefix(store, "postgres://") || strings.HasPrefix(store, "postgresql://")
}

// layout is the state as sources read it.
func (s starterState) layout() layout.State {
	return layout.State{Cipher: s.cipher, Key: layout.Secret(s.key), Compress: s.compress}
}

// starterStates are the ways in which events are commonly stored, the
// likeliest first. Those with a cipher need a key.
var starterStates = []starterState{
	{},
	{compress: layout.Zlib},
	{cipher: layout.AESGCM},
	{cipher: layout.AESGCM, compress: layout.Zlib},
}

// isWrongState tells whether a store could not be opened because its events
// are stored in another way.
func isWrongState(err error) bool { return errors.Is(err, layout.ErrState) }

// stateConfig is where the ledger is: in a file, or on a server if that has a
// URL.
type stateConfig struct {
	path   string
	server ledgerserver.Config
}

// state reads the section state: a file, the URL of a PostgreSQL database, or
// a URL with more to say. Without it, the ledger is where the sink keeps it.
func (d *document) state(dir string, sink openSink) (s stateConfig) {
	node := d.section("state")
	_, isMap := node.(ast.MapNode)
	switch text := scalarText(node); {
	case node == nil:
		s.path = sink.ledger
	case isMap:
		if d.decode(node, &s.server) {
			d.addProblems("state", s.server.Validate())
		}
	case text == "" || isNull(node):
		d.addAt([]string{"state"}, "want the ledger's file here, or the URL of a PostgreSQL database", "leave it out to keep the ledger with the tables")
	case isPostgres(text):
		s.server.URL = text
		d.addProblems("state", s.server.Validate())
	default:
		s.path = relativeTo(dir, text)
	}
	if v := child(d.section("source"), "path"); v != nil && s.path != "" && s.path == relativeTo(dir, v.Value.String()) {
		d.addAt([]string{"state"}, "the ledger would be written into the store", "name a file of its own, or leave state out")
	}
	return s
}

// openLedger opens the ledger for writing; existingLedger for reading, nil
// where there is none yet.
func openLedger(ctx context.Context, s stateConfig) (schedules.Ledger, error) {
	if s.server.URL != "" {
		return ledgerserver.Open(ctx, s.server)
	}
	return ledger.Open(ctx, s.path)
}

func existingLedger(ctx context.Context, s stateConfig) (schedules.Ledger, error) {
	if s.server.URL != "" {
		if l, err := ledgerserver.OpenExisting(ctx, s.server); l != nil || err != nil {
			return l, err
		}
		return nil, nil
	}
	if l, err := ledger.OpenExisting(ctx, s.path); l != nil || err != nil {
		return l, err
	}
	return nil, nil
}

// driver decodes a driver's section and notes what the driver says of it.
func (d *document) driver(section string, node ast.Node, out any, validate func() []source.Problem) {
	if d.decode(node, out, "driver") {
		d.addProblems(section, validate())
	}
}

// addProblems notes what was found to be wrong with a section.
func (d *document) addProblems(section string, problems []source.Problem) {
	for _, p := range problems {
		d.addAt(append([]string{section}, p.Path...), p.Message, p.Hint)
	}
}
