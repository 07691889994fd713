package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// configError is everything that is wrong with a configuration file.
type configError struct{ problems []problem }

func (e *configError) Error() string {
	texts := make([]string, len(e.problems))
	for i, p := range e.problems {
		texts[i] = p.text
	}
	return strings.Join(texts, "\n\n")
}

// problem is one thing that is wrong, in full words.
type problem struct {
	line, column int
	text         string
}

// document is a configuration file on its way to being understood. Problems
// are collected, so that all are told at once.
type document struct {
	name     string
	text     string
	root     ast.Node
	problems []problem
	// unset are the texts that name environment variables which are not set:
	// that is told, and nothing else of them.
	unset   map[ast.Node]bool
	purpose purpose
}

// purpose is what a configuration is read for.
type purpose int

const (
	// toLoad takes a configuration as it must be for events to be loaded.
	toLoad purpose = iota
	// toLook takes one with examples that fail, too.
	toLook
	// toTest is toLook without a store: what only that wants out of the
	// environment need not be there.
	toTest
)

// parseDocument reads YAML. Environment variables are put in afterwards, by
// resolveEnv, so that nothing they hold can change the file's structure.
func parseDocument(name string, text []byte) (*document, error) {
	d := &document{name: name, text: string(text), unset: make(map[ast.Node]bool)}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			d.add(syntax.Token, syntax.Message, "")
		} else {
			d.add(nil, firstLine(err), "")
		}
		return nil, d.err()
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.add(nil, "the file says nothing: want the sections source, sink and jobs", starterHint)
		return nil, d.err()
	}
	if len(file.Docs) > 1 {
		d.add(nil, "want one YAML document, with the sections source, sink and jobs", "take out the lines ---")
		return nil, d.err()
	}
	d.root = file.Docs[0].Body
	ast.Walk(refuser{d}, d.root)
	if err := d.err(); err != nil {
		return nil, err // what else could be said would follow from these
	}
	return d, nil
}

const starterHint = "backstory init writes a configuration to begin with"

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// err gives all problems as one error, by line, nil where there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return &configError{d.problems}
}

// add notes a problem at a token.
func (d *document) add(at *token.Token, message, hint string) {
	if at == nil {
		d.addLine(0, 0, message, hint)
	} else {
		d.addLine(at.Position.Line, at.Position.Column, message, hint)
	}
}

// addLine notes a problem at a line and column, with the lines before it and
// a caret, or without a place where line is 0.
func (d *document) addLine(line, column int, message, hint string) {
	p := problem{line: line, column: column, text: d.name + ": " + message}
	if line > 0 {
		p.text = fmt.Sprintf("%s:%d:%d: %s\n%s", d.name, line, column, message, snippet(d.text, line, column))
	}
	if hint != "" {
		p.text += "\nhint: " + hint
	}
	d.problems = append(d.problems, p)
}

// addAt notes a problem at the key a path of keys leads to, or at the
// nearest one above it.
func (d *document) addAt(path []string, message, hint string) {
	at, node := startOf(d.root), d.root
	for _, key := range path {
		value := child(node, key)
		if value == nil {
			break
		}
		at, node = value.Key.GetToken(), value.Value
	}
	if !d.unset[node] {
		d.add(at, message, hint)
	}
}

// startOf gives the token with which a node begins.
func startOf(node ast.Node) *token.Token {
	if m, ok := node.(ast.MapNode); ok {
		if it := m.MapRange(); it.Next() {
			return it.Key().GetToken()
		}
	}
	return node.GetToken()
}

// section gives the node at a top-level key, nil where there is none.
func (d *document) section(key string) ast.Node {
	if v := child(d.root, key); v != nil {
		return v.Value
	}
	return nil
}

func child(node ast.Node, key string) *ast.MappingValueNode {
	if m, ok := node.(ast.MapNode); ok {
		for it := m.MapRange(); it.Next(); {
			if scalarText(it.Key()) == key {
				return it.KeyValue()
			}
		}
	}
	return nil
}

// scalarText gives the text of a key or a plain value, "" for a map or a list.
func scalarText(node ast.Node) string {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value
	case ast.ScalarNode:
		return n.GetToken().Value
	case *ast.MappingKeyNode:
		return scalarText(n.Value)
	}
	return ""
}

// refuser notes the parts of YAML that make a configuration say what does
// not stand where it is read.
type refuser struct{ d *document }

// Visit is called for every node.
func (r refuser) Visit(node ast.Node) ast.Visitor {
	switch node.(type) {
	case *ast.AnchorNode:
		r.d.add(node.GetToken(), "anchors are not read here", "write the value wherever it belongs")
	case *ast.AliasNode:
		r.d.add(node.GetToken(), "aliases are not read here", "write the value itself")
		return nil
	case *ast.MergeKeyNode:
		r.d.add(node.GetToken(), "merge keys are not read here", "write the keys themselves")
		return nil
	case *ast.TagNode:
		r.d.add(node.GetToken(), "tags are not read here", "write the value without "+node.GetToken().Value)
	}
	return r
}

// resolveEnv puts environment variables into all sections but upcasters,
// which have no use for them.
func (d *document) resolveEnv() {
	m, ok := d.root.(ast.MapNode)
	if !ok {
		return
	}
	for it := m.MapRange(); it.Next(); {
		if key := scalarText(it.Key()); key != "upcasters" {
			ast.Walk(envResolver{d, d.purpose == toTest && key != "mask"}, it.Value())
		}
	}
}

var envPattern = regexp.MustCompile(`\$\{env:([^}]*)\}`)

// envResolver puts environment variables into the texts of a document.
type envResolver struct {
	d       *document
	lenient bool // what is not set is no problem
}

// Visit is called for every node.
func (r envResolver) Visit(node ast.Node) ast.Visitor {
	s, ok := node.(*ast.StringNode)
	if !ok {
		return r
	}
	s.Value = envPattern.ReplaceAllStringFunc(s.Value, func(ref string) string {
		name := envPattern.FindStringSubmatch(ref)[1]
		value, ok := os.LookupEnv(name)
		if !ok {
			r.d.unset[node] = true
			if !r.lenient {
				r.d.add(s.GetToken(), fmt.Sprintf("environment variable %s is not set", name), "set it where backstory runs")
			}
		}
		return value
	})
	return r
}
