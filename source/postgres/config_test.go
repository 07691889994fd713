package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"backstory/source/guest"
	"backstory/source/layout"
	"backstory/source/postgres"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

const everyKey = `
url: postgres://reader:s3cr3t@db/shop
schema: public
layout: columns
table: shop_events
state: {cipher: aes-gcm, key: AAECAwQFBgcICQoLDA0ODw==, compress: zlib}
columns: {position: id, stream: aggregate_id, stream_version: seq, type: kind, schema_version: v,
  time: created_at, data: body, meta: headers, id: uid}
names: {aliases: {a: b}, prefixes: {c: d}}
fence: {mode: strict, wait: 5s}
statement_timeout: 90s
replica: postgres://reader:s3cr3t@standby/shop
limits: {connections: 2, rows_per_second: 20000, bytes_per_second: 20MB}
quiet: ["08:00-20:00 Europe/Berlin mon-fri"]
`

func TestConfigKeys(t *testing.T) {
	var c postgres.Config
	if err := yaml.UnmarshalWithOptions([]byte(everyKey), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	want := postgres.Config{
		URL: "postgres://reader:s3cr3t@db/shop", Schema: "public",
		Config: layout.Config{
			Layout: "columns", Table: "shop_events",
			State: layout.State{Cipher: "aes-gcm", Key: "AAECAwQFBgcICQoLDA0ODw==", Compress: "zlib"},
			Columns: layout.Columns{Position: "id", Stream: "aggregate_id", StreamVersion: "seq", Type: "kind",
				SchemaVersion: "v", Time: "created_at", Data: "body", Meta: "headers", ID: "uid"},
			Names: layout.Names{Aliases: map[string]string{"a": "b"}, Prefixes: map[string]string{"c": "d"}},
		},
		Fence: postgres.Fence{Mode: "strict", Wait: 5 * time.Second}, StatementTimeout: 90 * time.Second,
		Replica: "postgres://reader:s3cr3t@standby/shop",
		Manners: guest.Manners{
			Limits: guest.Limits{Connections: 2, RowsPerSecond: 20_000, BytesPerSecond: "20MB"},
			Quiet:  []string{"08:00-20:00 Europe/Berlin mon-fri"},
		},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if ps := c.Validate(); len(ps) > 0 {
		t.Errorf("got problems %v, want none", ps)
	}
	shown, err := yaml.Marshal(c)
	if all := fmt.Sprintf("%v %+v %#v %s", c, c, c, shown); err != nil || strings.Contains(all, "s3cr3t") || strings.Contains(all, "AAEC") {
		t.Errorf("secrets stand in %s (%v)", all, err)
	}
	for _, unknown := range []string{"tabel: x", "columns: {postion: x}", "fence: {wiat: 5s}", "limits: {rows: 5}", "state: {cypher: x}"} {
		if err := yaml.UnmarshalWithOptions([]byte(unknown), &c, yaml.Strict()); err == nil {
			t.Errorf("%s was taken", unknown)
		}
	}
}

// TestConfigProblems wants every problem of a config, each with its key.
func TestConfigProblems(t *testing.T) {
	c := postgres.Config{URL: "postgres://u:p%zz@h", StatementTimeout: -1, Fence: postgres.Fence{Mode: "loose", Wait: -1},
		Config: layout.Config{Layout: "marten"}}
	var got []string
	for _, p := range c.Validate() {
		got = append(got, strings.Join(p.Path, "."))
	}
	if diff := cmp.Diff([]string{"url", "fence.mode", "fence.wait", "statement_timeout", "layout"}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if ps := (&postgres.Config{}).Validate(); len(ps) != 1 || ps[0].Path[0] != "url" {
		t.Errorf("got problems %v, want url", ps)
	}
}
