package parquet

import (
	"fmt"
	"time"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// timeless is the day whose partition takes the rows without event_time.
// Hive's name for a null partition would be truer, but pandas does not open a
// table that has one ("cannot yet unify dictionaries with nulls", pyarrow 26),
// and any other word turns the dates of DuckDB and polars into strings. The
// day lies in the range of pandas' nanoseconds.
var timeless = arrow.Timestamp(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())

// eachPartition calls fn for each run of rows of r that lie in one partition.
// Events come nearly in the order of time, so that runs are long.
func eachPartition(t *transform.Table, r arrow.Record, fn func(partition string, from, to int) error) error {
	rows := int(r.NumRows())
	if rows == 0 {
		return nil
	}
	if t.Partition == transform.ByNone {
		return fn("", 0, rows)
	}
	i := t.Column(transform.ColEventTime)
	if i < 0 || i >= int(r.NumCols()) {
		return fmt.Errorf("partition table %s by %s: it has no column %s", t.Name, t.Partition, transform.ColEventTime)
	}
	times, ok := r.Column(i).(*array.Timestamp)
	if !ok {
		return fmt.Errorf("partition table %s by %s: column %s is no timestamp", t.Name, t.Partition, transform.ColEventTime)
	}
	for from := 0; from < rows; {
		if times.IsNull(from) {
			to := from + 1
			for to < rows && times.IsNull(to) {
				to++
			}
			if err := fn(partitionName(t.Partition, timeless), from, to); err != nil {
				return err
			}
			from = to
			continue
		}
		start, end := period(t.Partition, times.Value(from))
		to := from + 1
		for to < rows && times.IsValid(to) && times.Value(to) >= start && times.Value(to) < end {
			to++
		}
		if err := fn(partitionName(t.Partition, start), from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// period is the day or month around at, as [start, end) in microseconds.
func period(p transform.Partition, at arrow.Timestamp) (start, end arrow.Timestamp) {
	y, m, d := time.UnixMicro(int64(at)).UTC().Date()
	if p == transform.ByMonth {
		first := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		return arrow.Timestamp(first.UnixMicro()), arrow.Timestamp(first.AddDate(0, 1, 0).UnixMicro())
	}
	first := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return arrow.Timestamp(first.UnixMicro()), arrow.Timestamp(first.AddDate(0, 0, 1).UnixMicro())
}

func partitionColumn(p transform.Partition) string { return "event_" + string(p) }

func partitionName(p transform.Partition, start arrow.Timestamp) string {
	form := "2006-01-02"
	if p == transform.ByMonth {
		form = "2006-01"
	}
	return partitionColumn(p) + "=" + time.UnixMicro(int64(start)).UTC().Format(form)
}
