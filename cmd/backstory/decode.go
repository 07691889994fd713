package main

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decode turns a node into out, a pointer to a struct; also names keys that
// are read elsewhere. All unknown keys and all values of the wrong kind are
// noted, and out is left alone where there are any.
func (d *document) decode(node ast.Node, out any, also ...string) bool {
	before := len(d.problems)
	if isNull(node) {
		return true
	}
	d.check(node, reflect.TypeOf(out).Elem(), also)
	if len(d.problems) > before {
		return false
	}
	if err := yaml.NodeToValue(node, out); err != nil {
		var typed *yaml.TypeError
		if errors.As(err, &typed) {
			d.add(typed.Token, "want "+kindName(typed.DstType)+" here", "")
		} else {
			d.add(node.GetToken(), firstLine(err), "")
		}
		return false
	}
	return true
}

func isNull(node ast.Node) bool { return node == nil || node.Type() == ast.NullType }

// check notes the keys of a node that a type does not have, and the values
// that are not of their kind.
func (d *document) check(node ast.Node, t reflect.Type, also []string) {
	if isNull(node) || d.unset[node] {
		return
	}
	if !fits(node, t) {
		d.add(startOf(node), "want "+kindName(t)+" here", "")
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := yamlFields(t)
		for it := node.(ast.MapNode).MapRange(); it.Next(); {
			key := scalarText(it.Key())
			field, ok := fields[key]
			if ok {
				d.check(it.Value(), field, nil)
			} else if !slices.Contains(also, key) {
				d.add(it.Key().GetToken(), "unknown key "+key, "known here: "+strings.Join(keysOf(fields, also), ", "))
			}
		}
	case reflect.Map:
		for it := node.(ast.MapNode).MapRange(); it.Next(); {
			d.check(it.Value(), t.Elem(), nil)
		}
	case reflect.Slice:
		for _, v := range node.(*ast.SequenceNode).Values {
			d.check(v, t.Elem(), nil)
		}
	}
}

var durationType = reflect.TypeFor[time.Duration]()

// fits tells whether a node is of the kind that a type is written as.
func fits(node ast.Node, t reflect.Type) bool {
	_, isMap := node.(ast.MapNode)
	_, isList := node.(*ast.SequenceNode)
	if t == durationType {
		_, err := time.ParseDuration(scalarText(node))
		return err == nil
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return isMap
	case reflect.Slice:
		return isList
	case reflect.Int, reflect.Int64:
		_, err := strconv.ParseInt(strings.ReplaceAll(scalarText(node), "_", ""), 10, 64)
		return err == nil
	}
	return !isMap && !isList
}

func kindName(t reflect.Type) string {
	if t == durationType {
		return "a duration such as 30s"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Struct, reflect.Map:
		return "keys with values"
	case reflect.Slice:
		return "a list"
	}
	return "text"
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
