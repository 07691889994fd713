package transform

import "slices"

// scalar gives the type of the column that holds what was seen at m apart
// from objects, whose members have columns of their own. It gives false
// where there was nothing else.
//
// Kinds join along int64 -> decimal -> string and int64 -> float64; a double
// and a decimal join to the decimal where the digits that are written fit;
// uuid and timestamp join with text to text; all else is JSON text.
func (m *member) scalar() (Type, bool) {
	var (
		bools      = m.kinds[ValueTrue]+m.kinds[ValueFalse] > 0
		ints       = m.kinds[ValueInteger] > 0
		floats     = m.kinds[ValueFloat] > 0
		decimals   = m.kinds[ValueDecimal] > 0
		stringsToo = m.kinds[ValueString] > 0
		uuids      = m.kinds[ValueUUID] > 0
		times      = m.kinds[ValueTimestamp] > 0
		lists      = m.hasLists()
		numbers    = ints || floats || decimals
		texts      = stringsToo || uuids || times
	)
	asJSON := Type{Kind: JSON}
	switch {
	case !bools && !numbers && !texts && !lists:
		return Type{}, false
	case lists && (bools || numbers || texts), bools && (numbers || texts), floats && texts:
		return asJSON, true
	case lists && m.deep:
		return asJSON, true
	case lists:
		elem := m.elem.element()
		return Type{Kind: List, Elem: &elem}, true
	case bools:
		return Type{Kind: Bool}, true
	case !numbers && uuids && !stringsToo && !times:
		return Type{Kind: UUID}, true
	case !numbers && times && !stringsToo && !uuids && m.badTime == 0 && m.naive == 0:
		return Type{Kind: Timestamp}, true
	case !numbers && times && !stringsToo && !uuids && m.badTime == 0 && m.naive == m.kinds[ValueTimestamp]:
		return Type{Kind: DateTime}, true
	case texts:
		return Type{Kind: String}, true
	case ints && !floats && !decimals && m.big == 0:
		return Type{Kind: Int64}, true
	case floats && !decimals && m.inexact == 0:
		return Type{Kind: Float64}, true
	}
	if m.vast == 0 && m.digits+m.scale <= MaxPrecision {
		return m.decimal(), true
	}
	if floats {
		return asJSON, true
	}
	return Type{Kind: String}, true
}

// hasMembers tells whether an object at m had a member.
func (m *member) hasMembers() bool { return len(m.members) > 0 || m.crowded }

// hasLists tells whether a list at m had elements that tell what they are.
func (m *member) hasLists() bool { return m.deep || m.elem != nil && m.elem.hasContent() }

// hasContent tells whether anything at m needs a column; see hasContent in member.go.
func (m *member) hasContent() bool {
	if _, ok := m.scalar(); ok {
		return true
	}
	return m.empty > 0 || m.hasMembers()
}

// smallPrecision is the most digits of a decimal that is stored in 64 bits,
// and roomDigits is what it should have to spare before the point.
const (
	smallPrecision = 18
	roomDigits     = 3
)

// decimal gives the decimal type for the numbers seen: of 18 digits, which
// readers handle as fast as an integer, or of 38. The scale is the largest
// that was written.
func (m *member) decimal() Type {
	t := Type{Kind: Decimal, Precision: smallPrecision, Scale: int32(m.scale)}
	if m.digits+m.scale+roomDigits > smallPrecision {
		t.Precision = MaxPrecision
	}
	return t
}

// element gives the type for a list's elements or a struct's field: an
// object among them makes a struct, beside anything else JSON text. What was
// only ever null is taken for text.
func (m *member) element() Type {
	t, ok := m.scalar()
	objects := m.hasMembers()
	switch {
	case m.crowded, ok && (objects || m.empty > 0):
		return Type{Kind: JSON}
	case objects:
		return m.structType()
	case ok:
		return t
	case m.empty > 0:
		return Type{Kind: JSON}
	}
	return Type{Kind: String}
}

// structType gives the struct of m's members.
func (m *member) structType() Type {
	t, _ := Type{Kind: Struct}.grow(m)
	return t
}

// grow gives the type with fields behind its own for the members of structs,
// here or within, that it has no field for, and tells whether there were any.
// It is the other half of column.unknown. The type itself is not changed.
func (t Type) grow(m *member) (Type, bool) {
	switch {
	case t.Kind == List && m.elem != nil:
		elem, grown := t.Elem.grow(m.elem)
		if grown {
			t.Elem = &elem
		}
		return t, grown
	case t.Kind != Struct || t.full():
		return t, false
	}
	fields, grown := slices.Clone(t.Fields), false
	var taken names
	at := make(map[string]int, len(fields))
	for i, f := range fields {
		taken.reserve(f.Name)
		at[f.Member] = i
	}
	for _, c := range m.members {
		if i, ok := at[c.name]; ok {
			var within bool
			fields[i].Type, within = fields[i].Type.grow(c)
			grown = grown || within
		} else if len(fields) < maxMembers {
			fields = append(fields, Field{Name: taken.pick(columnName(c.name)), Member: c.name, Type: c.element()})
			grown = true
		}
	}
	t.Fields = fields
	return t, grown
}

// full tells whether a struct has so many fields that neither it nor what is
// in it gets any more.
func (t Type) full() bool { return len(t.Fields) >= maxMembers }

// encoding gives the encoding that suits the values seen.
func (m *member) encoding(t Type) Encoding {
	switch t.Kind {
	case List, Struct, Bool:
		return ""
	case Int64, Timestamp, DateTime:
		if !m.distinct.repeats() {
			return Delta
		}
	}
	if m.distinct.repeats() {
		return Dictionary
	}
	return Plain
}
