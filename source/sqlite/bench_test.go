package sqlite_test

import (
	"math"
	"testing"

	"backstory/source"
	"backstory/source/layout"
	"backstory/source/sqlite"
)

func BenchmarkRead(b *testing.B) {
	for _, store := range []struct {
		name  string
		state layout.State
	}{
		{name: "shop"},
		{"shop-zlib", layout.State{Compress: layout.Zlib}},
		{"shop-aes", layout.State{Cipher: layout.AESGCM, Key: shopKey(b), Compress: layout.Zlib}},
	} {
		b.Run(store.name, func(b *testing.B) {
			s := open(b, sqlite.Config{Path: stores + store.name + "/shop.sqlite", Config: layout.Config{State: store.state}})
			events := 0
			b.ReportAllocs()
			for b.Loop() {
				err := s.Read(b.Context(), all, func(*source.Event) error { events++; return nil })
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}

var all = source.Window{Through: source.Position{Seq: math.MaxInt64}}
