package transform

// scalar gives the type of the column that holds what was seen at m apart
// from objects with members, whose members have columns of their own. It
// gives false where nothing was seen that needs a column: nulls only, or
// objects only.
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
		lists      = m.kinds[ValueArray] > 0
		numbers    = ints || floats || decimals
		texts      = stringsToo || uuids || times
	)
	asJSON := Type{Kind: JSON}
	switch {
	case !bools && !numbers && !texts && !lists:
		return asJSON, m.empty > 0 && !m.hasMembers()
	case lists && (bools || numbers || texts), bools && (numbers || texts), floats && texts:
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

// hasMembers tells whether an object at m had a member that was more than null.
func (m *member) hasMembers() bool {
	for _, c := range m.members {
		if !c.first.IsZero() {
			return true
		}
	}
	return m.crowded
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
// only ever null or missing is taken for text.
func (m *member) element() Type {
	t, ok := m.scalar()
	objects := m.hasMembers()
	switch {
	case objects && (ok || m.crowded):
		return Type{Kind: JSON}
	case objects:
		return m.structType()
	case ok:
		return t
	}
	return Type{Kind: String}
}

// structType gives the struct of m's members. Members that were never more
// than null have no field.
func (m *member) structType() Type {
	t := Type{Kind: Struct}
	var names names
	for _, c := range m.members {
		if c.first.IsZero() {
			continue
		}
		t.Fields = append(t.Fields, Field{Name: names.pick(columnName(c.name)), Member: c.name, Type: c.element()})
	}
	if len(t.Fields) == 0 {
		return Type{Kind: JSON}
	}
	return t
}

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
