package postgres

import (
	"strings"
	"time"

	"backstory/source"

	"github.com/jackc/pgx/v5"
)

// Config says where a ledger is.
type Config struct {
	// URL is a PostgreSQL URL or key=value string. It is shown nowhere.
	URL string `yaml:"url"`
	// Schema holds the tables; DefaultSchema if empty. It is made if it is not
	// there.
	Schema string `yaml:"schema"`
	// Lease is for how long a lease is taken and renewed, and so how long a
	// job waits for a worker that died; DefaultLease if zero.
	Lease time.Duration `yaml:"lease"`
}

// Defaults of a Config.
const (
	DefaultSchema = "backstory"
	DefaultLease  = 30 * time.Second
)

// shortest is the shortest lease that can be configured: a worker must not
// lose it by being busy.
const shortest = time.Second

const urlAdvice = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of the password percent-encoded, in an environment variable"

// Validate finds what is wrong with c in itself, without the database.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	add := func(key, message, hint string) {
		ps = append(ps, source.Problem{Path: []string{key}, Message: message, Hint: hint})
	}
	if c.URL == "" {
		add("url", "a ledger on PostgreSQL wants a url", "write url: ${env:NAME} and put the URL in that variable")
	} else if _, err := parse(c.URL); err != nil {
		add("url", err.Error(), urlAdvice)
	}
	if len(c.Schema) > 63 || strings.HasPrefix(c.Schema, "pg_") || strings.ContainsRune(c.Schema, 0) {
		add("schema", "there can be no schema of that name", "write a name of at most 63 letters that does not begin with pg_")
	}
	if c.Lease != 0 && c.Lease < shortest {
		add("lease", "a lease is at least "+shortest.String(), "leave it out for "+DefaultLease.String())
	}
	return ps
}

// parse reads the URL. Its error does not show it: a part that cannot be read
// may well be the password.
func parse(url string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, source.Setup(urlAdvice, "read the ledger's url: it is neither a PostgreSQL URL nor a key=value string")
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "backstory"
	}
	// No statement is prepared: behind a pooler of transactions, the next may
	// meet another server.
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return c, nil
}
