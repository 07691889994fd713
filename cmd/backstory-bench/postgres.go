package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"backstory/source/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// postgres is a server with a database of generated events.
type postgres struct {
	*pgtest.Server
	events string // URL of the database
}

// version is part of the names of generated stores: another one makes stores
// of older programs be generated again.
const version = 1

// openPostgres starts a server over the cluster that is kept, and generates
// the events where they are not there yet.
func openPostgres(ctx context.Context, o options) (_ *postgres, err error) {
	// The settings that a server has out of the box, but for the disk: it is
	// reading that is measured.
	server, err := pgtest.Launch(clusterFolder(o.dir), "shared_buffers=128MB", "max_wal_size=4GB")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Close())
		}
	}()
	p := &postgres{Server: server}
	name := fmt.Sprintf("events_%d_v%d", o.events, version)
	p.events = databaseURL(server.URL, name)
	return p, p.generate(ctx, name, o.events)
}

// clusterFolder gives the folder of the cluster. PostgreSQL does not run as
// root: for root, another user must reach the folder.
func clusterFolder(dir string) string {
	if abs, err := filepath.Abs(dir); os.Geteuid() == 0 && (err != nil || !openToAll(filepath.Dir(abs))) {
		return "/var/tmp/backstory-bench"
	}
	return filepath.Join(dir, "postgres")
}

// openToAll tells whether every user may pass through a folder.
func openToAll(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

func databaseURL(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

// generate makes the database under another name first, so that half of one
// is never taken for a whole.
func (p *postgres) generate(ctx context.Context, name string, events int) error {
	admin, err := pgx.Connect(ctx, p.URL)
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	var there bool
	err = admin.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err != nil || there {
		return err
	}
	fmt.Fprintf(os.Stderr, "generating %d events in PostgreSQL\n", events)
	for _, sql := range []string{"DROP DATABASE IF EXISTS half", "CREATE DATABASE half"} {
		if _, err := admin.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := fill(ctx, databaseURL(p.URL, "half"), events); err != nil {
		return fmt.Errorf("generate events: %w", err)
	}
	_, err = admin.Exec(ctx, "ALTER DATABASE half RENAME TO "+name)
	return err
}

// fill makes the table of eventsourcing 9.3 (eventsourcing/postgres.py) and
// its events. The indexes come last, which is quicker and ends the same.
func fill(ctx context.Context, url string, events int) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err := c.Exec(ctx, `CREATE TABLE bench_events (
		originator_id uuid NOT NULL,
		originator_version bigint NOT NULL,
		topic text,
		state bytea,
		notification_id bigserial) WITH (autovacuum_enabled=false)`); err != nil {
		return err
	}
	g := newGenerator()
	n := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if n == events {
			return nil, nil
		}
		n++
		r := g.next()
		return []any{r.Stream, r.Version, r.Topic, r.State, int64(n)}, nil
	})
	columns := []string{"originator_id", "originator_version", "topic", "state", "notification_id"}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"bench_events"}, columns, rows); err != nil {
		return err
	}
	for _, sql := range []string{
		"ALTER TABLE bench_events ADD PRIMARY KEY (originator_id, originator_version)",
		"CREATE UNIQUE INDEX bench_events_notification_id_idx ON bench_events (notification_id ASC)",
		"SELECT setval('bench_events_notification_id_seq', max(notification_id)) FROM bench_events",
		// Without it the planner would sort what the index gives in order, and
		// the bare copy would look slower than it is.
		"ANALYZE bench_events",
		"CHECKPOINT",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(sql)[0], err)
		}
	}
	return nil
}
