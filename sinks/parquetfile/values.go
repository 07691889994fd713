package parquetfile

import (
	"fmt"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/metadata"
)

// values encodes the values of one column chunk that are not null. It keeps
// no reference to an array beyond unbind.
type values interface {
	// bind borrows an array, whose values take then takes.
	bind(a arrow.Array)
	unbind()
	// take adds the n values from slot i on; none of them is null.
	take(i, n int)
	// fit gives how many of the n values from slot i on to take before the
	// page is looked at again, at least one.
	fit(i, n int) int
	// size is about the bytes of the page under way; limits.pageBytes or more asks
	// for the page to be ended.
	size() int
	// appendPage appends the encoded page and begins the next.
	appendPage(dst []byte) ([]byte, parquet.Encoding)
	// dictionary gives the dictionary page's body and number of values, none
	// when no page of the chunk uses one.
	dictionary() ([]byte, int)
	// bounds gives the least and the greatest value of the chunk, encoded,
	// or nothing.
	bounds() (least, greatest []byte)
	// reset begins the next chunk and keeps the memory.
	reset()
	// held is the memory held, in bytes.
	held() int
}

// newValues makes the encoder of a column of a scalar type.
func newValues(l *limits, t transform.Type, e transform.Encoding) values {
	switch t.Kind {
	case transform.Bool:
		return &booleans{}
	case transform.Int64, transform.Timestamp, transform.DateTime:
		return newIntegers(l, integers{}, e)
	case transform.Float64:
		return newIntegers(l, integers{float: true}, e)
	case transform.Decimal:
		if t.Precision <= maxInt64Digits {
			return newIntegers(l, integers{decimal: true}, e)
		}
		return &decimals{width: decimalWidth(t.Precision)}
	}
	return newTexts(l, e)
}

// encodingOf is the encoding of the pages of a column that has no dictionary.
func encodingOf(v values) parquet.Encoding {
	switch v := v.(type) {
	case *integers:
		if v.delta != nil {
			return parquet.Encodings.DeltaBinaryPacked
		}
	case *texts:
		if v.dict == nil {
			return parquet.Encodings.DeltaLengthByteArray
		}
	}
	return parquet.Encodings.Plain
}

// statistics are what the footer says of a chunk. Bounds longer than
// maxBound are left out, as the format has readers take them for values.
func statistics(v values, nulls int64) metadata.EncodedStatistics {
	var s metadata.EncodedStatistics
	s.SetNullCount(nulls)
	if least, greatest := v.bounds(); least != nil && len(least) <= maxBound && len(greatest) <= maxBound {
		s.SetMin(least)
		s.SetMax(greatest)
	}
	return s
}

const maxBound = 256

// check tells whether a record can be written to the table.
func check(r arrow.Record, t *transform.Table) error {
	want, got := t.Schema(), r.Schema()
	if want == got {
		return nil
	}
	if want.NumFields() != got.NumFields() {
		return fmt.Errorf("write to table %s: the record has %d columns, the table %d", t.Name, got.NumFields(), want.NumFields())
	}
	for i, f := range want.Fields() {
		if g := got.Field(i); g.Name != f.Name || !arrow.TypeEqual(g.Type, f.Type) {
			return fmt.Errorf("write to table %s: column %d of the record is %s %s, of the table %s %s", t.Name, i, g.Name, g.Type, f.Name, f.Type)
		}
	}
	return nil
}
