package checksum_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"backstory/sinks/checksum"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/google/go-cmp/cmp"
)

// line is a value that records are made of; nil is null everywhere.
type line struct {
	position int64
	text     any
	number   any // float64
	price    any // int64, in hundredths
	at       any // int64, microseconds
	yes      any // bool
	tags     []any
	lines    []object
}

type object struct{ sku, gift any }

func table(wide bool) *transform.Table {
	str := transform.Type{Kind: transform.String}
	fields := []transform.Field{{Name: "sku", Member: "sku", Type: str}}
	if wide {
		fields = append(fields, transform.Field{Name: "gift", Member: "gift", Type: str})
	}
	object := transform.Type{Kind: transform.Struct, Fields: fields}
	columns := []transform.Column{
		{Name: transform.ColPosition, Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: "text", Path: []string{"text"}, Type: str},
		{Name: "number", Path: []string{"number"}, Type: transform.Type{Kind: transform.Float64}},
		{Name: "price", Path: []string{"price"}, Type: transform.Type{Kind: transform.Decimal, Precision: 20, Scale: 2}},
		{Name: "at", Path: []string{"at"}, Type: transform.Type{Kind: transform.Timestamp}},
		{Name: "yes", Path: []string{"yes"}, Type: transform.Type{Kind: transform.Bool}},
		{Name: "tags", Path: []string{"tags"}, Type: transform.Type{Kind: transform.List, Elem: &str}},
		{Name: "lines", Path: []string{"lines"}, Type: transform.Type{Kind: transform.List, Elem: &object}},
	}
	if wide {
		columns = append(columns, transform.Column{Name: "later", Path: []string{"later"}, Type: str})
	}
	columns = append(columns, transform.Column{Name: transform.ColExtra, Type: transform.Type{Kind: transform.JSON}})
	return &transform.Table{Name: "t", Event: "T", Version: 1, Columns: columns}
}

func record(t *testing.T, wide bool, lines ...line) arrow.Record {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, table(wide).Schema())
	defer b.Release()
	for _, l := range lines {
		b.Field(0).(*array.Int64Builder).Append(l.position)
		put(b.Field(1), l.text)
		put(b.Field(2), l.number)
		put(b.Field(3), l.price)
		put(b.Field(4), l.at)
		put(b.Field(5), l.yes)
		tags := b.Field(6).(*array.ListBuilder)
		tags.Append(l.tags != nil)
		for _, tag := range l.tags {
			put(tags.ValueBuilder(), tag)
		}
		objects := b.Field(7).(*array.ListBuilder)
		objects.Append(l.lines != nil)
		for _, o := range l.lines {
			s := objects.ValueBuilder().(*array.StructBuilder)
			s.Append(true)
			put(s.FieldBuilder(0), o.sku)
			if wide {
				put(s.FieldBuilder(1), o.gift)
			}
		}
		for i := 8; i < len(b.Fields()); i++ {
			b.Field(i).AppendNull()
		}
	}
	r := b.NewRecord()
	t.Cleanup(r.Release)
	return r
}

func put(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.StringBuilder:
		if s, ok := v.(string); ok {
			b.Append(s)
			return
		}
	case *array.Float64Builder:
		if f, ok := v.(float64); ok {
			b.Append(f)
			return
		}
	case *array.Decimal128Builder:
		if n, ok := v.(int64); ok {
			b.Append(decimal128.FromI64(n))
			return
		}
	case *array.TimestampBuilder:
		if n, ok := v.(int64); ok {
			b.Append(arrow.Timestamp(n))
			return
		}
	case *array.BooleanBuilder:
		if y, ok := v.(bool); ok {
			b.Append(y)
			return
		}
	}
	b.AppendNull()
}

func sum(t *testing.T, h *checksum.Hasher, records ...arrow.Record) checksum.Sum {
	t.Helper()
	var s checksum.Sum
	for _, r := range records {
		if err := h.Into(&s, r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestSum tells apart all that differs, and nothing that does not.
func TestSum(t *testing.T) {
	base := line{position: 7, text: "a", number: 1.5, price: int64(250), at: int64(99), yes: true, tags: []any{"x", nil, "y"}, lines: []object{{sku: "s"}, {}}}
	other := line{position: 8, text: "b", tags: []any{}, lines: []object{}}
	change := func(f func(*line)) line {
		l := base
		l.tags, l.lines = slices.Clone(base.tags), slices.Clone(base.lines)
		f(&l)
		return l
	}
	h := checksum.NewHasher(checksum.NewKey())
	seen := make(map[checksum.Sum]string)
	for name, lines := range map[string][]line{
		"none":              nil,
		"one":               {base},
		"another":           {other},
		"both":              {base, other},
		"twice":             {base, base},
		"thrice":            {base, base, base},
		"position":          {change(func(l *line) { l.position = 9 })},
		"text":              {change(func(l *line) { l.text = "" })},
		"no text":           {change(func(l *line) { l.text = nil })},
		"number":            {change(func(l *line) { l.number = 1.25 })},
		"number is none":    {change(func(l *line) { l.number = math.NaN() })},
		"zero":              {change(func(l *line) { l.number = 0.0 })},
		"no number":         {change(func(l *line) { l.number = nil })},
		"price":             {change(func(l *line) { l.price = int64(-250) })},
		"time":              {change(func(l *line) { l.at = int64(100) })},
		"no":                {change(func(l *line) { l.yes = false })},
		"neither":           {change(func(l *line) { l.yes = nil })},
		"order of a list":   {change(func(l *line) { l.tags = []any{"y", nil, "x"} })},
		"shorter list":      {change(func(l *line) { l.tags = []any{"x", nil} })},
		"empty list":        {change(func(l *line) { l.tags = []any{} })},
		"no list":           {change(func(l *line) { l.tags = nil })},
		"list of null":      {change(func(l *line) { l.tags = []any{nil} })},
		"elements as one":   {change(func(l *line) { l.tags = []any{"xy"} })},
		"object":            {change(func(l *line) { l.lines[1].sku = "s" })},
		"objects change":    {change(func(l *line) { l.lines[0], l.lines[1] = l.lines[1], l.lines[0] })},
		"texts of two rows": {change(func(l *line) { l.text = "b" }), func() line { o := other; o.text = "a"; return o }()},
	} {
		s := sum(t, h, record(t, false, lines...))
		if was, ok := seen[s]; ok {
			t.Errorf("%s and %s have the same sum", name, was)
		}
		seen[s] = name
	}

	r := record(t, false, base, other, base)
	if a, b := sum(t, h, r), sum(t, h, record(t, false, other), record(t, false, base, base)); a != b {
		t.Error("the sum depends on the order of rows, or of records")
	}
	if a, b := sum(t, h, r.NewSlice(1, 3)), sum(t, h, record(t, false, other, base)); a != b {
		t.Error("a part of a record has another sum than the same rows")
	}
	if a, b := sum(t, h, r), sum(t, h, record(t, true, base, other, base)); a != b {
		t.Error("columns and fields that are null make a difference")
	}
	if a, b := sum(t, h, r), sum(t, checksum.NewHasher(checksum.NewKey()), r); a == b {
		t.Error("sums of two keys are the same")
	}
	var merged checksum.Sum
	merged.Merge(sum(t, h, record(t, false, base)))
	merged.Merge(sum(t, h, record(t, false, other, base)))
	if merged != sum(t, h, r) {
		t.Error("merged sums are another")
	}
}

// TestCompare finds out how rows differ.
func TestCompare(t *testing.T) {
	h := checksum.NewHasher(checksum.NewKey())
	rows := func(positions ...int64) (prints []checksum.Print) {
		for _, p := range positions {
			var err error
			// Above 100 it is the row of position p-100, altered.
			l := line{position: p % 100, text: fmt.Sprint(p)}
			if prints, err = h.Prints(prints, record(t, false, l)); err != nil {
				t.Fatal(err)
			}
		}
		return prints
	}
	for name, c := range map[string]struct {
		want, got []int64
		diff      checksum.Difference
	}{
		"none":    {},
		"same":    {want: []int64{1, 2, 3}, got: []int64{3, 1, 2}},
		"missing": {want: []int64{1, 2, 3}, got: []int64{3, 1}, diff: checksum.Difference{Missing: 1, Positions: []int64{2}}},
		"extra":   {want: []int64{1}, got: []int64{9, 1}, diff: checksum.Difference{Extra: 1, Positions: []int64{9}}},
		"doubled": {want: []int64{1, 2}, got: []int64{2, 1, 2, 2}, diff: checksum.Difference{Doubled: 2, Positions: []int64{2}}},
		"altered": {want: []int64{1, 2}, got: []int64{102, 1}, diff: checksum.Difference{Altered: 1, Positions: []int64{2}}},
		"all of it": {want: []int64{1, 2, 3, 4}, got: []int64{1, 1, 103, 4, 9}, diff: checksum.Difference{
			Missing: 1, Extra: 1, Doubled: 1, Altered: 1, Positions: []int64{1, 2, 3},
		}},
	} {
		if diff := cmp.Diff(c.diff, checksum.Compare(rows(c.want...), rows(c.got...), 3)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestLate tells rows that lack what had no column from those that are wrong.
func TestLate(t *testing.T) {
	row := func(l line) checksum.Row {
		return checksum.At(nil, record(t, true, l), []int64{l.position})[0]
	}
	now := line{position: 7, text: "a", tags: []any{"x"}, lines: []object{{sku: "s", gift: "g"}, {sku: "u"}}}
	for name, c := range map[string]struct {
		change func(*line)
		want   []checksum.Place
		ok     bool
	}{
		"same":          {func(*line) {}, nil, true},
		"column":        {func(l *line) { l.tags = nil }, []checksum.Place{{"tags"}}, true},
		"field":         {func(l *line) { l.lines = []object{{sku: "s"}, {sku: "u"}} }, []checksum.Place{{"lines", "gift"}}, true},
		"other value":   {func(l *line) { l.text = "b" }, nil, false},
		"other element": {func(l *line) { l.lines = []object{{sku: "s"}, {sku: "z"}} }, nil, false},
		"fewer":         {func(l *line) { l.lines = l.lines[:1] }, nil, false},
		"more":          {func(l *line) { l.yes = true }, nil, false},
	} {
		got := now
		c.change(&got)
		places, ok := checksum.Late(row(now), row(got))
		if diff := cmp.Diff(c.want, places); diff != "" || ok != c.ok {
			t.Errorf("%s: got %v (-want +got):\n%s", name, ok, diff)
		}
	}
	reduced, ok := checksum.Without(table(true), []checksum.Place{{"lines", "gift"}, {"later"}})
	if !ok {
		t.Fatal("the table cannot be reduced")
	}
	if !reduced.Schema().Equal(table(false).Schema()) {
		t.Errorf("got %s, want %s", reduced.Schema(), table(false).Schema())
	}
	if _, ok := checksum.Without(table(true), []checksum.Place{{transform.ColPosition}}); ok {
		t.Error("a table lost its positions")
	}
}

// BenchmarkHasher hashes records of ten columns; the promise is that it is
// faster by far than making them.
func BenchmarkHasher(b *testing.B) {
	t := table(false)
	rb := array.NewRecordBuilder(memory.DefaultAllocator, t.Schema())
	for i := range 8192 {
		rb.Field(0).(*array.Int64Builder).Append(int64(i))
		put(rb.Field(1), fmt.Sprintf("customer-%d", i))
		put(rb.Field(2), float64(i))
		put(rb.Field(3), int64(i))
		put(rb.Field(4), int64(i))
		put(rb.Field(5), i%2 == 0)
		list := rb.Field(6).(*array.ListBuilder)
		list.Append(true)
		put(list.ValueBuilder(), "tag")
		rb.Field(7).AppendNull()
		rb.Field(8).AppendNull()
	}
	r := rb.NewRecord()
	h := checksum.NewHasher(checksum.NewKey())
	var s checksum.Sum
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Into(&s, r); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*8192/b.Elapsed().Seconds()/1e6, "Mrows/s")
}
