package transform

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
)

func TestLimits(t *testing.T) {
	var small, large []source.Event
	for i := range 40 {
		e := event(int64(i+1), `{"a":1}`)
		small = append(small, e)
		e.Type, e.Data = "Large", []byte(`{"a":"`+strings.Repeat("x", 500)+`"}`)
		large = append(large, e)
	}
	p := compile(t, Rules{})
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, []source.Event{small[0], large[0]}).catalog

	var rows []int64
	b := p.NewBatcher(catalog, Limits{Rows: 16}, func(_ *Table, r arrow.Record) error { rows = append(rows, r.NumRows()); return nil })
	for i := range small {
		if err := b.Append(&small[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{16, 16, 8}, rows); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}

	var first string
	b = p.NewBatcher(catalog, Limits{Bytes: 10000}, func(t *Table, _ arrow.Record) error {
		if first == "" {
			first = t.Name
		}
		return nil
	})
	for i := range small {
		if err := errors.Join(b.Append(&small[i]), b.Append(&large[i])); err != nil {
			t.Fatal(err)
		}
		if b.held > 10000 {
			t.Fatalf("%d bytes are held", b.held)
		}
	}
	if first != "large" {
		t.Errorf("the first table to be written was %q, want the largest", first)
	}
}

func TestWriteErrors(t *testing.T) {
	full := errors.New("disk full")
	p := compile(t, Rules{}, WithUpcaster("E", 1, UpcasterFunc(func(e *Envelope, emit Emit) error { return emit(e) })))
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, events(`{}`)).catalog
	b := p.NewBatcher(catalog, Limits{Rows: 1}, func(*Table, arrow.Record) error { return full })
	e := event(1, `{}`)
	err := b.Append(&e)
	var ee *source.EventError
	if !errors.Is(err, full) || errors.As(err, &ee) || err.Error() != "write e: disk full" {
		t.Errorf("got %v", err)
	}
}

// In the long run an event costs no allocation, whatever its types.
func TestFlattenAllocates(t *testing.T) {
	r := markerRules()
	r.Options.Explode = map[string][][]string{"E": {{"rows"}}}
	p := compile(t, r, WithUpcaster("E", 1, UpcasterFunc(func(e *Envelope, emit Emit) error { return emit(e) })))
	evs := events(`{"a":1,"b":[{"c":1.5,"d":"x"}],"e":{"_type_":"decimal_str","_data_":"1.50"},"rows":[1,2],"f":"\u00e9","g":"x"}`, `{"g":7}`, `{"g":[1]}`)
	catalog := flatten(t, p, p.NewCatalog(nil), Limits{}, evs).catalog
	b := p.NewBatcher(catalog, Limits{Rows: 64}, func(*Table, arrow.Record) error { return nil })
	add := func() {
		for i := range evs {
			if err := b.Append(&evs[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 100 {
		add()
	}
	b.limits.Rows = 1 << 20
	for _, r := range b.tables {
		if err := b.flush(r); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(10, add); n != 0 {
		t.Errorf("%v allocations for %d events", n, len(evs))
	}
}

// A list that never had an element is a list of nobody knows what: it gets
// no column, and waits in _extra.
func TestEmptyList(t *testing.T) {
	r := flattenAll(t, Rules{}, events(`{"a":1,"items":[],"in":{"tags":[null]}}`, `{"a":2}`))
	if i := r.table("e").Column("items"); i >= 0 {
		t.Errorf("items has the column %v", r.table("e").Columns[i])
	}
	if got, want := r.rows["e"][0][ColExtra], `{"items":[],"in":{"tags":[null]}}`; got != want {
		t.Errorf("_extra holds %v, want %s", got, want)
	}
	if r.stats.Extra != 2 || r.rounds != 1 {
		t.Errorf("%d values in _extra after %d rounds, want 2 after 1", r.stats.Extra, r.rounds)
	}
	r = flattenAll(t, Rules{}, events(`{"items":[]}`, `{"items":[{"sku":"A"}]}`, `{"items":[]}`))
	if got := r.table("e").Columns[r.table("e").Column("items")].Type.String(); got != "list<struct<sku: string>>" {
		t.Errorf("items is %s once it had an element", got)
	}
	if r.stats.Extra != 0 {
		t.Errorf("%d values in _extra, want none: the column was known when the window was begun again", r.stats.Extra)
	}
}

func TestDeclaredTypesReadText(t *testing.T) {
	types := map[string]map[string]Type{"E": {
		"price": {Kind: Decimal, Precision: 10, Scale: 2}, "n": {Kind: Int64}, "x": {Kind: Float64}, "b": {Kind: Bool}, "s": {Kind: String},
	}}
	r := flattenAll(t, Rules{Options: Options{Types: types}}, events(
		`{"price":"1.50","n":"7","x":"2.5","b":"true","s":"12"}`, `{"price":"dear","n":"007","x":"null","b":"yes","s":"x"}`))
	row := r.rows["e"][0]
	if price, _ := row["price"].(*big.Rat); price == nil || price.Cmp(big.NewRat(3, 2)) != 0 || row["n"] != int64(7) || row["x"] != 2.5 || row["b"] != true || row["s"] != "12" {
		t.Errorf("read %v", row)
	}
	if got, want := r.rows["e"][1][ColExtra], `{"price":"dear","n":"007","x":"null","b":"yes"}`; got != want {
		t.Errorf("_extra holds %v, want %s", got, want)
	}
}
