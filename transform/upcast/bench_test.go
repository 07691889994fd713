package upcast

import (
	"testing"

	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// itemAdded is what the shop's store has of Cart.ItemAdded 1.
const itemAdded = `{"timestamp":{"_type_":"datetime_iso","_data_":"2025-01-01T10:48:24.951433+00:00"},"sku":"SKU-0292","qty":2,"price":977.2}`

// shopSteps take it to version 3, as the Python classes of the shop do.
const shopSteps = `
- event: Cart.ItemAdded
  from: 1
  do:
    - rename: {qty: quantity}
    - cast: {price: {decimal: [18, 2]}}
- event: Cart.ItemAdded
  from: 2
  do:
    - move: {sku: line.sku, quantity: line.quantity, price: line.price}
    - default: {currency: USD, tags: []}
`

// BenchmarkUpcaster parses an event and takes it through one rule.
func BenchmarkUpcaster(b *testing.B) {
	benchmarks := []struct{ name, rules string }{
		{"parse only", `[{event: E, from: 1, do: []}]`},
		{"rename", `[{event: E, from: 1, do: [{rename: {qty: quantity}}]}]`},
		{"drop", `[{event: E, from: 1, do: [{drop: [sku]}]}]`},
		{"default", `[{event: E, from: 1, do: [{default: {currency: USD, tags: []}}]}]`},
		{"cast", `[{event: E, from: 1, do: [{cast: {price: {decimal: [18, 2]}}}]}]`},
		{"move", `[{event: E, from: 1, do: [{move: {sku: line.sku, qty: line.quantity, price: line.price}}]}]`},
		{"retype", `[{event: E, from: 1, do: [{retype: F}]}]`},
		{"discard", `[{event: E, from: 1, do: [{discard: true}]}]`},
		{"split", `[{event: E, from: 1, do: [{split: [{type: F, do: [{drop: [sku]}]}, {do: []}]}]}]`},
		{"strict", `[{event: E, from: 1, strict: load, do: [{rename: {qty: quantity}}]}]`},
		{"two expressions", `[{event: E, at: 1, when: data.price > 0, do: [{set: {total: data.price * data.qty}}]}]`},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			u := compileYAML(b, bb.rules).rules[0].upcaster
			text := []byte(itemAdded)
			var data, meta transform.Document
			meta.Reset()
			e := new(transform.Envelope)
			results := 0
			emit := func(*transform.Envelope) error { results++; return nil }
			b.ReportAllocs()
			for b.Loop() {
				if err := data.Parse(text, true); err != nil {
					b.Fatal(err)
				}
				*e = transform.Envelope{Type: "E", SchemaVersion: 1, Data: &data, Meta: &meta}
				if err := u.Upcast(e, emit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChain takes events to rows, through a chain of three steps and
// without.
func BenchmarkChain(b *testing.B) {
	steps := shopSteps + "\n- {event: Cart.ItemAdded, from: 3, do: [{rename: {currency: money}}]}"
	for _, bb := range []struct{ name, rules string }{{"none", "[]"}, {"three steps", steps}} {
		b.Run(bb.name, func(b *testing.B) {
			p := pipeline(b, compileYAML(b, bb.rules), source.Payload{Markers: true})
			e := stored("Cart.ItemAdded", 1, itemAdded)
			x, err := p.Explain(p.NewCatalog(nil), &e)
			if err != nil {
				b.Fatal(err)
			}
			batcher := p.NewBatcher(x.Catalog, transform.Limits{}, func(*transform.Table, arrow.Record) error { return nil })
			b.ReportAllocs()
			for b.Loop() {
				if err := batcher.Append(&e); err != nil {
					b.Fatal(err)
				}
			}
			if got := batcher.Stats(); got.Rows < got.Events || got.Quarantined > 0 {
				b.Fatalf("got %+v", got)
			}
		})
	}
}
