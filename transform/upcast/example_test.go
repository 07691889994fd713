package upcast_test

import (
	"fmt"

	"backstory/source"
	"backstory/transform"
	"backstory/transform/upcast"
)

// Rules that stand as JSON become upcasters of a pipeline.
func Example() {
	rules, err := upcast.Parse([]byte(`[
		{"event": "Cart.ItemAdded", "from": 1, "do": [
			{"rename": {"qty": "quantity"}},
			{"cast": {"price": {"decimal": [18, 2]}}}
		]},
		{"event": "Cart.ItemAdded", "at": 2, "when": "data.product != nil", "do": [
			{"rename": {"product": "sku"}}
		]}
	]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, problems := upcast.Compile(rules, upcast.Options{})
	if len(problems) > 0 {
		fmt.Println(problems[0].Message)
		return
	}
	p, err := transform.Compile(transform.Rules{Upcasters: set.Text()}, set.Options()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := p.Explain(p.NewCatalog(nil), &source.Event{
		Type: "Cart.ItemAdded", SchemaVersion: 1, Data: []byte(`{"product":"A","qty":2,"price":9.5}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range x.Steps {
		fmt.Println(step.Result.SchemaVersion, string(step.Result.Data))
	}
	// Output:
	// 2 {"product":"A","quantity":2,"price":"9.50"}
	// 2 {"sku":"A","quantity":2,"price":"9.50"}
}

// An example is run by Test, and a failing one is a problem too.
func ExampleSet_Test() {
	rules, err := upcast.Parse([]byte(`[{"event": "Cart.ItemAdded", "from": 1,
		"do": [{"rename": {"qty": "quantity"}}],
		"examples": [{"given": {"sku": "A", "qty": 2}, "then": {"sku": "A", "amount": 2}}]}]`))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, problems := upcast.Compile(rules, upcast.Options{})
	fmt.Println(len(problems), "problem")
	for _, r := range set.Test() {
		fmt.Printf("%s\n%s\n", r.Name, r.Diff)
	}
	// Output:
	// 1 problem
	// Cart.ItemAdded from 1, example 1
	//   {
	//     "sku": "A"
	// -   "amount": 2
	// +   "quantity": 2
	//   }
}
