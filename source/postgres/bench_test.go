package postgres_test

import (
	"testing"

	"backstory/source"
	"backstory/source/postgres/pgtest"
)

func BenchmarkRead(b *testing.B) {
	url := pgtest.Database(b)
	pgtest.Restore(b, url, shop+"shop.postgres.sql.gz")
	// Ten times the shop, to see pages follow each other.
	exec(b, session(b, url), `INSERT INTO shop_events
		SELECT gen_random_uuid(), originator_version, topic, state, n * 20000 + notification_id
		FROM shop_events, generate_series(1, 9) n`)
	s := open(b, url)
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		err := s.Read(b.Context(), all, func(*source.Event) error { events++; return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
