package upcast

import (
	"testing"

	"backstory/transform"
)

const (
	// What takes the shop's Cart.ItemAdded from schema version 1 to 3 (see
	// testdata/stores).
	toSecond = `[{"rename":{"qty":"quantity"}},{"cast":{"price":{"decimal":[18,2]}}}]`
	toThird  = `[{"move":{"sku":"line.sku","quantity":"line.quantity","price":"line.price"}},{"default":{"currency":"USD","tags":[]}}]`
	// Others that declarative upcasts are made of.
	others = `[{"copy":{"line.sku":"sku"}},{"drop":["sku"]},{"keep":["timestamp","line","currency","tags"]}]`
)

func TestItemAdded(t *testing.T) {
	s := scopeOf(t, itemAdded, "")
	for _, operations := range []string{toSecond, toThird, others} {
		for _, o := range compileAll(t, operations) {
			if err := o.Apply(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	const want = `{"timestamp":"2025-01-01T10:48:24.951433+00:00","line":{"sku":"SKU-0292","quantity":2,"price":"977.20"},"currency":"USD","tags":[]}`
	if got := payload(s); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// BenchmarkOperations takes Cart.ItemAdded from version 1 to 3 by the
// operations alone, and with parsing; "all" has every operation that works on
// fields and allocates nothing.
func BenchmarkOperations(b *testing.B) {
	for _, bb := range []struct {
		name       string
		operations []string
	}{{"parse", nil}, {"parse and v1 to v3", []string{toSecond, toThird}}, {"parse and all", []string{toSecond, toThird, others}}} {
		b.Run(bb.name, func(b *testing.B) {
			var steps []Operation
			for _, o := range bb.operations {
				steps = append(steps, compileAll(b, o)...)
			}
			src := []byte(itemAdded)
			e := &transform.Envelope{Data: new(transform.Document), Meta: new(transform.Document)}
			s := new(Scope)
			b.ReportAllocs()
			for b.Loop() {
				if err := e.Data.Parse(src, true); err != nil {
					b.Fatal(err)
				}
				s.begin(e, nil, nil)
				for _, o := range steps {
					if err := o.Apply(s); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// The operations allocate nothing an event, but for parse.
func TestOperationsAllocateNothing(t *testing.T) {
	for _, tt := range []struct{ operations, given string }{
		{toSecond, itemAdded},
		{`[{"rename":{"a":"b"}},{"move":{"b":"x.y.b"}},{"copy":{"x.y":"z"}},{"drop":["x"]},{"keep":["z"]},{"default":{"d":{"e":[1,"f"]}}}]`, `{"a":1,"c":2}`},
		{`[{"map":{"s":{"A":{"x":1},"else":"$"}}},{"each":{"l":[{"cast":{"$":"int"}},{"map":{"$":{"1":"one"}}}]}}]`, `{"s":"A","l":["1"]}`},
		{`[{"cast":{"i":"int","f":"float","d":{"decimal":[18,2],"round":"half_even"},"b":"bool","s":"string","u":"uuid","j":"json","t":{"timestamp":"millis"},"w":{"datetime":{"zone":"UTC"}}}}]`,
			`{"i":"12","f":"9.5","d":9.555,"b":"true","s":12,"u":"6b0d549b-6f03-475a-9600-a35a099950d8","j":{"a":[1,"x"]},"t":1735689600123,"w":"2025-01-31T09:30:00+01:00"}`},
		{`[{"mask":{"a":"redact","b":{"partial":{"first":1}},"c":{"date":"year"},"d":"hmac"}}]`, `{"a":"x","b":"Ana","c":"1984-05-17","d":[1,"x"]}`},
	} {
		steps := compileAll(t, tt.operations)
		s, src := scopeOf(t, tt.given, ""), []byte(tt.given)
		work := func() {
			e := s.Event
			if err := e.Data.Parse(src, true); err != nil {
				t.Fatal(err)
			}
			s.begin(e, nil, nil)
			for _, o := range steps {
				if err := o.Apply(s); err != nil {
					t.Fatal(err)
				}
			}
		}
		// Under the race detector pools forget on purpose, now and then.
		n := testing.AllocsPerRun(1, work)
		for range 200 {
			n = min(n, testing.AllocsPerRun(1, work))
		}
		if n > 0 {
			t.Errorf("%s: got %v allocations, want none", tt.operations, n)
		}
	}
}
