package schedules

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"backstory/source"
	"backstory/transform"
)

// open reads what the ledger knows of the generation to work on, and chooses
// the rules to follow: those of the rows that are there.
func (r *run) open(ctx context.Context) (err error) {
	r.job.watch(Step{Name: StepCheck})
	if r.state, err = r.ledger.State(ctx, r.job.Name); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if err := r.followSwap(ctx); err != nil {
		return err
	}
	if err := r.follow(ctx); err != nil {
		return err
	}
	p, err := r.state.Forgets(r.job.Pipeline)
	if err != nil {
		return err
	}
	r.use(p)
	return nil
}

// follow makes the run follow the rules of the generation's rows, where they
// are other than the job's. The job's are taken over where that makes no
// difference to what is loaded.
func (r *run) follow(ctx context.Context) error {
	j, s := r.job, r.state
	if len(s.Loaded) == 0 || s.Fingerprint == j.Pipeline.Fingerprint() {
		return nil
	}
	old, err := j.stored(s)
	if err != nil {
		return err
	}
	changes := j.Pipeline.ChangesOf(old, s.Tables)
	if len(s.Pending) == 0 && len(s.Again) == 0 && !slices.ContainsFunc(changes, s.concerned) {
		return r.takeRules(ctx)
	}
	r.report.Outdated = changes
	r.use(old)
	j.log().Info("rules have changed", "job", j.Name, "generation", s.Generation, "loaded", s.Fingerprint, "now", j.Pipeline.Fingerprint())
	return nil
}

// use makes the run work by a pipeline.
func (r *run) use(p *transform.Pipeline) {
	j := *r.job
	j.Pipeline = p
	r.job = &j
}

// takeRules names the job's rules as those of the generation. The windows are
// to be loaded again under them.
func (r *run) takeRules(ctx context.Context, again ...source.Window) error {
	s := r.state
	c := r.named(Change{Again: again})
	if s.Fingerprint != c.Fingerprint {
		c.Superseded = append(slices.DeleteFunc(s.Superseded, func(f string) bool { return f == c.Fingerprint || f == s.Fingerprint }), s.Fingerprint)
	}
	if err := r.lease.Save(ctx, c); err != nil {
		return fmt.Errorf("save rules: %w", err)
	}
	s.Fingerprint, s.Rules, s.Superseded, s.Again = c.Fingerprint, c.Rules, c.Superseded, again
	return nil
}

// named adds the rules that the run follows to a change.
func (r *run) named(c Change) Change {
	p := r.job.Pipeline
	c.Fingerprint = p.Fingerprint()
	if rules, whole := p.Rules(); whole {
		text, err := json.Marshal(rules)
		if err != nil {
			panic(err) // the fingerprint was made of the same
		}
		c.Rules = text
	}
	if r.state != nil && r.state.Fingerprint == c.Fingerprint {
		c.Superseded = r.state.Superseded
	}
	return c
}

// stored gives the pipeline of a generation's rules, or a *RulesError where
// they cannot be had.
func (j *Job) stored(s *State) (*transform.Pipeline, error) {
	unknown := &RulesError{Job: j.Name, Old: s.Fingerprint, New: j.Pipeline.Fingerprint()}
	if len(s.Rules) == 0 || j.Recompile == nil {
		return nil, unknown
	}
	var rules transform.Rules
	if err := json.Unmarshal(s.Rules, &rules); err != nil {
		return nil, &DisagreeError{Job: j.Name, Reason: fmt.Sprintf("read the rules of generation %d in the ledger: %v", s.Generation, err),
			Advice: "the ledger is damaged: move it away and run again; it is rebuilt from what the sink holds"}
	}
	p, err := j.Recompile(rules)
	if err != nil || p.Fingerprint() != s.Fingerprint {
		return nil, unknown // a Backstory that reads them otherwise, or a mask of another key
	}
	return p, nil
}

// concerned tells whether a change of rules may make a difference to what is
// loaded.
func (s *State) concerned(c transform.Change) bool {
	if c.Event == "" || s.Totals.Quarantined > 0 || s.Totals.Discarded > 0 {
		return true // what has no rows may have been of any type
	}
	return slices.ContainsFunc(s.Tables, func(t *transform.Table) bool {
		return t.Event == c.Event || t.Event == "" && !t.IsQuarantine()
	})
}
