package transform

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Kind is what a column's values are.
type Kind string

// The kinds, each with its Arrow type. A column is never of a null type.
const (
	Bool      Kind = "bool"      // boolean
	Int64     Kind = "int64"     // 64-bit signed integer
	Float64   Kind = "float64"   // IEEE double; holds NaN and infinities
	Decimal   Kind = "decimal"   // decimal128(precision, scale)
	String    Kind = "string"    // UTF-8 text
	UUID      Kind = "uuid"      // text of 36 characters, with dashes, lower case
	Timestamp Kind = "timestamp" // an instant: microseconds since 1970, UTC
	DateTime  Kind = "datetime"  // a wall-clock time without zone, microseconds
	JSON      Kind = "json"      // JSON text, for what has no single type
	List      Kind = "list"      // list of Elem
	Struct    Kind = "struct"    // object with Fields
)

// Type is the type of a column, a list's elements or a struct's field.
type Type struct {
	Kind      Kind    `json:"kind"`
	Precision int32   `json:"precision,omitempty"`
	Scale     int32   `json:"scale,omitempty"`
	Elem      *Type   `json:"elem,omitempty"`
	Fields    []Field `json:"fields,omitempty"`
}

// Field is one member of a struct.
type Field struct {
	// Name is the field's name in the table, Member its name in the payload.
	Name   string `json:"name"`
	Member string `json:"member"`
	Type   Type   `json:"type"`
}

// MaxPrecision is the most digits a decimal column holds.
const MaxPrecision = 38

// String gives the type as config spells it: int64, decimal(18,2),
// list<string>, struct<sku: string, price: decimal(18,2)>.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List:
		return "list<" + t.Elem.String() + ">"
	case Struct:
		var b strings.Builder
		b.WriteString("struct<")
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.Name + ": " + f.Type.String())
		}
		b.WriteString(">")
		return b.String()
	}
	return string(t.Kind)
}

// Equal tells whether the two types are the same.
func (t Type) Equal(u Type) bool { return t.String() == u.String() }

// GrownFrom tells whether t is old, or old with fields added at the end of
// structs: what Evolve makes of the type of a column.
func (t Type) GrownFrom(old Type) bool {
	switch {
	case t.Kind != old.Kind:
		return false
	case t.Kind == List:
		return t.Elem.GrownFrom(*old.Elem)
	case t.Kind != Struct:
		return t.Equal(old)
	case len(t.Fields) < len(old.Fields):
		return false
	}
	for i, f := range old.Fields {
		if t.Fields[i].Name != f.Name || t.Fields[i].Member != f.Member || !t.Fields[i].Type.GrownFrom(f.Type) {
			return false
		}
	}
	return true
}

// Arrow gives the type of the column in a record.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Float64:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: t.Precision, Scale: t.Scale}
	case Timestamp:
		return arrow.FixedWidthTypes.Timestamp_us
	case DateTime:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case List:
		return arrow.ListOfField(arrow.Field{Name: "element", Type: t.Elem.Arrow(), Nullable: true})
	case Struct:
		fields := make([]arrow.Field, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = arrow.Field{Name: f.Name, Type: f.Type.Arrow(), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return arrow.BinaryTypes.String
}

// ParseType reads a scalar type or a list of one, as config declares them.
// Structs are discovered, not declared.
func ParseType(s string) (Type, error) {
	s = strings.TrimSpace(s)
	if inner, ok := strings.CutPrefix(s, "list<"); ok && strings.HasSuffix(inner, ">") {
		elem, err := ParseType(strings.TrimSuffix(inner, ">"))
		if err != nil {
			return Type{}, err
		}
		return Type{Kind: List, Elem: &elem}, nil
	}
	if inner, ok := strings.CutPrefix(s, "decimal("); ok && strings.HasSuffix(inner, ")") {
		p, sc, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
		precision, err1 := strconv.Atoi(strings.TrimSpace(p))
		scale, err2 := strconv.Atoi(strings.TrimSpace(sc))
		if err1 != nil || err2 != nil || precision < 1 || precision > MaxPrecision || scale < 0 || scale > precision {
			return Type{}, fmt.Errorf("parse type %q: want decimal(PRECISION,SCALE) with at most %d digits", s, MaxPrecision)
		}
		return Type{Kind: Decimal, Precision: int32(precision), Scale: int32(scale)}, nil
	}
	switch k := Kind(s); k {
	case Bool, Int64, Float64, String, UUID, Timestamp, DateTime, JSON:
		return Type{Kind: k}, nil
	}
	return Type{}, fmt.Errorf("parse type %q: want bool, int64, float64, decimal(P,S), string, uuid, timestamp, datetime, json or list<...>", s)
}
