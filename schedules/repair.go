package schedules

import (
	"context"
	"fmt"
	"slices"

	"backstory/sinks"
	"backstory/source"
)

// RepairOptions say how a Repair goes about.
type RepairOptions struct {
	// Apply mends; without it Repair only says what it would do.
	Apply bool
	// Verify says what to look at; it is always full.
	Verify VerifyOptions
}

// Repair is what was found, and what was done about it or would be.
type Repair struct {
	Job     string `json:"job"`
	Applied bool   `json:"applied"`
	// Before is what was found.
	Before *Proof `json:"before"`
	// Reload are the windows that are loaded again, in order.
	Reload []source.Window `json:"reload"`
	// Aside are parts of tables that are taken away from readers. They are
	// kept; what was of loads among them is loaded again.
	Aside []Aside `json:"aside"`
	// Beyond is what cannot be mended window by window, but only by a rebuild.
	Beyond []Finding `json:"beyond"`
	// Billed is about how many bytes the sink would be billed for, where
	// nothing was done.
	Billed int64 `json:"billed_bytes,omitempty"`
	// Report is that of the loads, After what was found once they were done;
	// nil where nothing was done.
	Report *Report `json:"report,omitempty"`
	After  *Proof  `json:"after,omitempty"`

	// wrong are the tables that do not hold what was loaded, by window.
	wrong map[source.Window][]string
}

// Aside is a part of a table that is taken away.
type Aside struct {
	File string `json:"file"`
	// To is where it is kept, "" before it is moved, and where nothing was there.
	To string `json:"to,omitempty"`
}

// Repair verifies the job in full and loads the windows again in which source
// and sink do not agree, each in place of itself; parts of tables that are
// lost, damaged or of nobody are taken away first. Windows are marked in the
// ledger before anything is changed: if a Repair is interrupted, another one
// or the next run goes on. At the end it verifies what it has loaded, and
// returns a *DisagreeError if that does not agree still.
func (j *Job) Repair(ctx context.Context, o RepairOptions) (*Repair, error) {
	o.Verify.Full = true
	out := &Repair{Job: j.Name, Applied: o.Apply, Reload: []source.Window{}, Aside: []Aside{}, Beyond: []Finding{}}
	if !o.Apply {
		var err error
		if out.Before, err = j.Verify(ctx, o.Verify); err != nil {
			return nil, err
		}
		if err := out.plan(ctx, j, out.Before); err != nil {
			return nil, err
		}
		out.Billed, err = j.cost(ctx, out.Before.Generation, out.Reload, out.wrong)
		return out, err
	}
	rep, err := j.do(ctx, j.Ledger, "repair", func(ctx context.Context, r *run) error {
		if err := r.open(ctx); err != nil {
			return err
		}
		return r.repair(ctx, out, o)
	})
	out.Report = rep
	if err == nil && !rep.Quiet.IsZero() {
		err = &source.QuietError{Until: rep.Quiet} // half a repair is none
	}
	return out, err
}

func (r *run) repair(ctx context.Context, out *Repair, o RepairOptions) error {
	found, err := r.verify(ctx, o.Verify)
	if err != nil {
		return err
	}
	if found, err = r.learnFirst(ctx, found, o); err != nil {
		return err
	}
	out.Before = found
	if found, err = r.takeStrays(ctx, out, found, o); err != nil {
		return err
	}
	if err := out.plan(ctx, r.job, found); err != nil {
		return err
	}
	if len(out.Reload) == 0 {
		out.After = found // nothing was done since
	} else {
		if err := r.mend(ctx, out); err != nil {
			return err
		}
		again := o.Verify
		again.only = out.Reload
		if out.After, err = r.verify(ctx, again); err != nil {
			return err
		}
	}
	left := out.Beyond
	if len(left) == 0 {
		left = out.After.Findings
	}
	if len(left) == 0 {
		return nil
	}
	return &DisagreeError{
		Job: r.job.Name, Reason: fmt.Sprintf("%d findings are left after the repair; the first: %s", len(left), left[0].Text()),
		Advice: "load all of it anew with backstory rebuild " + r.job.Name + "; readers keep the present tables until then",
	}
}

// learnFirst takes windows into the ledger that only the sink knows, and looks
// again: what a ledger does not know it cannot mark.
func (r *run) learnFirst(ctx context.Context, found *Proof, o RepairOptions) (*Proof, error) {
	only := func(what owner) bool {
		return slices.ContainsFunc(found.Findings, func(f Finding) bool { return f.only == what })
	}
	inventory, ok := r.job.Sink.(sinks.Inventory)
	if !ok || !only(onlySink) || only(onlyLedger) {
		return found, nil
	}
	if err := r.learn(ctx, inventory); err != nil {
		return nil, err
	}
	return r.verify(ctx, o.Verify)
}

// takeStrays takes away what no load has written, and looks again: rows of it
// were counted with the windows that they seem to be of.
func (r *run) takeStrays(ctx context.Context, out *Repair, found *Proof, o RepairOptions) (*Proof, error) {
	var files []string
	for _, f := range found.Findings {
		if f.Kind == KindForeign && f.File != "" {
			files = append(files, f.File)
		}
	}
	if len(files) == 0 {
		return found, nil
	}
	if err := r.setAside(ctx, out, files); err != nil {
		return nil, err
	}
	return r.verify(ctx, o.Verify)
}

// setAside has the sink take parts away.
func (r *run) setAside(ctx context.Context, out *Repair, files []string) error {
	mender, ok := r.job.Sink.(sinks.Mender)
	if !ok || len(files) == 0 {
		return nil
	}
	if err := r.mine(ctx); err != nil {
		return err
	}
	moved, err := mender.Mend(ctx, r.job.Name, r.state.Generation, files)
	if err != nil {
		return err
	}
	for i, file := range files {
		k := slices.IndexFunc(out.Aside, func(a Aside) bool { return a.File == file })
		if k < 0 {
			out.Aside = append(out.Aside, Aside{File: file})
			k = len(out.Aside) - 1
		}
		out.Aside[k].To = moved[i]
	}
	return nil
}

// mend loads windows again. What shares a file with rows that are not right is
// loaded again with them, as nobody can say where in the file these end.
func (r *run) mend(ctx context.Context, out *Repair) error {
	if _, ok := r.job.Sink.(sinks.Replacer); !ok {
		return nil
	}
	if err := r.mark(ctx, out.Reload); err != nil {
		return err
	}
	var files []string
	for _, a := range out.Aside {
		if a.To == "" {
			files = append(files, a.File)
		}
	}
	if err := r.setAside(ctx, out, files); err != nil {
		return err
	}
	r.wrong = out.wrong
	defer func() { r.wrong = nil }()
	if err := r.reconcile(ctx); err != nil {
		return err
	}
	if _, err := r.sameStore(ctx); err != nil {
		return err
	}
	return r.renew(ctx)
}

// plan finds out what is to be done about findings.
func (out *Repair) plan(ctx context.Context, j *Job, found *Proof) error {
	_, replaces := j.Sink.(sinks.Replacer)
	mender, mends := j.Sink.(sinks.Mender)
	if slices.ContainsFunc(found.Findings, func(f Finding) bool { return f.only == onlyLedger }) {
		out.Beyond = found.Findings // no run goes on where the sink has lost whole windows
		return nil
	}
	out.wrong = found.wrong()
	var counts []Finding
	for _, f := range found.Findings {
		switch {
		case f.counted:
			counts = append(counts, f)
		case f.Kind == KindForeign && f.File != "" && mends:
			out.aside(f.File)
		case len(f.Windows) == 0 || !replaces || f.Kind == KindFile && !mends:
			out.Beyond = append(out.Beyond, f)
		case f.only == onlySink: // it is learnt first
		case f.Kind == KindFile:
			out.reload(f.Windows...)
			out.aside(f.File)
		case f.Kind == KindRows && mends:
			windows, files, err := mender.Shared(ctx, j.Name, found.Generation, f.Table, f.Windows[0])
			if err != nil {
				return err
			}
			out.reload(f.Windows[0])
			if len(windows) > 1 {
				out.reload(windows...)
				out.aside(files...)
			}
		default:
			out.reload(f.Windows...)
		}
	}
	if len(out.Reload) == 0 { // else it is seen at the end whether it was that
		out.Beyond = append(out.Beyond, counts...)
	}
	// Rows of no window are in a file of some, and go with it.
	if len(out.Reload)+len(out.Aside) > 0 {
		out.Beyond = slices.DeleteFunc(out.Beyond, func(f Finding) bool { return f.Kind == KindForeign && f.File == "" && mends })
	}
	slices.SortFunc(out.Reload, func(a, b source.Window) int { return a.After.Compare(b.After) })
	return nil
}

func (out *Repair) reload(windows ...source.Window) {
	for _, w := range windows {
		if !slices.Contains(out.Reload, w) {
			out.Reload = append(out.Reload, w)
		}
	}
}

func (out *Repair) aside(files ...string) {
	for _, file := range files {
		if !slices.ContainsFunc(out.Aside, func(a Aside) bool { return a.File == file }) {
			out.Aside = append(out.Aside, Aside{File: file})
		}
	}
}
