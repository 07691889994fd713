package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"
)

// configError is everything that is wrong with a configuration file.
type configError struct{ problems []string }

func (e *configError) Error() string { return strings.Join(e.problems, "\n\n") }

// document is a configuration file on its way to being understood. Problems
// are collected, so that all are told at once.
type document struct {
	name     string
	root     ast.Node
	problems []string
}

// parseDocument reads YAML. Environment variables are put in afterwards, so
// that nothing they hold can change the file's structure.
func parseDocument(name string, text []byte) (*document, error) {
	d := &document{name: name}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			d.add(syntax.Token, syntax.Message, "")
		} else {
			d.problems = append(d.problems, fmt.Sprintf("%s: %v", name, err))
		}
		return nil, d.err()
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		d.problems = append(d.problems, name+": want one YAML document, with source, sink and jobs")
		return nil, d.err()
	}
	d.root = file.Docs[0].Body
	ast.Walk(envResolver{d}, d.root)
	return d, nil
}

// err gives all problems as one error, nil where there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	return &configError{d.problems}
}

// add notes a problem at a token, with the lines around it and a caret.
func (d *document) add(at *token.Token, message, hint string) {
	var b strings.Builder
	if at == nil {
		fmt.Fprintf(&b, "%s: %s", d.name, message)
	} else {
		fmt.Fprintf(&b, "%s:%d:%d: %s\n", d.name, at.Position.Line, at.Position.Column, message)
		p := printer.Printer{}
		b.WriteString(strings.TrimRight(p.PrintErrorToken(at, false), "\n "))
	}
	if hint != "" {
		b.WriteString("\nhint: " + hint)
	}
	d.problems = append(d.problems, b.String())
}

// addAt notes a problem at the node a path of keys leads to, or at the
// nearest one above it.
func (d *document) addAt(path []string, message, hint string) {
	at := d.root.GetToken()
	node := d.root
	for _, key := range path {
		value := child(node, key)
		if value == nil {
			break
		}
		at, node = value.Key.GetToken(), value.Value
	}
	d.add(at, message, hint)
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
			if it.Key().String() == key {
				return it.KeyValue()
			}
		}
	}
	return nil
}

// decode turns a node into out, a pointer to a struct. Unknown keys, keys
// that stand twice and values of the wrong kind are noted.
func (d *document) decode(node ast.Node, out any, also ...string) {
	if node == nil || node.Type() == ast.NullType {
		return
	}
	before := len(d.problems)
	d.checkKeys(node, reflect.TypeOf(out).Elem(), also)
	if len(d.problems) > before {
		return // what the decoder would say follows from these
	}
	if err := yaml.NodeToValue(node, out); err != nil {
		var typed *yaml.TypeError
		switch {
		case errors.As(err, &typed):
			d.add(typed.Token, fmt.Sprintf("want %s here", kindName(typed.DstType)), "")
		default:
			d.add(node.GetToken(), firstLine(err), "")
		}
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Struct, reflect.Map:
		return "keys with values"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}

// checkKeys notes the keys that a type does not have.
func (d *document) checkKeys(node ast.Node, t reflect.Type, also []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		m, ok := node.(ast.MapNode)
		if !ok {
			return
		}
		fields := yamlFields(t)
		for it := m.MapRange(); it.Next(); {
			key := it.Key().String()
			field, ok := fields[key]
			if ok {
				d.checkKeys(it.Value(), field, nil)
			} else if !slices.Contains(also, key) {
				d.add(it.Key().GetToken(), "unknown key "+key, "known here: "+strings.Join(keysOf(fields, also), ", "))
			}
		}
	case reflect.Map:
		if m, ok := node.(ast.MapNode); ok {
			for it := m.MapRange(); it.Next(); {
				d.checkKeys(it.Value(), t.Elem(), nil)
			}
		}
	case reflect.Slice:
		if s, ok := node.(*ast.SequenceNode); ok {
			for _, v := range s.Values {
				d.checkKeys(v, t.Elem(), nil)
			}
		}
	}
}

// yamlFields gives the types of a struct's fields by their keys.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type)
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for k, v := range yamlFields(f.Type) {
				fields[k] = v
			}
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}

func keysOf(fields map[string]reflect.Type, also []string) []string {
	keys := slices.Clone(also)
	for k := range fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var envPattern = regexp.MustCompile(`\$\{env:([^}]*)\}`)

// envResolver puts environment variables into the texts of a document.
type envResolver struct{ d *document }

// Visit is called for every node.
func (r envResolver) Visit(node ast.Node) ast.Visitor {
	if s, ok := node.(*ast.StringNode); ok {
		s.Value = envPattern.ReplaceAllStringFunc(s.Value, func(ref string) string {
			name := envPattern.FindStringSubmatch(ref)[1]
			value, ok := os.LookupEnv(name)
			if !ok {
				r.d.add(s.GetToken(), fmt.Sprintf("environment variable %s is not set", name), "set it, or write the value here")
			}
			return value
		})
	}
	return r
}
