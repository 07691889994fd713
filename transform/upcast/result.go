package upcast

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"backstory/source"
	"backstory/transform"
)

// Result is what became of an example.
type Result struct {
	// Event and Version are what the rule takes; Repair says that it is one.
	Event   string
	Version int
	Repair  bool
	// Line and Column are those of the example; 0 where it is from no file.
	Line, Column int
	// Name names the example: Cart.ItemAdded from 1, example 2.
	Name string
	// Got and Want are what came out and what should, for people to read.
	Got, Want string
	// Diff is "" where the example comes out as it should. Else it has a line
	// for each line of both: with - in front of those that are only wanted, +
	// in front of those that only came out.
	Diff string
	// Err is why the event could not be upcast, as the example may want.
	Err error
}

// OK tells whether the example comes out as it should.
func (r *Result) OK() bool { return r.Diff == "" }

// Test runs all examples, in the order of the rules.
func (s *Set) Test() []Result {
	var all []Result
	for _, r := range s.rules {
		results, _ := r.test()
		all = append(all, results...)
	}
	return all
}

// test runs the examples of a rule, under the eyes of the witness it gives.
func (r *rule) test() ([]Result, *witness) {
	w := &witness{rule: r, seen: make(map[*read]bool)}
	var all []Result
	for i := range r.examples {
		e := &r.examples[i]
		out := Result{
			Event: r.event, Version: r.version, Repair: r.repair,
			Line: e.node.Line, Column: e.node.Column,
			Name: fmt.Sprintf("%s, example %d", r, i+1),
		}
		got, err := e.run(r, w)
		e.judge(&out, r.String(), got, err)
		all = append(all, out)
	}
	return all, w
}

// judge fills in what came out of a rule, and what should.
func (e *example) judge(r *Result, rule string, got []result, err error) {
	r.Err = err
	same := false
	switch {
	case err != nil:
		r.Got = "error: " + reason(err, rule)
		same = e.fails != "" && strings.Contains(r.Got, e.fails)
	default:
		same = e.fails == "" && e.wants(got)
		r.Got = e.text(got, nil)
	}
	switch {
	case e.fails != "":
		r.Want = "error: " + e.fails
	default:
		r.Want = e.text(e.then, got)
	}
	if !same {
		r.Diff = diffLines(r.Want, r.Got)
	}
}

// reason is what an error says, but for the event and the rule, which are the
// example's.
func reason(err error, rule string) string {
	var ee *source.EventError
	if !errors.As(err, &ee) {
		return err.Error()
	}
	text := strings.TrimPrefix(ee.Step, "upcast "+rule+", ")
	if ee.Path != "" {
		text += " at " + ee.Path
	}
	return text + ": " + ee.Err.Error()
}

// wants tells whether results are those of the example.
func (e *example) wants(got []result) bool {
	if len(got) != len(e.then) {
		return false
	}
	for i := range got {
		g, w := &got[i], &e.then[i]
		if w.event != "" && w.event != g.event || w.version != 0 && w.version != g.version ||
			!sameDocument(g.data, w.data) || w.meta != nil && !sameDocument(g.meta, w.meta) {
			return false
		}
	}
	return true
}

// text writes results for people: what the example says nothing of is taken
// from like, or left out.
func (e *example) text(results, like []result) string {
	if len(results) == 0 {
		return "nothing: the event is discarded"
	}
	bare := e.payload && len(results) == 1
	var b strings.Builder
	for i := range results {
		r := results[i]
		var model result
		if i < len(like) {
			model = like[i]
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if !bare {
			fmt.Fprintf(&b, "event %d", i+1)
			if event := cmp.Or(r.event, model.event); event != "" {
				b.WriteString(": " + event)
			}
			if v := cmp.Or(r.version, model.version); v > 0 {
				fmt.Fprintf(&b, ", schema version %d", v)
			}
			b.WriteByte('\n')
		}
		writePretty(&b, r.data, model.data)
		meta := r.meta
		switch wanted := i < len(e.then) && e.then[i].meta != nil; {
		case !wanted || meta == nil || meta.Root() == transform.None:
		default:
			b.WriteString("\nmeta ")
			writePretty(&b, meta, model.meta)
		}
	}
	return b.String()
}

// checkExamples notes the examples that do not come out as they should, and
// what strict rules want of them.
func (c *compiler) checkExamples(s *Set) {
	for _, r := range s.rules {
		results, w := r.test()
		failed := false
		for _, out := range results {
			if out.OK() {
				continue
			}
			failed = true
			c.problems = append(c.problems, Problem{
				Line: out.Line, Column: out.Column, Example: true,
				Message: fmt.Sprintf("%s does not come out as it says (- wanted, + got):\n%s", out.Name, out.Diff),
				Hint:    "mend the operations or the example; all examples run by: backstory test",
			})
		}
		switch {
		case !r.proven || failed:
		case len(r.examples) == 0:
			c.fail(r.node, exampleHint+" under examples, or strict: load", "%s is strict and has no examples", r)
		default:
			c.checkReads(r, w)
		}
	}
}
