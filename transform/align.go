package transform

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// AlignColumn gives the values of a column as they look after the column's
// type has become to: structs, here or within lists and structs, get the
// fields that were added behind their own, all null. Values are shared with
// old, not copied; only the nulls come from mem. The caller releases the
// result. Any other difference of types is an error.
func AlignColumn(old arrow.Array, to Type, mem memory.Allocator) (arrow.Array, error) {
	data, err := align(old.Data(), to, mem)
	if err != nil {
		return nil, fmt.Errorf("align column: %w", err)
	}
	defer data.Release()
	return array.MakeFromData(data), nil
}

// align works below the arrays, where offset, length and bitmap of the
// parent stay as they are while a child is exchanged.
func align(old arrow.ArrayData, to Type, mem memory.Allocator) (arrow.ArrayData, error) {
	var children []arrow.ArrayData
	defer func() {
		for _, c := range children {
			c.Release()
		}
	}()
	child := func(i int, t Type) error {
		c, err := align(old.Children()[i], t, mem)
		if err == nil {
			children = append(children, c)
		}
		return err
	}
	switch from := old.DataType().(type) {
	case *arrow.ListType:
		if to.Kind != List {
			return nil, typeError(from, to)
		}
		if err := child(0, *to.Elem); err != nil {
			return nil, err
		}
	case *arrow.StructType:
		if to.Kind != Struct || from.NumFields() > len(to.Fields) {
			return nil, typeError(from, to)
		}
		for i, f := range to.Fields {
			if i >= from.NumFields() {
				children = append(children, nulls(f.Type, old.Offset()+old.Len(), mem))
				continue
			}
			if from.Field(i).Name != f.Name {
				return nil, typeError(from, to)
			}
			if err := child(i, f.Type); err != nil {
				return nil, fmt.Errorf("field %s: %w", f.Name, err)
			}
		}
	default:
		if !arrow.TypeEqual(from, to.Arrow()) {
			return nil, typeError(from, to)
		}
		old.Retain()
		return old, nil
	}
	return array.NewData(to.Arrow(), old.Len(), old.Buffers(), children, old.NullN(), old.Offset()), nil
}

// nulls gives n nulls of a type.
func nulls(t Type, n int, mem memory.Allocator) arrow.ArrayData {
	b := array.NewBuilder(mem, t.Arrow())
	defer b.Release()
	b.AppendNulls(n)
	a := b.NewArray()
	defer a.Release()
	a.Data().Retain()
	return a.Data()
}

func typeError(from arrow.DataType, to Type) error {
	return fmt.Errorf("the type was %s and is %s now; only fields may be added to a struct", from, to.Arrow())
}
