package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"backstory/schedules"
	"backstory/source"

	"github.com/spf13/cobra"
)

func newVerify(g *globals) *cobra.Command {
	v := &verifyFlags{globals: g}
	cmd := &cobra.Command{
		Use:   "verify [JOB...]",
		Short: "Prove that the tables hold what the store holds",
		Long: `Verify compares the store with the tables, window by window: how many events
and rows there are, which files, and what the ledger says of them. With --full it
reads both, makes the rows of all events anew under the rules that the tables
follow, and compares every value by checksums; rows that differ are named. It
changes nothing. It holds the job's lease meanwhile, so that runs have to wait.

Exit code 5 says that something does not agree; backstory repair mends it.`,
		Example: "  backstory verify\n  backstory verify shop --full\n  backstory verify --full --from 2024-01-01 --to 2024-02-01 --show-values",
		RunE:    v.run,
	}
	cmd.Flags().BoolVar(&v.full, "full", false, "compare every value of every row")
	v.add(cmd)
	return cmd
}

// verifyFlags are the flags of verify and repair.
type verifyFlags struct {
	*globals
	full     bool
	values   bool
	from, to string
}

func (v *verifyFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&v.values, "show-values", false, "show the values of rows that differ, not only their columns")
	cmd.Flags().StringVar(&v.from, "from", "", "leave out windows before this position or time")
	cmd.Flags().StringVar(&v.to, "to", "", "leave out windows after this position, or from this time on")
}

func (v *verifyFlags) run(cmd *cobra.Command, names []string) (err error) {
	a, err := openApp(cmd.Context(), v.globals, true, names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	var disagree error
	for _, j := range a.jobs {
		o, err := v.options(cmd, j)
		if err != nil {
			return err
		}
		bar, err := newProgress(v.globals, j.Name)
		if err != nil {
			return err
		}
		j.Watch = bar.step
		p, err := j.Verify(cmd.Context(), o)
		bar.finish()
		if err != nil {
			return err
		}
		if v.json {
			err = writeJSON(cmd.OutOrStdout(), p)
		} else {
			err = writeProof(cmd.OutOrStdout(), p)
		}
		if err != nil {
			return err
		}
		if !p.Holds() {
			disagree = errors.Join(disagree, &schedules.DisagreeError{
				Job: j.Name, Reason: plural(int64(len(p.Findings)), "thing") + " in store, tables and ledger do not agree",
				Advice: p.Advice(),
			})
		}
	}
	return disagree
}

// options reads what is to be looked at.
func (v *verifyFlags) options(cmd *cobra.Command, j *schedules.Job) (schedules.VerifyOptions, error) {
	o := schedules.VerifyOptions{Full: v.full, Values: v.values}
	if v.from == "" && v.to == "" {
		return o, nil
	}
	r, err := findRange(cmd.Context(), j, v.from, v.to)
	if errors.Is(err, errNoEvents) {
		err = &usageError{fmt.Errorf("--from %s --to %s: %w", v.from, v.to, err)}
	}
	o.Range = r
	return o, err
}

// maxShown is how many findings are shown to people; --json has all.
const maxShown = 50

func writeProof(w io.Writer, p *schedules.Proof) error {
	how := "counted"
	if p.Full {
		how = "every value compared"
	} else if p.Uncounted {
		how = "the store cannot count: only ledger and files were compared"
	}
	verdict := "agree"
	if !p.Holds() {
		verdict = "looked at: " + plural(int64(len(p.Findings)), "finding")
	}
	fmt.Fprintf(w, "%s: %s, %s in %s %s (%s, in %s)%s\n", p.Job, plural(p.Events, "event"), plural(p.Rows, "row"), plural(p.Windows, "window"),
		verdict, how, p.Duration.Round(10*time.Millisecond), generationText(p.Generation))
	for i, f := range p.Findings {
		if i == maxShown {
			fmt.Fprintf(w, "  and %s more; --json has all\n", plural(int64(len(p.Findings)-i), "finding"))
			break
		}
		writeFinding(w, f)
	}
	if len(p.Gaps) > 0 {
		fmt.Fprintf(w, "  not loaded, so that nothing is proved of it: %s; backstory run %s loads it\n", windowsText(p.Gaps), p.Job)
	}
	if s := p.Streams; s != nil && s.Uneven > 0 {
		fmt.Fprintf(w, "  in the store itself, %s of %s have versions that are missing or stand twice:\n", plural(s.Uneven, "stream"), thousands(s.Streams))
		for _, u := range s.First {
			fmt.Fprintf(w, "    %s: %s from version %d to %d\n", oneLine(u.Stream), plural(u.Events, "event"), u.Low, u.High)
		}
	}
	_, err := fmt.Fprint(w)
	return err
}

// writeFinding writes one finding: where, what, and the first rows concerned.
func writeFinding(w io.Writer, f schedules.Finding) {
	var where []string
	if len(f.Windows) > 0 {
		where = append(where, "window "+windowsText(f.Windows))
	}
	if f.Table != "" {
		where = append(where, "table "+f.Table)
	}
	if f.File != "" {
		where = append(where, "file "+f.File)
	}
	fmt.Fprintf(w, "  %s\n    %s", visible(strings.Join(where, ", ")), visible(f.Reason))
	switch f.Kind {
	case schedules.KindEvents:
		fmt.Fprintf(w, " (%s loaded, %s in the store)", thousands(f.Got), thousands(f.Want))
	case schedules.KindRows:
		fmt.Fprintf(w, " (%s there, %s should be)", thousands(f.Got), thousands(f.Want))
	}
	fmt.Fprintln(w)
	for _, r := range f.Rows {
		fmt.Fprintf(w, "      position %d %s", r.Position, r.What)
		if r.What == "altered" || len(r.Want) > 0 {
			fmt.Fprintf(w, ": %s", oneLine(strings.Join(r.Columns, ", ")))
		}
		fmt.Fprintln(w)
		for i := range r.Want {
			fmt.Fprintf(w, "        %s is %s and should be %s\n", oneLine(r.Columns[i]), oneLine(r.Got[i]), oneLine(r.Want[i]))
		}
	}
}

func windowsText(windows []source.Window) string {
	s := windows[0].String()
	if n := len(windows) - 1; n > 0 {
		s += fmt.Sprintf(" and %s more", thousands(int64(n)))
	}
	return s
}
