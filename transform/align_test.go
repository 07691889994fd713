package transform

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

func TestAlignColumn(t *testing.T) {
	field := func(name string, typ Type) Field { return Field{Name: name, Member: name, Type: typ} }
	num, text := Type{Kind: Int64}, Type{Kind: String}
	list := func(elem Type) Type { return Type{Kind: List, Elem: &elem} }
	object := func(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }
	inner := object(field("x", num))
	from := list(object(field("sku", text), field("at", inner)))
	to := list(object(field("sku", text), field("at", object(field("x", num), field("y", list(text)))), field("price", Type{Kind: Decimal, Precision: 9, Scale: 2})))

	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	// The values come from memory that is checked, as a reader's would.
	old, _, err := array.FromJSON(mem, from.Arrow(), strings.NewReader(
		`[[{"sku":"Z","at":null}],[{"sku":"A","at":{"x":1}},null,{"sku":null,"at":{"x":null}}],null,[],[{"sku":"B","at":{"x":2}}]]`))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Release()
	for _, part := range []struct{ from, to int64 }{{0, 5}, {1, 5}, {1, 2}, {4, 5}, {5, 5}} {
		slice := array.NewSlice(old, part.from, part.to)
		got, err := AlignColumn(slice, to, mem)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(got.DataType().String(), to.Arrow().String()) || got.Len() != slice.Len() || got.NullN() != slice.NullN() {
			t.Errorf("%v: got %v, %d rows, %d nulls", part, got.DataType(), got.Len(), got.NullN())
		}
		for i := range got.Len() {
			if diff := cmp.Diff(cell(slice, i), cell(got, i)); diff != "" {
				t.Errorf("%v: row %d (-old +aligned):\n%s", part, i, diff)
			}
		}
		got.Release()
		slice.Release()
	}
	// A struct at the top has its own offset where it is a part of another.
	structs := array.NewSlice(old.(*array.List).ListValues(), 2, 4)
	got, err := AlignColumn(structs, *to.Elem, mem)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Len() {
		if diff := cmp.Diff(cell(structs, i), cell(got, i)); diff != "" {
			t.Errorf("struct %d (-old +aligned):\n%s", i, diff)
		}
		if price := got.(*array.Struct).Field(2); price.Len() != 2 || price.IsValid(i) {
			t.Errorf("struct %d has a price: %v", i, price)
		}
	}
	got.Release()
	structs.Release()
	same, err := AlignColumn(old, from, mem)
	if err != nil {
		t.Fatal(err)
	}
	if !array.Equal(old, same) {
		t.Error("a column whose type is the same was changed")
	}
	same.Release()

	for _, wrong := range []Type{
		text, list(text), list(object(field("sku", text))), list(object(field("at", inner), field("sku", text))), list(object(field("sku", num), field("at", inner))), from.Elem.Fields[1].Type,
	} {
		if a, err := AlignColumn(old, wrong, mem); err == nil {
			a.Release()
			t.Errorf("aligned to %s", wrong)
		}
	}
}
