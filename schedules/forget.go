package schedules

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"backstory/sinks"
	"backstory/source"
	"backstory/transform"
)

// Receipt tells of streams that were forgotten, and nothing of what they held.
type Receipt struct {
	ID int64 `json:"id"`
	// Asked is when it was asked for; Done is when nothing was left of them,
	// zero as long as that is not so.
	Asked time.Time `json:"asked"`
	Done  time.Time `json:"done,omitzero"`
	// Streams are the digests of their names.
	Streams []transform.Digest `json:"streams"`
	// Rows counts the rows that were taken out of tables, Windows the windows
	// that were loaded again without them.
	Rows    int64 `json:"rows"`
	Windows int64 `json:"windows"`
}

// ForgetOptions say what is to be forgotten.
type ForgetOptions struct {
	// Streams are the names of streams.
	Streams []string
	// Column and Value choose the streams that have a row with that value, as
	// text, in a column of that name; no Column chooses none.
	Column, Value string
	// DryRun only counts.
	DryRun bool
}

// Forgotten says what was forgotten, or would be.
type Forgotten struct {
	Job     string           `json:"job"`
	Streams int64            `json:"streams"`
	Rows    int64            `json:"rows"`
	Windows int64            `json:"windows"`
	Tables  []ForgottenTable `json:"tables"`
	// Nameless counts the rows with the value that name no stream, and so stay:
	// of events in quarantine whose payload, which has the name, cannot be read.
	Nameless int64 `json:"nameless,omitempty"`
	// Billed is about how many bytes the sink would be billed for, where
	// nothing was changed.
	Billed int64 `json:"billed_bytes,omitempty"`
	// Receipt is what is kept of it, nil where nothing was changed.
	Receipt *Receipt `json:"receipt,omitempty"`
}

// ForgottenTable counts the rows of a table.
type ForgottenTable struct {
	Name string `json:"table"`
	Rows int64  `json:"rows"`
}

// Forget takes all events of some streams out of the job's tables, quarantine
// included, and keeps them out for good: the windows that have rows of them
// are loaded again without, other generations are dropped, and what the ledger
// and the manifests say of them is blanked. What is kept is a Receipt with
// digests of the streams' names, by which later loads and rebuilds know them.
// That it was asked for is saved first: if Forget is interrupted, the next run
// finishes it.
func (j *Job) Forget(ctx context.Context, o ForgetOptions) (*Forgotten, error) {
	if _, ok := j.Sink.(sinks.Replacer); !ok && !o.DryRun {
		return nil, fmt.Errorf("job %s: its sink cannot load a window again", j.Name)
	}
	reader, ok := j.Sink.(sinks.Reader)
	if !ok {
		return nil, fmt.Errorf("job %s: its sink cannot be read", j.Name)
	}
	var out *Forgotten
	rep, err := j.do(ctx, j.Ledger, "forget", func(ctx context.Context, r *run) (err error) {
		out, err = r.forget(ctx, reader, o)
		return err
	})
	if err == nil && !rep.Quiet.IsZero() {
		err = &source.QuietError{Until: rep.Quiet} // who asks for it must not take it for done
	}
	return out, err
}

func (r *run) forget(ctx context.Context, reader sinks.Reader, o ForgetOptions) (*Forgotten, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	if err := r.reconcile(ctx); err != nil {
		return nil, err
	}
	if err := r.finishForgetting(ctx); err != nil { // what an earlier one has left
		return nil, err
	}
	if !o.DryRun {
		if err := r.finishPlanned(ctx); err != nil {
			return nil, err
		}
	}
	f := &finding{run: r, reader: reader, streams: make(map[string]bool), tables: make(map[string]int64)}
	if err := f.find(ctx, o); err != nil {
		return nil, err
	}
	out := f.report()
	if o.DryRun {
		var err error
		out.Billed, err = r.job.cost(ctx, r.state.Generation, f.windows, nil)
		return out, err
	}
	if err := r.besideNone(ctx); err != nil {
		return nil, err
	}
	if e, ok := r.job.Sink.(sinks.Eraser); ok {
		if err := e.MayErase(ctx, r.job.Name); err != nil {
			return nil, fmt.Errorf("job %s: %w", r.job.Name, err)
		}
	}
	receipt, err := r.receipt(o, f)
	if err != nil {
		return nil, err
	}
	// From here on the names are not needed any more.
	r.job.watch(Step{Name: StepForget})
	c := Change{Forget: receipt, Erase: f.names(), Again: f.windows}
	if r.record.ID == 0 {
		c.Begin = &r.record
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return nil, fmt.Errorf("save what is to be forgotten: %w", err)
	}
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	if err := r.finishForgetting(ctx); err != nil {
		return nil, err
	}
	out.Receipt = receipt
	return out, nil
}

// finishPlanned loads what an earlier run has planned and not finished, where
// the sink commits table by table: it may have rows of it already, which are of
// no window before.
func (r *run) finishPlanned(ctx context.Context) error {
	if _, ok := r.job.Sink.(sinks.Resumer); !ok || len(r.state.Pending) == 0 {
		return nil
	}
	r.job.log().Info("loads what was planned before it forgets", "job", r.job.Name, "windows", len(r.state.Pending))
	mark, err := r.sameStore(ctx)
	if err != nil {
		return err
	}
	if err := r.begin(ctx, &Plan{}); err != nil {
		return err
	}
	if len(r.catalog.Tables()) == 0 {
		if err := r.discover(ctx, mark.Safe, r.state.Pending); err != nil {
			return err
		}
	}
	if err := r.load(ctx, r.state.Pending); err != nil {
		return err
	}
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return r.reconcile(ctx) // their manifests may have to be blanked too
}

// receipt makes the receipt of what was found, with the salt of earlier ones.
func (r *run) receipt(o ForgetOptions, f *finding) (*Receipt, error) {
	var salt [transform.SaltBytes]byte
	if known := r.state.forgotten(); len(known) > 0 {
		var err error
		if salt, err = known[0].Salt(); err != nil {
			return nil, err
		}
	} else if _, err := rand.Read(salt[:]); err != nil {
		return nil, err
	}
	receipt := &Receipt{Asked: time.Now().UTC(), Rows: f.rows, Windows: int64(len(f.windows))}
	for _, name := range f.names() {
		receipt.Streams = append(receipt.Streams, transform.DigestOf(salt, []byte(name)))
	}
	slices.Sort(receipt.Streams) // in no order that tells of the names
	return receipt, nil
}

// forgotten gives the digests of all streams that are forgotten.
func (s *State) forgotten() []transform.Digest {
	var all []transform.Digest
	for _, r := range s.Receipts {
		all = append(all, r.Streams...)
	}
	return all
}

// Forgets gives a pipeline without the streams that are forgotten.
func (s *State) Forgets(p *transform.Pipeline) (*transform.Pipeline, error) {
	if len(s.Receipts) == 0 {
		return p, nil
	}
	next, err := p.Forget(s.forgotten())
	if err != nil {
		return nil, &DisagreeError{Job: s.Job, Reason: "read the receipts in the ledger: " + err.Error(),
			Advice: "the ledger is damaged: restore it from a copy; without its receipts, what was forgotten would come back"}
	}
	return next, nil
}

// open tells whether something asked to be forgotten may still be there.
func (s *State) openReceipts() bool {
	return slices.ContainsFunc(s.Receipts, func(r Receipt) bool { return r.Done.IsZero() })
}

// finishForgetting takes out what is to be forgotten and may still be there.
func (r *run) finishForgetting(ctx context.Context) error {
	if !r.state.openReceipts() {
		return nil
	}
	p, err := r.state.Forgets(r.job.Pipeline)
	if err != nil {
		return err
	}
	r.use(p)
	r.idle = nil
	if err := r.renew(ctx); err != nil {
		return err
	}
	if err := r.dropOthers(ctx); err != nil {
		return err
	}
	r.job.watch(Step{Name: StepForgot})
	if err := r.lease.Save(ctx, Change{Forgot: true}); err != nil {
		return fmt.Errorf("save that it is forgotten: %w", err)
	}
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	r.job.log().Info("forgotten", "job", r.job.Name, "receipts", len(r.state.Receipts))
	return nil
}

// dropOthers drops the generations beside the live one: what was kept, and what
// an interrupted rebuild has begun.
func (r *run) dropOthers(ctx context.Context) (err error) {
	gens, ok := r.job.Sink.(sinks.Generations)
	if !ok {
		return nil
	}
	lease := r.next
	if lease == nil {
		if lease, err = r.lockNext(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lease.Release()) }()
	}
	if err := lease.Save(ctx, Change{Reset: true}); err != nil {
		return fmt.Errorf("forget what a rebuild has begun: %w", err)
	}
	for _, n := range []int{r.state.Generation + 1, r.state.Generation - 1} {
		if n < 1 {
			continue
		}
		if err := gens.Drop(ctx, r.job.Name, n); err != nil {
			return fmt.Errorf("drop generation %d: %w", n, err)
		}
	}
	if e, ok := r.job.Sink.(sinks.Eraser); ok {
		if err := e.Erase(ctx, r.job.Name, r.state.Generation); err != nil {
			return fmt.Errorf("erase what is kept of other generations: %w", err)
		}
	}
	return nil
}

// lockNext takes the lease of the generation that a rebuild makes.
func (r *run) lockNext(ctx context.Context) (Lease, error) {
	lease, err := r.job.Ledger.Next().Lock(ctx, r.job.Name)
	if err != nil {
		return nil, fmt.Errorf("job %s: a rebuild is under way, whose tables must be forgotten too: %w", r.job.Name, err)
	}
	return lease, nil
}

// besideNone keeps rebuilds away until the run ends. It comes before anything
// is saved: a rebuild could not end beside something that is half forgotten.
func (r *run) besideNone(ctx context.Context) (err error) {
	if _, ok := r.job.Sink.(sinks.Generations); !ok {
		return nil
	}
	if r.next, err = r.lockNext(ctx); err != nil {
		return err
	}
	r.held = append(r.held, r.next)
	return nil
}

// anchorOf identifies an event, but for the name of a stream that is forgotten.
func anchorOf(f *transform.Forgetter, e *source.Event) sinks.Anchor {
	a := anchor(e)
	if f.Forgets(e.Stream) {
		a.Stream = ""
	}
	return a
}
