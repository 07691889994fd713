package pgtest

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Restore runs a gzipped dump, plain text as pg_dump writes it, in the
// database at url.
func Restore(tb testing.TB, url, path string) {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	ctx := tb.Context()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := restore(ctx, c, bufio.NewReader(z)); err != nil {
		tb.Fatalf("restore %s: %v", path, err)
	}
}

// restore runs the statements of a dump one by one, without what is meant
// for psql.
func restore(ctx context.Context, c *pgx.Conn, r *bufio.Reader) error {
	var statement strings.Builder
	for {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(line, "--") || strings.HasPrefix(line, `\`) {
			continue
		}
		statement.WriteString(line)
		if !strings.HasSuffix(line, ";\n") {
			continue
		}
		sql := statement.String()
		statement.Reset()
		if strings.HasPrefix(strings.TrimSpace(sql), "COPY ") {
			_, err = c.PgConn().CopyFrom(ctx, &copyData{r: r}, sql)
		} else {
			_, err = c.Exec(ctx, sql, pgx.QueryExecModeExec)
		}
		if err != nil {
			return err
		}
	}
}

// copyData reads the lines after a COPY statement up to the end mark.
type copyData struct {
	r    *bufio.Reader
	line []byte
}

func (d *copyData) Read(p []byte) (int, error) {
	if len(d.line) == 0 {
		line, err := d.r.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		if string(line) == "\\.\n" {
			return 0, io.EOF
		}
		d.line = line
	}
	n := copy(p, d.line)
	d.line = d.line[n:]
	return n, nil
}
