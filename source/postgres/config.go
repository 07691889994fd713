package postgres

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"backstory/source"
	"backstory/source/guest"
	"backstory/source/layout"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Config says which store to read, and how patiently.
type Config struct {
	// URL is a PostgreSQL URL or key=value string. It leads to the primary.
	URL layout.Secret `yaml:"url"`
	// Replica, if not empty, is the URL of a streaming replica of that
	// primary, from which the events are read then. The primary is only asked
	// for the watermark.
	Replica layout.Secret `yaml:"replica"`
	// Schema holds the table; without it the search path of the user decides.
	Schema        string `yaml:"schema"`
	layout.Config `yaml:",inline"`
	guest.Manners `yaml:",inline"`
	Fence         Fence `yaml:"fence"`
	// StatementTimeout ends a statement that takes longer; 60 seconds if zero.
	StatementTimeout time.Duration `yaml:"statement_timeout"`
}

// Fence says how Watermark waits for running transactions.
type Fence struct {
	// Mode is Locks or Strict; Locks if empty.
	Mode string `yaml:"mode"`
	// Wait bounds the wait, and then the wait for a replica; 30 seconds if
	// zero.
	Wait time.Duration `yaml:"wait"`
}

// The modes of a Fence.
const (
	// Locks waits for the transactions that have written to the table. It is
	// right for writers that draw the position in the INSERT, as a column's
	// default does.
	Locks = "locks"
	// Strict waits for all transactions in the database. It is right also
	// for writers that draw positions earlier in the transaction.
	Strict = "strict"
)

const (
	defaultWait             = 30 * time.Second
	defaultStatementTimeout = 60 * time.Second
)

func (c *Config) setDefaults() {
	if c.Fence.Mode == "" {
		c.Fence.Mode = Locks
	}
	if c.Fence.Wait == 0 {
		c.Fence.Wait = defaultWait
	}
	if c.StatementTimeout == 0 {
		c.StatementTimeout = defaultStatementTimeout
	}
}

// Validate finds everything that is wrong with c in itself, without the
// database.
func (c *Config) Validate() []source.Problem {
	var ps []source.Problem
	add := func(message, hint string, path ...string) {
		ps = append(ps, source.Problem{Path: path, Message: message, Hint: hint})
	}
	if c.URL == "" {
		add("postgres wants a url", "write url: ${env:NAME} and put the URL in that variable", "url")
	} else if _, err := parse("url", c.URL); err != nil {
		add(err.Error(), urlAdvice, "url")
	}
	if c.Replica != "" {
		if _, err := parse("replica", c.Replica); err != nil {
			add(err.Error(), urlAdvice, "replica")
		}
	}
	if c.Fence.Mode != "" && c.Fence.Mode != Locks && c.Fence.Mode != Strict {
		add("there is no fence mode "+c.Fence.Mode, "write locks or strict", "fence", "mode")
	}
	if c.Fence.Wait < 0 {
		add("a wait cannot be negative", "write a duration such as 30s", "fence", "wait")
	}
	if c.StatementTimeout < 0 || c.StatementTimeout > 0 && c.StatementTimeout < time.Millisecond {
		add("a statement timeout is at least a millisecond", "write a duration such as 60s", "statement_timeout")
	}
	ps = append(ps, c.Manners.Validate()...)
	return append(ps, c.Config.Validate()...)
}

const urlAdvice = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of the password percent-encoded"

// parse reads the URL of a key. Its error does not show the URL, of which a
// part that cannot be read may well be the password.
func parse(key string, url layout.Secret) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(string(url))
	if err != nil {
		return nil, source.Setup(urlAdvice, "read %s: it is neither a PostgreSQL URL nor a key=value string", key)
	}
	return pc, nil
}

// readBuffer is how many bytes of rows are taken from the system at once. The
// driver alone takes 8 KiB, and spends a tenth of its time on asking.
const readBuffer = 128 << 10

// maxConns bounds the connections of a pool whose URL does not say. They are
// only made when windows are read side by side.
const maxConns = 16

// pool gives the configuration of the connections: sessions that cannot
// write, do not keep anybody waiting, and say who they are.
func (c *Config) pool(key string, url layout.Secret) (*pgxpool.Config, error) {
	pc, err := parse(key, url)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(url), "pool_max_conns") {
		pc.MaxConns = maxConns
	}
	if most := c.Limits.Connections; most > 0 {
		pc.MaxConns = min(pc.MaxConns, int32(min(most, math.MaxInt32)))
		pc.MinConns = min(pc.MinConns, pc.MaxConns)
	}
	params := pc.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = "backstory"
	}
	for name, value := range map[string]string{
		"client_encoding":                     "UTF8",
		"default_transaction_read_only":       "on",
		"statement_timeout":                   fmt.Sprint(c.StatementTimeout.Milliseconds()),
		"lock_timeout":                        "10000",
		"idle_in_transaction_session_timeout": "60000",
		// Pages are read along the index of positions. On a table without
		// statistics, as those of eventsourcing are, the planner would rather
		// sort the whole window for each page.
		"enable_seqscan":    "off",
		"enable_bitmapscan": "off",
		"jit":               "off",
	} {
		params[name] = value
	}
	pc.ConnConfig.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return pgproto3.NewFrontend(bufio.NewReaderSize(r, readBuffer), w)
	}
	// The simple protocol gives text; the reader wants binary values.
	if pc.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec
	}
	return pc, nil
}
