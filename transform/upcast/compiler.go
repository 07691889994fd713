package upcast

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with rules.
type Problem struct {
	// Line and Column are where it stands in the file; 0 where the rules come
	// from none.
	Line, Column  int
	Message, Hint string
	// Example says that it is an example that does not come out as it should,
	// of a rule that can run.
	Example bool
}

func (p *Problem) Error() string { return p.Message }

// A compiler makes operations of nodes and notes every problem.
type compiler struct {
	options  Options
	problems []Problem
	// inEach says that what is compiled stands inside each:, where meta. and
	// operations on the whole event have no place; inSplit the same of the
	// latter, inside split.
	inEach, inSplit bool
	// rule is the rule at work, strict what it says of itself.
	rule   *rule
	strict bool
	// masks says that an operation of the rule is mask.
	masks bool
}

// fail notes a problem at a node; format and args are fmt.Errorf's.
func (c *compiler) fail(at *Node, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...), Hint: hint})
}

const operationsHint = "write a list of operations, each with one key, such as - rename: {old: new}"

// operations compiles a list of operations. Where there are problems, the
// result has fewer than the list.
func (c *compiler) operations(list *Node) []Operation {
	if list.Kind != List {
		c.fail(list, operationsHint, "want a list of operations, got %s", list.Kind)
		return nil
	}
	all := make([]Operation, 0, len(list.Values))
	last := "" // the operation that none may follow
	for i := range list.Values {
		n := &list.Values[i]
		if n.Kind != Map || len(n.Keys) != 1 {
			c.fail(n, operationsHint, "want one operation with one key, got %s", n.describe())
			continue
		}
		key, arg := &n.Keys[0], &n.Values[0]
		if last != "" {
			c.fail(key, "put it in front of "+last, "no operation can follow %s", last)
			last = "" // once is enough
		}
		if op := c.operation(key, arg); op != nil {
			all = append(all, op)
			if ends(op) {
				last = key.Text
			}
		}
	}
	return all
}

// operation compiles one operation, and gives nil where it cannot.
func (c *compiler) operation(key, arg *Node) Operation {
	kinds := operationKinds()
	for _, k := range kinds {
		if k.name != key.Text {
			continue
		}
		switch {
		case c.inEach && onEvent(k.name):
			c.fail(key, "put it beside each: it concerns the event as a whole", "%s has no place inside each", k.name)
			return nil
		case c.inSplit && onEvent(k.name):
			c.fail(key, "a part of a split says with when, type and version what it becomes", "%s has no place inside split", k.name)
			return nil
		}
		c.masks = c.masks || k.name == "mask"
		op := k.compile(c, arg)
		if op == nil || !c.strict {
			return op
		}
		return c.check(key, op)
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	c.fail(key, suggest(key.Text, names), "unknown operation %s", key.Text)
	return nil
}

// suggest names the word that is nearest to what was written, or all.
func suggest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least && d < len(k) {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "known here: " + strings.Join(known, ", ")
}

// distance counts the letters to insert, delete or exchange, two neighbours
// swapped included, to make b of a. Words longer than any of ours are far.
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			next[j+1] = min(row[j+1], next[j]) + 1
			same := row[j]
			if a[i] != b[j] {
				same++
			}
			next[j+1] = min(next[j+1], same)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// ends tells whether nothing can follow an operation.
func ends(o Operation) bool {
	switch o := o.(type) {
	case *discard:
		return o.when == nil
	case *split:
		return true
	}
	return false
}
