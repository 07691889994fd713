package transform_test

import (
	"errors"
	"fmt"

	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
)

// renameQty takes carts' items from {"qty"} to {"quantity"}.
func renameQty(e *transform.Envelope, emit transform.Emit) error {
	e.Data.Rename(e.Data.Root(), "qty", "quantity")
	return emit(e)
}

func Example() {
	p, err := transform.Compile(transform.Rules{}, transform.WithUpcaster("Cart.ItemAdded", 1, transform.UpcasterFunc(renameQty)))
	if err != nil {
		fmt.Println(err)
		return
	}
	events := []source.Event{
		{Position: source.Position{Seq: 1}, Type: "Cart.ItemAdded", SchemaVersion: 1, Data: []byte(`{"sku":"A","qty":2}`)},
		{Position: source.Position{Seq: 2}, Type: "Cart.ItemAdded", SchemaVersion: 2, Data: []byte(`{"sku":"B","quantity":1,"price":9.5}`)},
	}
	// load runs the window of events once, into tables that are known.
	load := func(c *transform.Catalog) error {
		b := p.NewBatcher(c, transform.Limits{}, func(t *transform.Table, r arrow.Record) error {
			for _, name := range []string{"sku", "quantity", "price"} {
				fmt.Println(t.Name, name, r.Column(t.Column(name)))
			}
			return nil
		})
		for i := range events {
			if err := b.Append(&events[i]); err != nil {
				return err
			}
		}
		return b.Flush()
	}
	// The window holds what no table has a column for yet: the catalog
	// evolves, and the window begins again.
	catalog := p.NewCatalog(nil)
	err = load(catalog)
	var found *transform.NewShapesError
	if errors.As(err, &found) {
		catalog, _ = catalog.Evolve(found.Shapes)
		err = load(catalog)
	}
	fmt.Println(err)
	// Output:
	// cart_item_added sku ["A" "B"]
	// cart_item_added quantity [2 1]
	// cart_item_added price [(null) 9.5]
	// <nil>
}

func ExampleParseType() {
	t, err := transform.ParseType("list<decimal(18, 2)>")
	fmt.Println(t, t.Arrow(), err)
	// Output: list<decimal(18,2)> list<element: decimal(18, 2), nullable> <nil>
}

// show runs an event through upcasters and prints the rows it becomes.
func show(e *source.Event, opts ...transform.Option) {
	p, err := transform.Compile(transform.Rules{}, opts...)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := p.Explain(p.NewCatalog(nil), e)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range x.Results {
		fmt.Printf("%s, version %d: %s\n", r.Type, r.SchemaVersion, r.Data)
	}
}

// A step takes events from one schema version to the next. Here it makes an
// event of each line.
func ExampleWithUpcaster() {
	split := func(e *transform.Envelope, emit transform.Emit) error {
		d := e.Data
		for line := d.First(d.Get("lines")); line != transform.None; line = d.Next(line) {
			var data transform.Document
			if err := data.Parse(d.AppendJSON(nil, line), false); err != nil {
				return err
			}
			out := *e
			out.Data = &data
			out.Retype("Cart.LineAdded", 3)
			if err := emit(&out); err != nil {
				return err
			}
		}
		return nil
	}
	show(&source.Event{Type: "Cart.Filled", SchemaVersion: 1, Data: []byte(`{"lines":[{"sku":"A"},{"sku":"B"}]}`)},
		transform.WithUpcaster("Cart.Filled", 1, transform.UpcasterFunc(split)))
	// Output:
	// Cart.LineAdded, version 3: {"sku":"A"}
	// Cart.LineAdded, version 3: {"sku":"B"}
}

// A repair mends what was written under the wrong schema version, which stays;
// then comes the step from that version.
func ExampleWithRepair() {
	mend := func(e *transform.Envelope, emit transform.Emit) error {
		e.Data.Rename(e.Data.Root(), "product", "sku")
		return emit(e)
	}
	show(&source.Event{Type: "Cart.ItemAdded", SchemaVersion: 1, Data: []byte(`{"product":"A","qty":2}`)},
		transform.WithRepair("Cart.ItemAdded", 1, transform.UpcasterFunc(mend)),
		transform.WithUpcaster("Cart.ItemAdded", 1, transform.UpcasterFunc(renameQty)))
	// Output:
	// Cart.ItemAdded, version 2: {"sku":"A","quantity":2}
}
