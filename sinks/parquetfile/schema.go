package parquetfile

import (
	"fmt"
	"slices"
	"strings"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
)

// node is a column, or a part of a nested one.
type node struct {
	kind transform.Kind
	// def is the definition level at which the node is there, rep the
	// repetition level of its elements but the first, if it is a list.
	def, rep int
	within   int   // the repetition level of the lists it stands in
	leaf     *leaf // of a scalar
	children []*node

	slots slots // borrowed while a record is written
}

// layout is how a table's columns become Parquet's.
type layout struct {
	root    *schema.GroupNode
	columns []*node
	leaves  []*leaf
	// encodings are those of the leaves without a dictionary, by path.
	encodings map[string]parquet.Encoding

	trail []*node // the ancestors of the node that add is at
}

// newLayout lays out the table's columns. The root is REQUIRED, as BigQuery
// wants it; lists have the three levels of
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists.
func newLayout(f *Format, t *transform.Table) (*layout, error) {
	l := &layout{encodings: make(map[string]parquet.Encoding)}
	fields := make(schema.FieldList, 0, len(t.Columns))
	for _, c := range t.Columns {
		n, field, err := l.add(f, c.Name, c.Name, c.Type, c.Encoding, c.Required, 0, 0)
		if err != nil {
			return nil, fmt.Errorf("lay out table %s: column %s: %w", t.Name, c.Name, err)
		}
		l.columns = append(l.columns, n)
		fields = append(fields, field)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return nil, fmt.Errorf("lay out table %s: %w", t.Name, err)
	}
	l.root = root
	return l, nil
}

func (l *layout) add(f *Format, name, path string, t transform.Type, e transform.Encoding, required bool, def, rep int) (*node, schema.Node, error) {
	repetition := parquet.Repetitions.Required
	if !required {
		repetition = parquet.Repetitions.Optional
		def++
	}
	n := &node{kind: t.Kind, def: def, within: rep}
	l.trail = append(l.trail, n)
	defer func() { l.trail = l.trail[:len(l.trail)-1] }()
	switch t.Kind {
	case transform.List:
		if t.Elem == nil {
			return nil, nil, fmt.Errorf("list without a type of elements")
		}
		n.rep = rep + 1
		child, elem, err := l.add(f, "element", path+".list.element", *t.Elem, e, false, def+1, n.rep)
		if err != nil {
			return nil, nil, err
		}
		list, err := schema.NewGroupNode("list", parquet.Repetitions.Repeated, schema.FieldList{elem}, -1)
		if err != nil {
			return nil, nil, err
		}
		n.children = []*node{child}
		group, err := schema.NewGroupNodeLogical(name, repetition, schema.FieldList{list}, schema.NewListLogicalType(), -1)
		return n, group, err
	case transform.Struct:
		if len(t.Fields) == 0 {
			return nil, nil, fmt.Errorf("struct without fields")
		}
		var fields schema.FieldList
		for _, field := range t.Fields {
			child, s, err := l.add(f, field.Name, path+"."+field.Name, field.Type, "", false, def, rep)
			if err != nil {
				return nil, nil, err
			}
			n.children, fields = append(n.children, child), append(fields, s)
		}
		group, err := schema.NewGroupNode(name, repetition, fields, -1)
		return n, group, err
	}
	if strings.Contains(name, "\x00") {
		return nil, nil, fmt.Errorf("name %q holds a zero byte", name)
	}
	n.leaf = newLeaf(f, path, newValues(&f.limits, t, e), def, rep)
	n.leaf.trail = slices.Clone(l.trail[:len(l.trail)-1])
	l.leaves = append(l.leaves, n.leaf)
	l.encodings[path] = encodingOf(n.leaf.vals)
	s, err := primitive(name, repetition, t)
	return n, s, err
}

// primitive is the Parquet type of a scalar. JSON and UUIDs are plain
// strings: readers differ in what they make of Parquet's own types for them.
func primitive(name string, r parquet.Repetition, t transform.Type) (schema.Node, error) {
	var logical schema.LogicalType = schema.NoLogicalType{}
	physical, size := parquet.Types.ByteArray, -1
	switch t.Kind {
	case transform.Bool:
		physical = parquet.Types.Boolean
	case transform.Int64:
		physical = parquet.Types.Int64
	case transform.Float64:
		physical = parquet.Types.Double
	case transform.Timestamp, transform.DateTime:
		physical = parquet.Types.Int64
		logical = schema.NewTimestampLogicalType(t.Kind == transform.Timestamp, schema.TimeUnitMicros)
	case transform.Decimal:
		if t.Precision < 1 || t.Precision > transform.MaxPrecision || t.Scale < 0 || t.Scale > t.Precision {
			return nil, fmt.Errorf("type %s: want at most %d digits", t, transform.MaxPrecision)
		}
		logical = schema.NewDecimalLogicalType(t.Precision, t.Scale)
		physical = parquet.Types.Int64
		if t.Precision > maxInt64Digits {
			physical, size = parquet.Types.FixedLenByteArray, decimalWidth(t.Precision)
		}
	case transform.String, transform.UUID, transform.JSON:
		logical = schema.StringLogicalType{}
	default:
		return nil, fmt.Errorf("type %s is not known", t)
	}
	return schema.NewPrimitiveNodeLogical(name, r, logical, physical, size, -1)
}
