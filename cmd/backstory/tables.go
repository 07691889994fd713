package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"backstory/transform"
)

// tablesConfig is the section tables: how payloads become columns.
type tablesConfig struct {
	Layout     string                       `yaml:"layout"`
	Nested     string                       `yaml:"nested"`
	Partition  string                       `yaml:"partition"`
	MaxColumns int                          `yaml:"max_columns"`
	Explode    map[string][]string          `yaml:"explode"`
	Types      map[string]map[string]string `yaml:"types"`
	Names      map[string]string            `yaml:"names"`
	Contract   string                       `yaml:"contract"`
	Schema     string                       `yaml:"schema"`
}

// tables reads the section tables; the files it names are looked for in dir.
func (d *document) tables(dir string) transform.Options {
	var t tablesConfig
	if !d.decode(d.section("tables"), &t, "contracts") {
		return transform.Options{}
	}
	// Defaults are put in, so that it makes no difference whether they are
	// written or left out.
	o := transform.Options{
		Layout: cmp.Or(transform.Layout(t.Layout), transform.PerType), Nested: t.Nested == "struct",
		MaxColumns: cmp.Or(t.MaxColumns, transform.DefaultMaxColumns), Tables: t.Names,
		Explode: make(map[string][][]string), Types: make(map[string]map[string]transform.Type),
	}
	d.oneOf([]string{"tables", "layout"}, t.Layout, "per_type", "one", "both")
	d.oneOf([]string{"tables", "nested"}, t.Nested, "flatten", "struct")
	d.oneOf([]string{"tables", "partition"}, t.Partition, "none", "day", "month")
	if t.Partition != "none" {
		o.Partition = transform.Partition(t.Partition)
	}
	if t.MaxColumns < 0 || t.MaxColumns > 10_000 {
		d.addAt([]string{"tables", "max_columns"}, "want 1 to 10000 columns", "leave it out for the default")
	}
	for event, paths := range t.Explode {
		for _, p := range paths {
			steps := strings.Split(p, ".")
			if slices.Contains(steps, "") {
				d.addAt([]string{"tables", "explode", event}, fmt.Sprintf("%q is no path", p), "write the members that lead to the list, with dots between them: order.lines")
			}
			o.Explode[event] = append(o.Explode[event], steps)
		}
	}
	for event, types := range t.Types {
		o.Types[event] = make(map[string]transform.Type)
		for path, text := range types {
			typ, err := transform.ParseType(text)
			if err != nil {
				d.addAt([]string{"tables", "types", event, path}, err.Error(), "")
			}
			o.Types[event][path] = typ
		}
	}
	d.tableNames(t.Names)
	d.contracts(&o, t.Contract)
	if t.Schema != "" {
		o.Frozen = d.frozenTables(relativeTo(dir, t.Schema), &o)
	}
	return o
}

// oneOf notes a value that is none of those allowed at a key.
func (d *document) oneOf(at []string, value string, allowed ...string) {
	if value != "" && !contains(allowed, value) {
		d.addAt(at, fmt.Sprintf("there is no %s %s", at[len(at)-1], value), "write "+strings.Join(allowed, ", ")+" or leave it out")
	}
}

// tableNames notes names that no table can have, and those that two have.
func (d *document) tableNames(names map[string]string) {
	taken := make(map[string]string)
	for _, event := range slices.Sorted(maps.Keys(names)) {
		name := names[event]
		at := []string{"tables", "names", event}
		if name != transform.TableName(name) {
			d.addAt(at, fmt.Sprintf("%q is no table name", name), "write small letters, digits and underscores: "+transform.TableName(name))
		}
		if other, ok := taken[name]; ok {
			d.addAt(at, fmt.Sprintf("%s and %s cannot both go to table %s", other, event, name), "give one of them another table")
		}
		taken[name] = event
	}
}
