package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"backstory/source"
	"backstory/transform"

	"github.com/goccy/go-yaml/ast"
)

// frozenFile is the file that tables.schema names, as schema freeze writes it.
type frozenFile struct {
	Tables []frozenTable `yaml:"tables"`
}

// frozenTable is a table, without the columns that all tables have.
type frozenTable struct {
	Name  string `yaml:"name"`
	Event string `yaml:"event"`
	// Explode is the path of the list whose elements are the rows.
	Explode string         `yaml:"explode"`
	Columns []frozenColumn `yaml:"columns"`
}

// frozenColumn is a column.
type frozenColumn struct {
	Name string `yaml:"name"`
	Path string `yaml:"path"`
	// Meta says that the path leads into the metadata.
	Meta bool   `yaml:"meta"`
	Type string `yaml:"type"`
	// Fields are those of the struct that the type ends in.
	Fields   []frozenField `yaml:"fields"`
	Encoding string        `yaml:"encoding"`
	Since    string        `yaml:"since"`
	Marker   string        `yaml:"marker"`
	Declared bool          `yaml:"declared"`
	Closed   bool          `yaml:"closed"`
	Masked   bool          `yaml:"masked"`
}

// frozenField is a field of a struct; Member is its name in the payload where
// that is another.
type frozenField struct {
	Name   string        `yaml:"name"`
	Member string        `yaml:"member"`
	Type   string        `yaml:"type"`
	Fields []frozenField `yaml:"fields"`
}

// frozenTables reads the file that tables.schema names. What is wrong with it
// is noted with its own name and lines.
func (d *document) frozenTables(name string, o *transform.Options) []*transform.Table {
	at := []string{"tables", "schema"}
	text, err := os.ReadFile(name)
	if err != nil {
		d.addAt(at, "read frozen tables: "+err.Error(), "write the file with: backstory schema freeze -o FILE")
		return nil
	}
	return d.frozenTablesOf(name, text, o)
}

// frozenTablesOf reads them from the file's text.
func (d *document) frozenTablesOf(name string, text []byte, o *transform.Options) []*transform.Table {
	file, err := parseDocument(name, text)
	if err != nil {
		d.include(err)
		return nil
	}
	var f frozenFile
	var tables []*transform.Table
	switch list, ok := file.section("tables").(*ast.SequenceNode); {
	case !file.decode(file.root, &f): // told
	case !ok:
		file.add(startOf(file.root), "want a list of tables here", "write the file with: backstory schema freeze -o FILE")
	default:
		tables = file.tablesOf(f, list, o)
	}
	d.include(file.err())
	return tables
}

// include takes over the problems of another file, behind all of this one.
func (d *document) include(err error) {
	other, ok := err.(*configError)
	if !ok {
		return
	}
	for _, p := range other.problems {
		p.line, p.column = math.MaxInt, len(d.problems)
		d.problems = append(d.problems, p)
	}
}

// tablesOf makes tables of a file and notes what is wrong with them.
func (d *document) tablesOf(f frozenFile, list *ast.SequenceNode, o *transform.Options) []*transform.Table {
	var tables []*transform.Table
	for i, t := range f.Tables {
		r := frozenReader{d: d, node: list.Values[i]}
		table := r.table(t, o)
		for _, other := range tables {
			if strings.EqualFold(other.Name, table.Name) {
				r.fail("name", "two tables are called "+table.Name, "take one of them out")
			} else if other.Event == table.Event && slices.Equal(other.Explode, table.Explode) {
				r.fail("event", fmt.Sprintf("tables %s and %s are of the same events", other.Name, table.Name), "take one of them out")
			}
		}
		tables = append(tables, table)
	}
	return tables
}

// A frozenReader reads one part of the file: a table, a column or a field.
type frozenReader struct {
	d    *document
	node ast.Node
}

// fail notes a problem at a key, or at the part's beginning where it is not there.
func (r frozenReader) fail(key, message, hint string) {
	at := startOf(r.node)
	if v := child(r.node, key); v != nil {
		at = v.Key.GetToken()
	}
	r.d.add(at, message, hint)
}

// parts gives readers for the elements of the list at a key.
func (r frozenReader) parts(key string) []frozenReader {
	v := child(r.node, key)
	if v == nil {
		return nil
	}
	list, ok := v.Value.(*ast.SequenceNode)
	if !ok {
		return nil
	}
	var parts []frozenReader
	for _, node := range list.Values {
		parts = append(parts, frozenReader{r.d, node})
	}
	return parts
}

func (r frozenReader) table(f frozenTable, o *transform.Options) *transform.Table {
	if f.Name == "" || f.Name != transform.TableName(f.Name) {
		r.fail("name", fmt.Sprintf("%q is no table name", f.Name), "write small letters, digits and underscores")
	}
	if f.Event == "" {
		r.fail("event", "a table wants the event type it is of", "write event: TYPE")
	} else if want := o.Tables[f.Event]; want != "" && want != f.Name && f.Explode == "" {
		r.fail("name", fmt.Sprintf("tables.names calls the table of %s %s", f.Event, want), "give it the same name in both places")
	}
	var explode []string
	if f.Explode != "" {
		explode = r.path("explode", f.Explode)
		if !slices.ContainsFunc(o.Explode[f.Event], func(p []string) bool { return slices.Equal(p, explode) }) {
			r.fail("explode", fmt.Sprintf("tables.explode does not name %s of %s", f.Explode, f.Event), "name it there, or take the table out")
		}
	}
	var columns []transform.Column
	parts := r.parts("columns")
	for i, c := range f.Columns {
		column := parts[i].column(c)
		for _, other := range columns {
			if strings.EqualFold(other.Name, column.Name) {
				parts[i].fail("name", "two columns are called "+column.Name, "take one of them out")
			} else if column.Path != nil && other.Meta == column.Meta && slices.Equal(other.Path, column.Path) {
				parts[i].fail("path", fmt.Sprintf("columns %s and %s are of the same value", other.Name, column.Name), "take one of them out")
			}
		}
		columns = append(columns, column)
	}
	return transform.NewTable(f.Name, f.Event, explode, o.Partition, columns)
}

func (r frozenReader) column(f frozenColumn) transform.Column {
	c := transform.Column{
		Name: f.Name, Path: r.path("path", f.Path), Meta: f.Meta, Type: r.typeOf(f.Type, f.Fields),
		Encoding: transform.Encoding(f.Encoding), Marker: f.Marker, Declared: f.Declared, Closed: f.Closed, Masked: f.Masked,
	}
	switch {
	case f.Name == "":
		r.fail("name", "a column wants a name", "write name: NAME")
	case transform.NewTable("", "", []string{""}, transform.ByNone, nil).Column(f.Name) >= 0:
		r.fail("name", fmt.Sprintf("every table has a column %s already", f.Name), "take it out, or give it another name")
	}
	if !slices.Contains([]transform.Encoding{"", transform.Dictionary, transform.Plain, transform.Delta}, c.Encoding) {
		r.fail("encoding", "there is no encoding "+f.Encoding, "write dict, plain or delta, or leave it out")
	}
	if f.Since != "" {
		var err error
		if c.Since, err = source.ParsePosition(f.Since); err != nil {
			r.fail("since", err.Error(), "write the position of an event, or leave it out")
		}
	}
	return c
}

// typeOf reads a type: a scalar, or struct with fields, or lists of these.
func (r frozenReader) typeOf(text string, fields []frozenField) transform.Type {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "list<"); ok && strings.HasSuffix(inner, ">") {
		elem := r.typeOf(strings.TrimSuffix(inner, ">"), fields)
		return transform.Type{Kind: transform.List, Elem: &elem}
	}
	if text == string(transform.Struct) {
		return transform.Type{Kind: transform.Struct, Fields: r.fields(fields)}
	}
	if len(fields) > 0 {
		r.fail("fields", "only a struct has fields", "write type: struct, or a list of it, or take the fields out")
	}
	t, err := transform.ParseType(text)
	if err != nil {
		r.fail("type", err.Error(), "")
	}
	return t
}

func (r frozenReader) fields(list []frozenField) []transform.Field {
	if len(list) == 0 {
		r.fail("type", "a struct wants fields", "write fields: [{name: NAME, type: TYPE}]")
	}
	var fields []transform.Field
	parts := r.parts("fields")
	for i, f := range list {
		field := transform.Field{Name: f.Name, Member: f.Member, Type: parts[i].typeOf(f.Type, f.Fields)}
		if field.Member == "" {
			field.Member = f.Name
		}
		if f.Name == "" {
			parts[i].fail("name", "a field wants a name", "write name: NAME")
		}
		for _, other := range fields {
			if strings.EqualFold(other.Name, field.Name) || other.Member == field.Member {
				parts[i].fail("name", "two fields are called "+field.Name, "take one of them out")
			}
		}
		fields = append(fields, field)
	}
	return fields
}

// path reads a dotted path; a name with a dot in it, or other odd signs,
// stands in double quotes: "unit.price".amount.
func (r frozenReader) path(key, text string) []string {
	steps, ok := splitPath(text)
	if !ok {
		r.fail(key, fmt.Sprintf("%q is no path", text), `write the members that lead to the value, with dots between them: order.total, or "odd name".total`)
	}
	return steps
}
