package survey_test

import (
	"testing"

	"backstory/transform/survey"
)

// BenchmarkObserve measures parsing and surveying an event of the shop.
func BenchmarkObserve(b *testing.B) {
	events := shopEvents(b)
	o := pipeline(b, shopPayload).NewOpener()
	s := survey.New(shopPayload)
	for i := range events {
		if err := s.Take(o, &events[i]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := s.Take(o, &events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen is the part of it that is not the survey's.
func BenchmarkOpen(b *testing.B) {
	events := shopEvents(b)
	o := pipeline(b, shopPayload).NewOpener()
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := o.Open(&events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
}
