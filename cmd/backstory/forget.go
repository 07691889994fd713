package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/spf13/cobra"
)

func newForget(g *globals) *cobra.Command {
	f := &forgetFlags{globals: g}
	cmd := &cobra.Command{
		Use:   "forget [JOB...] --stream ID --yes",
		Short: "Take all events of a stream out of the tables, for good",
		Long: `Forget takes every row of some streams out of all tables, _quarantine included,
and keeps them out of later loads and rebuilds. Without --yes it only counts. The
windows concerned are loaded again without these streams; the generation that a
rebuild has kept is dropped, and one that it has begun begins anew. What is kept is
a receipt: when, how many rows, and a salted digest of each stream's name, by which
its events are known should the store still hold them. Interrupted, it is finished
by the next run.

The streams are named one by one, read from a file or from standard input, so that
no name stands in a list of processes, or found by a value in a column. A stream
that is found so is forgotten as a whole.`,
		Example: "  backstory forget --stream cart-4711\n  backstory forget --stream cart-4711 --yes\n" +
			"  backstory forget --streams-from - --yes < names.txt\n  backstory forget --where customer_id=c-17 --yes\n  backstory forget --list",
		RunE: f.run,
	}
	cmd.Flags().StringArrayVar(&f.streams, "stream", nil, "the stream of this name; may be given again")
	cmd.Flags().StringVar(&f.from, "streams-from", "", "the streams whose names are the lines of this file; - is standard input")
	cmd.Flags().StringVar(&f.where, "where", "", "the streams that have a row with this value, as COLUMN=VALUE")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do it; else it is only counted")
	cmd.Flags().BoolVar(&f.list, "list", false, "show what was forgotten before")
	return cmd
}

// forgetFlags are the flags of forget.
type forgetFlags struct {
	*globals
	streams   []string
	from      string
	where     string
	yes, list bool
}

func (f *forgetFlags) run(cmd *cobra.Command, names []string) (err error) {
	ctx := cmd.Context()
	o, err := f.options(cmd.InOrStdin())
	if err != nil {
		return err
	}
	a, err := openApp(ctx, f.globals, !f.list, names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if f.list {
		if err := a.openLedgerToRead(ctx); err != nil {
			return err
		}
	}
	for _, j := range a.jobs {
		if f.list {
			err = f.receipts(ctx, cmd.OutOrStdout(), j)
		} else {
			err = f.forget(ctx, cmd.OutOrStdout(), j, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// options reads what is to be forgotten.
func (f *forgetFlags) options(stdin io.Reader) (o schedules.ForgetOptions, err error) {
	o = schedules.ForgetOptions{Streams: slices.Clone(f.streams), DryRun: !f.yes}
	if f.from != "" {
		named, err := readStreams(f.from, stdin)
		if err != nil {
			return o, err
		}
		o.Streams = append(o.Streams, named...)
	}
	if f.where != "" {
		var ok bool
		if o.Column, o.Value, ok = strings.Cut(f.where, "="); !ok || o.Column == "" || o.Value == "" {
			return o, &usageError{errors.New("--where: want COLUMN=VALUE")}
		}
	}
	wanted := len(o.Streams) > 0 || o.Column != ""
	switch {
	case f.list && (wanted || f.yes):
		return o, &usageError{errors.New("--list shows what was forgotten, and takes no other flag")}
	case !f.list && !wanted:
		return o, &usageError{errors.New("say what is to be forgotten, with --stream, --streams-from or --where")}
	case slices.Contains(o.Streams, ""):
		return o, &usageError{errors.New("a stream has a name: --stream is empty")}
	}
	return o, nil
}

// readStreams reads names, one a line.
func readStreams(name string, stdin io.Reader) (streams []string, err error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, source.Setup("name a file with a stream's name in each line, or - for standard input", "read streams: %w", err)
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := strings.TrimSuffix(lines.Text(), "\r"); line != "" {
			streams = append(streams, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read streams from %s: %w", name, err)
	}
	if len(streams) == 0 {
		return nil, &usageError{fmt.Errorf("--streams-from %s: there is no name in it", name)}
	}
	return streams, nil
}

func (f *forgetFlags) forget(ctx context.Context, w io.Writer, j *schedules.Job, o schedules.ForgetOptions) error {
	bar, err := newProgress(f.globals, j.Name)
	if err != nil {
		return err
	}
	j.Watch = bar.step
	out, err := j.Forget(ctx, o)
	bar.finish()
	if err != nil {
		return err
	}
	if f.json {
		return errors.Join(writeJSON(w, out), stays(out))
	}
	streams, rows, windows := plural(out.Streams, "stream"), plural(out.Rows, "row"), plural(out.Windows, "window")
	for _, t := range out.Tables {
		fmt.Fprintf(w, "%s: %s: %s\n", j.Name, t.Name, plural(t.Rows, "row"))
	}
	if o.DryRun {
		if out.Billed > 0 {
			fmt.Fprintf(w, "%s: the queries that do it would be billed for about %s\n", j.Name, byteSize(out.Billed))
		}
		_, err = fmt.Fprintf(w, "%s: would forget %s: %s of %s; do it with --yes\n", j.Name, streams, rows, windows)
		return errors.Join(err, stays(out))
	}
	_, err = fmt.Fprintf(w, "%s: forgot %s: %s of %s; receipt %d\n", j.Name, streams, rows, windows, out.Receipt.ID)
	return errors.Join(err, stays(out))
}

// stays says that there are rows which cannot be forgotten with their stream.
func stays(out *schedules.Forgotten) error {
	if out.Nameless == 0 {
		return nil
	}
	return &schedules.DisagreeError{
		Job: out.Job, Reason: plural(out.Nameless, "row") + " with that value in _quarantine cannot be forgotten: the stream they are of cannot be read",
		Advice: "mend these events in the store, or delete them there, then: backstory replay " + out.Job + ", and forget again",
	}
}

// receipts shows what was forgotten before.
func (f *forgetFlags) receipts(ctx context.Context, w io.Writer, j *schedules.Job) error {
	s, err := j.Ledger.State(ctx, j.Name)
	if err != nil {
		return err
	}
	if f.json {
		return writeJSON(w, append([]schedules.Receipt{}, s.Receipts...))
	}
	if len(s.Receipts) == 0 {
		_, err := fmt.Fprintf(w, "%s: nothing was forgotten\n", j.Name)
		return err
	}
	for _, r := range s.Receipts {
		state := "under way; the next run finishes it"
		if !r.Done.IsZero() {
			state = "done " + r.Done.UTC().Format(time.RFC3339)
		}
		_, err := fmt.Fprintf(w, "%s: receipt %d: %s, %s of %s, asked for %s, %s\n", j.Name, r.ID, plural(int64(len(r.Streams)), "stream"),
			plural(r.Rows, "row"), plural(r.Windows, "window"), r.Asked.UTC().Format(time.RFC3339), state)
		if err != nil {
			return err
		}
	}
	return nil
}
