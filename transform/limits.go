package transform

import "fmt"

// Limits bound what a Batcher holds before it writes a record.
type Limits struct {
	// Rows is the most rows of one record; 0 means 8192.
	Rows int
	// Bytes is about the most bytes held for all tables together; the
	// largest table is written first. 0 means 16 MiB.
	Bytes int
}

// Stats count what a Batcher has taken in.
type Stats struct {
	Events int64
	Rows   int64
	// Bytes counts the payloads' bytes as JSON text.
	Bytes int64
	// Extra counts the values that fitted no column and went to _extra.
	Extra int64
	// Quarantined counts the events that failed and went to _quarantine,
	// Discarded those that the upcasters made nothing of, and Newer those
	// whose stored schema version is above the end of their type's chain.
	Quarantined, Discarded, Newer int64
	// Forgotten counts the events of streams that are forgotten.
	Forgotten int64
}

// settle counts what the tables have taken in of an event, and writes records
// until the limits are kept.
func (b *Batcher) settle() error {
	for _, r := range b.touched {
		r.touched = false
		added := r.n - r.counted
		r.counted = r.n
		b.stats.Rows += int64(added)
		if r.table.Explode != nil {
			r.payload = r.size() - r.bytes
		}
		before := r.held()
		r.bytes += added*envelopeBytes + r.payload
		r.payload = 0
		b.held += r.held() - before
	}
	full := b.touched
	b.touched = b.touched[:0]
	for _, r := range full {
		if r.n >= b.limits.Rows {
			if err := b.flush(r); err != nil {
				return err
			}
		}
	}
	for b.held > b.limits.Bytes {
		largest := b.tables[0]
		for _, t := range b.tables {
			if t.held() > largest.held() {
				largest = t
			}
		}
		if largest.held() == 0 {
			break
		}
		if err := b.flush(largest); err != nil {
			return err
		}
		b.held -= largest.held()
		largest.forget()
	}
	return nil
}

// envelopeBytes is about what the envelope of a row takes in memory.
const envelopeBytes = 100

func (b *Batcher) flush(r *rows) error {
	if r.n == 0 {
		return nil
	}
	record := r.record()
	defer record.Release()
	if err := b.write(r.table, record); err != nil {
		return fmt.Errorf("write %s: %w", r.table.Name, err)
	}
	b.held -= r.held()
	r.reset()
	b.held += r.held()
	return nil
}
