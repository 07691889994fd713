package transform

import (
	"errors"
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
