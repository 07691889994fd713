package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"backstory/schedules"
	"backstory/schedules/ledgersql"
	"backstory/source"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of PostgreSQL's errors
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	readOnlyTransaction   = "25006"
	idleInTransaction     = "25P03"
	invalidPassword       = "28P01"
	invalidAuthorization  = "28000"
	invalidCatalogName    = "3D000"
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	insufficientPrivilege = "42501"
	undefinedColumn       = "42703"
	undefinedTable        = "42P01"
	duplicateTable        = "42P07"
	lockNotAvailable      = "55P03"
)

// passes tells whether err is a failure that may pass: of the connection, the
// server's resources, or of transactions that are in each other's way.
func passes(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch pgErr.Code {
		case serializationFailure, deadlockDetected, lockNotAvailable, idleInTransaction:
			return true
		}
		switch pgErr.Code[:min(2, len(pgErr.Code))] {
		case "08", "53", "57", "58": // connections, resources, operators, the system
			return true
		}
		return false
	}
	var netErr net.Error
	return errors.As(err, &netErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err)
}

const rebuild = "drop the schema and run again: it is rebuilt from what the sink holds"

// explain says what failed and what to do. It matches codes and types, never
// texts, and shows no part of the URL but host, port, user and database.
func (d *database) explain(ctx context.Context, doing string, err error) error {
	doing += " " + d.name()
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	var setup *source.SetupError
	var line *schedules.LineError
	var pgErr *pgconn.PgError
	var connectErr *pgconn.ConnectError
	switch {
	case errors.As(err, &setup), errors.As(err, &line):
		return err
	case errors.Is(err, schedules.ErrHeld):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, ledgersql.ErrDamaged):
		return &schedules.DisagreeError{Reason: doing + ": " + err.Error(), Advice: rebuild}
	case errors.As(err, &pgErr):
		return d.explainCode(doing, pgErr, err)
	case errors.As(err, &connectErr):
		return d.explainConnect(doing, connectErr)
	case passes(err):
		return source.Setup("the connection was lost again and again: look at the server and at the way to it, and run again; nothing is half loaded", "%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// explainCode wraps err, which is or wraps the server's error.
func (d *database) explainCode(doing string, e *pgconn.PgError, err error) error {
	setup := func(format string, args ...any) error {
		return source.Setup(fmt.Sprintf(format, args...), "%s: %w", doing, err)
	}
	switch e.Code {
	case invalidPassword, invalidAuthorization:
		return setup("check user %s and the password in state:, and what the server's pg_hba.conf allows", d.conn.User)
	case invalidCatalogName:
		return setup("check the name of the database in state:")
	case insufficientPrivilege:
		return setup("let an administrator run: CREATE SCHEMA %s AUTHORIZATION %s", d.dialect.Schema, pgx.Identifier{d.conn.User}.Sanitize())
	case readOnlyTransaction:
		return setup("state: leads to a replica, or to a database that may only be read; name the primary")
	case duplicateTable:
		return setup("schema %s holds something else: name another with state: {url: ..., schema: ...}", d.schema)
	case undefinedTable, undefinedColumn:
		return &schedules.DisagreeError{Reason: fmt.Sprintf("%s: %v", doing, err), Advice: rebuild}
	}
	if passes(err) {
		return setup("the server is busy, or not to be had for now: run again in a while; nothing is half loaded")
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// explainConnect leaves the text of err out, which may tell more than host,
// port and user.
func (d *database) explainConnect(doing string, err *pgconn.ConnectError) error {
	where := net.JoinHostPort(d.conn.Host, fmt.Sprint(d.conn.Port))
	if strings.HasPrefix(d.conn.Host, "/") {
		where = d.conn.Host
	}
	why, advice := "the server and the client cannot agree (TLS or authentication)", "check host, port and sslmode in state:"
	var op *net.OpError
	switch {
	case errors.As(err, &op):
		why, advice = op.Err.Error(), "check that the server runs, and the host and port in state:"
	case passes(err):
		why, advice = "the connection was lost", "check that it is a PostgreSQL server that listens there"
	}
	return source.Setup(advice, "%s: connect to %s as %s: %s", doing, where, d.conn.User, why)
}
