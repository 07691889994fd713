package layout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"backstory/source"

	"github.com/google/go-cmp/cmp"
)

// columns makes columns from "name kind" texts.
func columns(specs ...string) []Column {
	var cs []Column
	for _, spec := range specs {
		name, kind, _ := strings.Cut(spec, " ")
		cs = append(cs, Column{Name: name, Kind: Kind(kind), Type: kind})
	}
	return cs
}

var library = []string{"originator_id uuid", "originator_version integer", "topic text", "state bytes"}

// pg is a table of PostgreSQL's, lite one of SQLite's.
func pg(name string, specs ...string) Table {
	return Table{Schema: "public", Name: name, Default: true, Columns: columns(specs...)}
}

func lite(name string, specs ...string) Table {
	return Table{Name: name, Default: true, Dynamic: true, RowID: "rowid", Columns: columns(specs...)}
}

func withPosition(specs []string, more ...string) []string {
	return append(append(slices.Clone(specs), "notification_id integer"), more...)
}

func TestFindsEventSourcing(t *testing.T) {
	textIDs := []string{"originator_id text", "originator_version integer", "topic text", "state bytes", "notification_id integer"}
	noRowID := lite("stored_snapshots", library...)
	noRowID.RowID = ""
	for name, c := range map[string]struct {
		tables []Table
		want   [NumFields]string
		hex    bool
	}{
		"9.1 to 9.3": {
			[]Table{pg("shop_events", withPosition(library)...), pg("shop_snapshots", library...), pg("shop_tracking", "application_name text", "notification_id integer")},
			[NumFields]string{"notification_id", "originator_id", "originator_version", "topic", "", "", "state", "", ""}, false},
		"text ids": {
			[]Table{pg("stored_events", textIDs...)},
			[NumFields]string{"notification_id", "originator_id", "originator_version", "topic", "", "", "state", "", ""}, false},
		"version 10": {
			[]Table{pg("shop_events", withPosition(library, "event_id uuid", "metadata json")...)},
			[NumFields]string{"notification_id", "originator_id", "originator_version", "topic", "", "", "state", "metadata", "event_id"}, false},
		"sqlite": {
			[]Table{lite("stored_events", library...), noRowID, lite("tracking", "application_name text")},
			[NumFields]string{"rowid", "originator_id", "originator_version", "topic", "", "", "state", "", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := (&Config{}).Resolve(c.tables)
			if err != nil {
				t.Fatal(err)
			}
			var got [NumFields]string
			for f := range NumFields {
				got[f] = m.Columns[f].Name
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
			if m.HexIDs != c.hex || !m.Payload.Markers || !m.Payload.Names.Topics || m.DefaultSchemaVersion() != 0 {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestCannotResolve(t *testing.T) {
	shop, cart := pg("shop_events", withPosition(library)...), pg("cart_events", withPosition(library)...)
	many := make([]Table, 20)
	for i := range many {
		many[i] = pg(fmt.Sprintf("t%02d", i), "id integer")
	}
	for name, c := range map[string]struct {
		config     Config
		tables     []Table
		text, hint string
	}{
		"none":          {Config{}, nil, "(there are: none)", "table:"},
		"none of many":  {Config{}, many, "public.t11, and 8 more)", "table:"},
		"two":           {Config{}, []Table{shop, cart}, "public.shop_events, public.cart_events", "table:"},
		"snapshots":     {Config{Table: "shop_snapshots"}, []Table{pg("shop_snapshots", library...)}, "missing notification_id", "snapshots are not events"},
		"tracking":      {Config{Table: "shop_tracking"}, []Table{pg("shop_tracking", "notification_id integer")}, "missing originator_id", "tracks"},
		"state is json": {Config{Table: "x"}, []Table{pg("x", "originator_id uuid", "originator_version integer", "topic text", "state json", "notification_id integer")}, "column state is of type json", "layout: columns"},
		"no metadata":   {Config{SchemaVersion: "$meta.v"}, []Table{shop}, "table public.shop_events has no column with metadata", "$.v"},
		"bad position":  {Config{Table: "x"}, []Table{pg("x", append(slices.Clone(library), "notification_id text")...)}, "column notification_id is of type text", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.config.Resolve(c.tables)
			var setup *source.SetupError
			if !errors.As(err, &setup) {
				t.Fatalf("got %v, want a setup error", err)
			}
			if !strings.Contains(err.Error(), c.text) || !strings.Contains(setup.Hint(), c.hint) {
				t.Errorf("got %q with hint %q, want %q and %q in them", err, setup.Hint(), c.text, c.hint)
			}
		})
	}
}

func TestOwnColumns(t *testing.T) {
	c := Config{Table: "log", Columns: Columns{
		Position: "id", Stream: "$.order.id", StreamVersion: "$meta.seq", Type: "kind", SchemaVersion: "$.v",
		Time: "at", Data: "body", Meta: "headers", ID: "$meta.id",
	}, Names: Names{Aliases: map[string]string{"a": "b"}, Prefixes: map[string]string{"x.": "y."}}}
	if ps := c.Validate(); len(ps) > 0 {
		t.Fatalf("got problems %v", ps)
	}
	m, err := c.Resolve([]Table{pg("log", "id integer", "kind text", "at timestamp", "body json", "headers json")})
	if err != nil {
		t.Fatal(err)
	}
	want := source.Payload{
		Stream:        source.Path{Names: []string{"order", "id"}},
		StreamVersion: source.Path{Meta: true, Names: []string{"seq"}},
		SchemaVersion: source.Path{Names: []string{"v"}},
		ID:            source.Path{Meta: true, Names: []string{"id"}},
		Names:         source.Names{Aliases: c.Names.Aliases, Prefixes: c.Names.Prefixes},
	}
	if diff := cmp.Diff(want, m.Payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	quote := func(s string) string { return "[" + s + "]" }
	list, held := m.Select(quote)
	if list != "[id], [kind], [at], [body], [headers]" || !slices.Equal(held, []Field{Position, Type, Time, Data, Meta}) {
		t.Errorf("got columns %s for %v", list, held)
	}
}

// TestSchemaVersion says where the schema version stands, for both layouts.
func TestSchemaVersion(t *testing.T) {
	shop := pg("shop_events", withPosition(library, "event_id uuid", "metadata json")...)
	log := pg("log", "id integer", "stream text", "kind text", "body json", "headers json")
	own := Columns{Position: "id", Stream: "stream", Type: "kind", Data: "body", Meta: "headers"}
	classVersion := source.Path{Names: []string{"class_version"}}
	for name, c := range map[string]struct {
		config Config
		table  Table
		suffix bool
		path   source.Path
		row    int // what an event has whose row does not say
	}{
		"library":           {Config{}, shop, false, classVersion, 0},
		"library, suffix":   {Config{SchemaVersion: Suffix}, shop, true, classVersion, 0},
		"library, path":     {Config{SchemaVersion: "$.head.v"}, shop, false, source.Path{Names: []string{"head", "v"}}, 0},
		"library, metadata": {Config{SchemaVersion: "$meta.v"}, shop, false, source.Path{Meta: true, Names: []string{"v"}}, 0},
		"own":               {Config{Table: "log", Columns: own}, log, false, source.Path{}, 1},
		"own, suffix":       {Config{Table: "log", Columns: own, SchemaVersion: Suffix}, log, true, source.Path{}, 0},
		"own, metadata":     {Config{Table: "log", Columns: own, SchemaVersion: "$meta.v"}, log, false, source.Path{Meta: true, Names: []string{"v"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if ps := c.config.Validate(); len(ps) > 0 {
				t.Fatalf("got problems %v", ps)
			}
			m, err := c.config.Resolve([]Table{c.table})
			if err != nil {
				t.Fatal(err)
			}
			if m.Payload.VersionSuffix != c.suffix || !cmp.Equal(m.Payload.SchemaVersion, c.path) || m.DefaultSchemaVersion() != c.row {
				t.Errorf("got suffix %t, path %v, row %d", m.Payload.VersionSuffix, m.Payload.SchemaVersion, m.DefaultSchemaVersion())
			}
		})
	}
}

// TestValidate wants every problem of a config, each with its key.
func TestValidate(t *testing.T) {
	key := Secret(vectorKey)
	for name, c := range map[string]struct {
		config Config
		want   []string
	}{
		"nothing said":   {Config{}, nil},
		"library":        {Config{Layout: EventSourcing, Table: "shop_events", State: both}, nil},
		"unknown layout": {Config{Layout: "marten"}, []string{"layout: there is no layout marten"}},
		"library with columns": {Config{Layout: EventSourcing, Columns: Columns{Data: "d"}},
			[]string{"columns: layout eventsourcing knows its columns"}},
		"columns without any": {Config{Layout: OwnColumns}, []string{
			"table: layout columns wants a table", "columns.position: columns.position is missing",
			"columns.stream: columns.stream is missing", "columns.type: columns.type is missing", "columns.data: columns.data is missing"}},
		"paths": {Config{Table: "t", Columns: Columns{Position: "$.p", Stream: "$meta.s", Type: "$", SchemaVersion: "$.a..b", Data: "$.d", Meta: "$.m", Time: "$other.t"}}, []string{
			"columns.position: position must be a column, not a path",
			"columns.type: path $ leads nowhere: want $.member or $meta.member",
			"columns.schema_version: path $.a..b has an empty step",
			"columns.time: path $other.t leads nowhere: want $.member or $meta.member",
			"columns.data: data must be a column, not a path",
			"columns.meta: meta must be a column, not a path"}},
		"meta that is not there": {Config{Table: "t", Columns: Columns{Position: "p", Stream: "$meta.s", Type: "k", Data: "d"}}, []string{
			"columns.stream: path $meta.s leads into meta, but columns.meta is missing"}},
		"schema version without sense": {Config{SchemaVersion: "v"}, []string{"schema_version: there is no schema version at v"}},
		"schema version nowhere":       {Config{SchemaVersion: "$.a..b"}, []string{"schema_version: there is no schema version at $.a..b"}},
		"schema version twice": {Config{Table: "t", SchemaVersion: Suffix, Columns: Columns{Position: "p", Stream: "s", Type: "k", Data: "d", SchemaVersion: "v"}}, []string{
			"schema_version: columns.schema_version says already where the schema version stands"}},
		"schema version in no metadata": {Config{Table: "t", SchemaVersion: "$meta.v", Columns: Columns{Position: "p", Stream: "s", Type: "k", Data: "d"}}, []string{
			"schema_version: path $meta.v leads into meta, but columns.meta is missing"}},
		"state": {Config{State: State{Cipher: "rot13", Compress: "lz4"}}, []string{
			"state.cipher: there is no cipher rot13", "state.compress: there is no compression lz4"}},
		"no key":             {Config{State: State{Cipher: AESGCM}}, []string{"state.key: cipher aes-gcm wants a key"}},
		"key without cipher": {Config{State: State{Key: key}}, []string{"state.key: a key without a cipher"}},
		"key not base64":     {Config{State: State{Cipher: AESGCM, Key: "*"}}, []string{"state.key: the key is not base64"}},
		"key too short":      {Config{State: State{Cipher: AESGCM, Key: "AAEC"}}, []string{"state.key: the key has 3 bytes: want 16, 24 or 32"}},
		"names": {Config{Names: Names{Aliases: map[string]string{"": "x", "y": ""}, Prefixes: map[string]string{"": "x"}}}, []string{
			"names.aliases: the empty text cannot be renamed", "names.aliases.y: an event type cannot be empty",
			"names.prefixes: the empty text cannot be renamed"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range c.config.Validate() {
				got = append(got, strings.Join(p.Path, ".")+": "+p.Message)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
