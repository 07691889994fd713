package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"backstory/sinks/bigquery/bqtest"
	"backstory/source/postgres/pgtest"
)

// besidePostgres runs a command while a throwaway server is there for it.
func besidePostgres(ctx context.Context, args []string) (err error) {
	server, err := pgtest.Launch("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return beside(ctx, args, "TEST_POSTGRES_URL="+server.URL,
		"PATH="+filepath.Dir(server.Program("psql"))+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// besideBigQuery runs a command while an empty BigQuery in this process's
// memory is there for it, without limits. With -skim it does not read values
// that a load job could do without, which costs the less.
func besideBigQuery(ctx context.Context, args []string) (err error) {
	skim := len(args) > 0 && args[0] == "-skim"
	if skim {
		args = args[1:]
	}
	server, err := bqtest.New(bqtest.Options{Limits: bqtest.Unlimited, Skim: skim})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return beside(ctx, args, "BIGQUERY_EMULATOR_HOST="+server.Host(), "BACKSTORY_BIGQUERY_PROJECT="+server.Project())
}

// beside runs a command with more in its environment.
func beside(ctx context.Context, args []string, env ...string) error {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("read arguments: want a command after --")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	return cmd.Run()
}
