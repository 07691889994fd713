package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"backstory/source/postgres/pgtest"
)

// besidePostgres runs a command while a throwaway server is there for it.
func besidePostgres(ctx context.Context, args []string) (err error) {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errors.New("read arguments: want a command after postgres --")
	}
	server, err := pgtest.Launch("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TEST_POSTGRES_URL="+server.URL,
		"PATH="+filepath.Dir(server.Program("psql"))+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return cmd.Run()
}
