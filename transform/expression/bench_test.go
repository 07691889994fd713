package expression

import "testing"

// BenchmarkTwoExpressions evaluates a conditional division and a join of two
// nested strings over a document that is parsed already.
func BenchmarkTwoExpressions(b *testing.B) {
	ratio := mustCompile(b, `data.items > 0 ? data.total / data.items : 0.0`)
	name := mustCompile(b, `data.customer.first + " " + data.customer.last`)
	env := event(b, `{"order_id":"o-1","items":4,"total":199.96,"customer":{"id":17,"first":"Ana","last":"Silva"},"lines":[]}`)
	benchmark(b, env, ratio, name)
}

func BenchmarkDecimals(b *testing.B) {
	benchmark(b, event(b, `{"price":{"_type_":"decimal_str","_data_":"19.99"},"quantity":3}`),
		mustCompile(b, `data.price * data.quantity`))
}

func BenchmarkLines(b *testing.B) {
	benchmark(b, event(b, `{"lines":[{"sku":"a","price":1.5,"quantity":2},{"sku":"b","price":2.5,"quantity":1}]}`),
		mustCompile(b, `sum(data.lines, .price * .quantity)`))
}

func BenchmarkCondition(b *testing.B) {
	env := event(b, `{"channel":"web","lines":3}`)
	p, err := Compile(`data.channel in ["web", "app"] and event_type == "Cart.ItemAdded"`, Options{Bool: true})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Bool(env); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func benchmark(b *testing.B, env *Env, programs ...*Program) {
	into := document(b, `{}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := into.Parse(empty, false); err != nil {
			b.Fatal(err)
		}
		for _, p := range programs {
			if _, err := p.Value(env, into); err != nil {
				b.Fatal(err)
			}
		}
	}
}

var empty = []byte(`{}`)
