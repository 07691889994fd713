package transform

import (
	"fmt"
	"testing"
	"time"

	"backstory/source"

	"github.com/apache/arrow/go/v17/arrow"
)

// benchPayload gives the payload of an order event, near 370 bytes, as
// Python's eventsourcing writes it.
func benchPayload(i int) []byte {
	t := time.UnixMicro(1735689600000000 + int64(i)*1000003).UTC().Format("2006-01-02T15:04:05.000000+00:00")
	return []byte(fmt.Sprintf(`{"timestamp":{"_type_":"datetime_iso","_data_":"%s"},"order_id":{"_type_":"uuid_hex","_data_":"%032x"},"customer":{"name":"Customer %d","email":"c%d@example.com","address":{"country":"US","region":"CA"}},"total":{"_type_":"decimal_str","_data_":"%d.%02d"},"quantity":%d,"placed":{"_type_":"datetime_iso","_data_":"%s"},"tags":["sale","gift"],"express":true}`,
		t, i*7919, i%5000, i%5000, i%1000, i%100, i%9+1, t))
}

func benchEvents(n int) []source.Event {
	events := make([]source.Event, n)
	for i := range events {
		events[i] = source.Event{
			Position: source.Position{Seq: int64(i + 1)}, Stream: []byte(fmt.Sprintf("6b0d549b-6f03-475a-9600-%012x", i/5)),
			Type: "Order.Placed", StreamVersion: int64(i%5 + 1), Data: benchPayload(i),
		}
	}
	return events
}

var benchPipelinePayload = source.Payload{
	Markers: true, Time: source.Path{Names: []string{"timestamp"}},
	SchemaVersion: source.Path{Names: []string{"class_version"}},
}

// BenchmarkParse parses payloads onto the tape.
func BenchmarkParse(b *testing.B) {
	events := benchEvents(1024)
	var d Document
	b.ReportAllocs()
	b.SetBytes(int64(len(events[0].Data)))
	for i := 0; b.Loop(); i++ {
		if err := d.Parse(events[i&1023].Data, true); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlatten parses, upcasts (through an empty chain) and flattens
// events into records that are thrown away.
func BenchmarkFlatten(b *testing.B) {
	events := benchEvents(1 << 14)
	p, err := Compile(Rules{Payload: benchPipelinePayload})
	if err != nil {
		b.Fatal(err)
	}
	catalog := p.NewCatalog(nil)
	rows := int64(0)
	write := func(_ *Table, r arrow.Record) error { rows += r.NumRows(); return nil }
	for {
		batcher := p.NewBatcher(catalog, Limits{}, write)
		for i := range events {
			if err := batcher.Append(&events[i]); err != nil {
				b.Fatal(err)
			}
		}
		err := batcher.Flush()
		if err == nil {
			break
		}
		next, changed := catalog.Evolve(err.(*NewShapesError).Shapes)
		if !changed {
			b.Fatal("nothing new in new shapes")
		}
		catalog = next
	}
	batcher := p.NewBatcher(catalog, Limits{}, write)
	for i := range events {
		batcher.Append(&events[i])
	}
	b.ReportAllocs()
	rows = 0
	n := 0
	for b.Loop() {
		if err := batcher.Append(&events[n&(1<<14-1)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkObserve parses events and adds them to shapes, as discovery does.
func BenchmarkObserve(b *testing.B) {
	events := benchEvents(1 << 14)
	p, err := Compile(Rules{Payload: benchPipelinePayload})
	if err != nil {
		b.Fatal(err)
	}
	observer := p.NewObserver(p.NewShapes())
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := observer.Observe(&events[n&(1<<14-1)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
