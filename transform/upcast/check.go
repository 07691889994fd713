package upcast

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"backstory/transform"
)

// A stage is a type at a schema version.
type stage struct {
	event   string
	version int
}

func (s stage) String() string { return fmt.Sprintf("%s %d", s.event, s.version) }

// checkChains notes what is wrong with rules as a whole: two for one step,
// steps that are missing, circles.
func (c *compiler) checkChains(rules []*rule) {
	steps := make(map[string]map[int]*rule)
	for _, r := range rules {
		if r.repair {
			continue
		}
		of := steps[r.event]
		if of == nil {
			of = make(map[int]*rule)
			steps[r.event] = of
		}
		if other := of[r.version]; other != nil {
			where := "another is above"
			if other.node.Line > 0 {
				where = fmt.Sprintf("the other is in line %d", other.node.Line)
			}
			c.fail(r.node, where+"; make one of both, or repairs with at and when",
				"two upcasters take %s from schema version %d to %d", r.event, r.version, r.version+1)
			continue
		}
		of[r.version] = r
	}
	for _, event := range slices.Sorted(maps.Keys(steps)) {
		c.checkHoles(event, steps[event])
	}
	c.checkEntries(rules, steps)
	c.checkCircles(rules)
}

// checkHoles notes versions of a type that no step leads on from, below one
// that has a step.
func (c *compiler) checkHoles(event string, steps map[int]*rule) {
	versions := slices.Sorted(maps.Keys(steps))
	if len(versions) > transform.MaxSteps {
		c.fail(steps[versions[0]].node, "make one upcaster of several; the shapes in between need not be had",
			"%s has %d upcasters one after the other, and no event may pass more than %d", event, len(versions), transform.MaxSteps)
	}
	for i, v := range versions[1:] {
		switch before := versions[i]; {
		case v == before+2:
			c.fail(steps[v].node, fmt.Sprintf("add an upcaster of %s from: %d", event, before+1),
				"missing step: no upcaster takes %s from schema version %d to %d", event, before+1, before+2)
		case v > before+2:
			c.fail(steps[v].node, fmt.Sprintf("add upcasters of %s from: %d to from: %d", event, before+1, v-1),
				"missing steps: no upcasters take %s from schema version %d to %d", event, before+1, v)
		}
	}
}

// checkEntries notes events that are put into a chain, or repaired, below its
// first step.
func (c *compiler) checkEntries(rules []*rule, steps map[string]map[int]*rule) {
	lowest := make(map[string]int)
	for event, of := range steps {
		lowest[event] = slices.Min(slices.Collect(maps.Keys(of)))
	}
	for _, r := range rules {
		at := r.outcomes()
		if r.repair {
			at = append(at, outcome{r.event, r.version, r.node})
		}
		for _, o := range at {
			if low := lowest[o.event]; o.version < low {
				c.fail(o.node, fmt.Sprintf("add an upcaster of %s from: %d", o.event, o.version),
					"missing step: events are %s of schema version %d here, and the first upcaster takes version %d", o.event, o.version, low)
			}
		}
	}
}

// checkCircles notes rules that lead back to where they began: the chain of
// such an event would not end.
func (c *compiler) checkCircles(rules []*rule) {
	next := make(map[stage][]outcome)
	for _, r := range rules {
		from := stage{r.event, r.version}
		next[from] = append(next[from], r.outcomes()...)
	}
	done := make(map[stage]bool)
	var path []stage
	var walk func(from stage)
	walk = func(from stage) {
		path = append(path, from)
		for _, o := range next[from] {
			to := stage{o.event, o.version}
			if i := slices.Index(path, to); i >= 0 {
				c.fail(o.node, "retype events to a version that leads on, or to one above the chain's end",
					"upcasters run in a circle: %s", circle(path[i:], to))
			} else if !done[to] {
				walk(to)
			}
		}
		path = path[:len(path)-1]
		done[from] = true
	}
	for _, r := range rules {
		if from := (stage{r.event, r.version}); !done[from] {
			walk(from)
		}
	}
}

// circle writes the stages of a circle, a long one without its middle.
func circle(path []stage, end stage) string {
	const most = 10
	var names []string
	for i, s := range path {
		if len(path) > most && i == most/2 {
			names = append(names, fmt.Sprintf("(%d more)", len(path)-most))
		}
		if len(path) <= most || i < most/2 || i >= len(path)-most/2 {
			names = append(names, s.String())
		}
	}
	return strings.Join(append(names, end.String()), " -> ")
}
