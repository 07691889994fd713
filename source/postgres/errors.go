package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"backstory/source"

	"github.com/jackc/pgx/v5/pgconn"
)

// Codes of PostgreSQL's errors
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	featureNotSupported   = "0A000" // a prepared statement whose table was altered
	idleInTransaction     = "25P03"
	invalidPassword       = "28P01"
	invalidAuthorization  = "28000"
	invalidCatalogName    = "3D000"
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	insufficientPrivilege = "42501"
	undefinedColumn       = "42703"
	undefinedTable        = "42P01"
	lockNotAvailable      = "55P03"
	queryCanceled         = "57014"
)

// explain says what failed, what to do, and whether it may pass. It matches
// codes and types, never texts, and shows no part of the URL but host, port,
// user and database.
func (s *Source) explain(ctx context.Context, at *server, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", doing, s.name(at), ctx.Err())
	}
	var setup *source.SetupError
	if errors.As(err, &setup) {
		return err
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return s.explainCode(at, doing, pgErr)
	}
	var connectErr *pgconn.ConnectError
	if errors.As(err, &connectErr) {
		return at.explainConnect(connectErr)
	}
	wrapped := fmt.Errorf("%s %s: %w", doing, s.name(at), err)
	if lost(err) {
		return source.Transient(wrapped)
	}
	return wrapped
}

// lost tells whether err means that the connection is gone.
func lost(err error) bool {
	var netErr net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &netErr) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// name is the table where it is known, or else the database.
func (s *Source) name(at *server) string {
	if s.mapping != nil {
		return "table " + s.mapping.Table.String()
	}
	return "database " + at.pool.Config().ConnConfig.Database
}

func (s *Source) explainCode(at *server, doing string, err *pgconn.PgError) error {
	c := at.pool.Config().ConnConfig
	setup := func(advice string) error {
		return &source.SetupError{Err: fmt.Errorf("%s %s: %w", doing, s.name(at), err), Advice: advice}
	}
	switch err.Code {
	case invalidPassword, invalidAuthorization:
		return setup(fmt.Sprintf("check user %s and the password in %s:, and what the server's pg_hba.conf allows", c.User, at.key))
	case invalidCatalogName:
		return setup("check the name of the database in " + at.key + ":")
	case insufficientPrivilege:
		return setup(s.grant(c.User))
	case undefinedTable, undefinedColumn:
		return setup("the table changed since it was opened; check table: and columns:")
	case queryCanceled:
		return source.Transient(setup("if it happens again and again, raise statement_timeout: in the section source, or lower load.window"))
	case serializationFailure, deadlockDetected, lockNotAvailable, featureNotSupported, idleInTransaction:
		return source.Transient(fmt.Errorf("%s %s: %w", doing, s.name(at), err))
	}
	switch err.Code[:min(2, len(err.Code))] {
	case "08", "53", "57", "58":
		// Connections, resources, operators and the system.
		return source.Transient(fmt.Errorf("%s %s: %w", doing, s.name(at), err))
	}
	return fmt.Errorf("%s %s: %w", doing, s.name(at), err)
}

// grant gives the statements that let user read the table.
func (s *Source) grant(user string) string {
	if s.mapping == nil {
		return "let an administrator grant the user the right to read the table"
	}
	return fmt.Sprintf("let an administrator run: GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %[2]s",
		quote(s.mapping.Table.Schema), quote(user), tableName(s.mapping))
}

// explainConnect leaves the text of err out, which may tell more than host,
// port, user and database.
func (at *server) explainConnect(err *pgconn.ConnectError) error {
	c := at.pool.Config().ConnConfig
	where := net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	if strings.HasPrefix(c.Host, "/") {
		where = c.Host
	}
	where += " as " + c.User
	setup := func(advice, why string) error {
		return &source.SetupError{Err: fmt.Errorf("connect to %s: %s", where, why), Advice: advice}
	}
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return setup("check the host in "+at.key+":", "no such host")
	case errors.As(err, &op) && op.Err != nil && op.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return source.Transient(setup("check the host and port in "+at.key+":, and firewalls on the way", "timed out"))
	case errors.As(err, &op) && op.Op == "dial":
		return source.Transient(setup("check that the server runs, and the host and port in "+at.key+":", op.Err.Error()))
	case lost(err):
		return source.Transient(setup("check that it is a PostgreSQL server that listens there", "the connection was lost"))
	}
	return setup("check host, port and sslmode in "+at.key+":", "the server and the client cannot agree (TLS or authentication)")
}
