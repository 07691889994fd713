package checksum

import (
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"
)

// add adds the hashes of the slots of a from the first on to dst, one each.
func (h *Hasher) add(dst []Hash, a arrow.Array, first int, salt Hash) error {
	if a.Len()-first < len(dst) {
		return fmt.Errorf("it has %d values and not %d", a.Len()-first, len(dst))
	}
	nulls := a.NullN() > 0
	switch a := a.(type) {
	case *array.Int64:
		for i, v := range a.Int64Values()[first : first+len(dst)] {
			if !nulls || a.IsValid(first+i) {
				dst[i].add(salt.number(uint64(v)))
			}
		}
	case *array.Timestamp:
		for i, v := range a.TimestampValues()[first : first+len(dst)] {
			if !nulls || a.IsValid(first+i) {
				dst[i].add(salt.number(uint64(v)))
			}
		}
	case *array.Float64:
		for i, v := range a.Float64Values()[first : first+len(dst)] {
			if !nulls || a.IsValid(first+i) {
				dst[i].add(salt.number(floatBits(v)))
			}
		}
	case *array.Boolean:
		for i := range dst {
			if !nulls || a.IsValid(first+i) {
				v := uint64(0)
				if a.Value(first + i) {
					v = 1
				}
				dst[i].add(salt.number(v))
			}
		}
	case *array.Decimal128:
		for i, v := range a.Values()[first : first+len(dst)] {
			if !nulls || a.IsValid(first+i) {
				dst[i].add(salt.number(v.LowBits()).number(uint64(v.HighBits())))
			}
		}
	case *array.String:
		for i := range dst {
			if !nulls || a.IsValid(first+i) {
				u := xxh3.HashString128Seed(a.Value(first+i), salt.lo)
				dst[i].add(Hash{u.Hi ^ salt.hi, u.Lo})
			}
		}
	case *array.List:
		return h.lists(dst, a, first, salt)
	case *array.Struct:
		return h.structs(dst, a, first, salt)
	default:
		return fmt.Errorf("type %s is not known", a.DataType())
	}
	return nil
}

// lists adds the hashes of lists, in which the order counts.
func (h *Hasher) lists(dst []Hash, a *array.List, first int, salt Hash) error {
	if len(dst) == 0 {
		return nil
	}
	from, _ := a.ValueOffsets(first)
	_, to := a.ValueOffsets(first + len(dst) - 1)
	values := h.borrow(int(to - from))
	defer h.giveBack()
	if err := h.add(values, a.ListValues(), int(from), salt.named("element")); err != nil {
		return err
	}
	for i := range dst {
		if a.IsNull(first + i) {
			continue
		}
		start, end := a.ValueOffsets(first + i)
		list := salt.number(uint64(end - start)) // an empty list is not none
		for _, v := range values[start-from : end-from] {
			list.add(v)
			list = list.closed()
		}
		dst[i].add(list)
	}
	return nil
}

// structs adds the hashes of objects, by the names of their fields.
func (h *Hasher) structs(dst []Hash, a *array.Struct, first int, salt Hash) error {
	objects := h.borrow(len(dst))
	defer h.giveBack()
	for k, f := range a.DataType().(*arrow.StructType).Fields() {
		if err := h.add(objects, a.Field(k), first, salt.named(f.Name)); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	for i := range dst {
		if a.IsValid(first + i) {
			objects[i].add(salt) // one without members is not none
			dst[i].add(objects[i].closed())
		}
	}
	return nil
}

// borrow gives n hashes that are zero, until giveBack.
func (h *Hasher) borrow(n int) []Hash {
	depth := len(h.spare)
	if depth < cap(h.spare) {
		h.spare = h.spare[:depth+1]
	} else {
		h.spare = append(h.spare, nil)
	}
	h.spare[depth] = zeros(h.spare[depth], n)
	return h.spare[depth]
}

func (h *Hasher) giveBack() { h.spare = h.spare[:len(h.spare)-1] }
