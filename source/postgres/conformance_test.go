package postgres_test

import (
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/postgres"
	"backstory/source/postgres/pgtest"
	"backstory/source/sourcetest"

	"github.com/jackc/pgx/v5"
)

// libraryTable is the table that eventsourcing makes for an application
// called Shop.
const libraryTable = `
CREATE TABLE shop_events (originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text,
	state bytea, notification_id bigserial, PRIMARY KEY (originator_id, originator_version))
	WITH (autovacuum_enabled = false);
CREATE UNIQUE INDEX shop_events_notification_id_idx ON shop_events (notification_id);
CREATE TABLE shop_snapshots (originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text,
	state bytea, PRIMARY KEY (originator_id, originator_version));
CREATE TABLE shop_tracking (application_name text, notification_id bigint,
	PRIMARY KEY (application_name, notification_id));`

// insert copies events into a table of five columns.
func insert(tb testing.TB, c *pgx.Conn, table string, columns []string, events []source.Event, prefix string) {
	tb.Helper()
	_, err := c.CopyFrom(tb.Context(), pgx.Identifier{table}, columns,
		pgx.CopyFromSlice(len(events), func(i int) ([]any, error) {
			e := &events[i]
			return []any{e.Position.Seq, string(e.Stream), e.StreamVersion, prefix + e.Type, e.Data}, nil
		}))
	if err != nil {
		tb.Fatal(err)
	}
}

var libraryColumns = []string{"notification_id", "originator_id", "originator_version", "topic", "state"}

var ownNames = []string{"id", "stream", "seq", "kind", "body"}

func ownColumns(c *postgres.Config) {
	c.Config = layout.Config{Table: "log", Columns: layout.Columns{
		Position: "id", Stream: "stream", StreamVersion: "seq", Type: "kind", Data: "body"}}
}

func TestConformance(t *testing.T) {
	t.Run("eventsourcing", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
			url := pgtest.Database(t)
			c := session(t, url)
			exec(t, c, libraryTable)
			insert(t, c, "shop_events", libraryColumns, events, "shop.domain:")
			return opened(t, url)
		})
	})
	for name, table := range map[string]string{
		"columns":                        `CREATE TABLE log (id int PRIMARY KEY, stream text, seq smallint, kind varchar(20), body jsonb)`,
		"columns without a unique index": `CREATE TABLE log (id bigint, stream uuid, seq int, kind text, body json); CREATE INDEX ON log (id)`,
		"columns of a partitioned table": `CREATE TABLE log (id bigint PRIMARY KEY, stream text, seq int, kind text, body text) PARTITION BY RANGE (id);
			CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (MINVALUE) TO (1500);
			CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (1500) TO (MAXVALUE)`,
	} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, events []source.Event) source.Source {
				url := pgtest.Database(t)
				c := session(t, url)
				exec(t, c, table)
				insert(t, c, "log", ownNames, events, "")
				return opened(t, url, ownColumns)
			})
		})
	}
}

// opened is open for those who close the source themselves.
func opened(t *testing.T, url string, change ...func(*postgres.Config)) source.Source {
	t.Helper()
	c := postgres.Config{URL: layout.Secret(url)}
	for _, f := range change {
		f(&c)
	}
	if ps := c.Validate(); len(ps) > 0 {
		t.Fatalf("config: %v", ps)
	}
	s, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
