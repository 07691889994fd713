package bigquery

import (
	"fmt"
	"time"

	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
)

// The instants that BigQuery holds, and those that it has partitions for
// (https://cloud.google.com/bigquery/docs/partitioned-tables), in microseconds.
var (
	firstInstant   = micros(1, 1)
	lastInstant    = micros(10_000, 1) - 1
	firstPartition = micros(1960, 1)
	lastPartition  = micros(2160, 1) - 1
)

func micros(year int, month time.Month) arrow.Timestamp {
	return arrow.Timestamp(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
}

// valueError is a value that BigQuery would refuse, or change.
type valueError struct {
	column string
	row    int
	cause  string
	hint   string
}

// checkValues refuses values that BigQuery cannot hold, before anything is sent.
func checkValues(t *transform.Table, r arrow.Record, partition transform.Partition) error {
	if err := checkRows(t, r); err != nil {
		return err
	}
	for i, c := range t.Columns {
		bad := checkArray(r.Column(i), c.Name, 0, int(r.NumRows()))
		if bad == nil && partition != transform.ByNone && c.Name == transform.ColEventTime {
			bad = checkRange(r.Column(i).(*array.Timestamp), 0, int(r.NumRows()), firstPartition, lastPartition)
			if bad != nil {
				bad.column, bad.cause = c.Name, bad.cause+", and a partitioned table holds the years 1960 to 2159"
				bad.hint = "mend the time in an upcaster, or set sink.partition: none"
			}
		}
		if bad != nil {
			return refuse(bad.hint, "write to table %s: column %s: %s%s", t.Name, bad.column, bad.cause, whereIs(t, r, bad.row))
		}
	}
	return nil
}

// whereIs names the event of a row.
func whereIs(t *transform.Table, r arrow.Record, row int) string {
	i := t.Column(transform.ColPosition)
	if i < 0 || i >= int(r.NumCols()) {
		return ""
	}
	positions, ok := r.Column(i).(*array.Int64)
	if !ok || row >= positions.Len() || positions.IsNull(row) {
		return ""
	}
	return fmt.Sprintf(" (event at position %d)", positions.Value(row))
}

// checkArray looks at the slots [from, to). The row of a bad value is the
// slot's number.
func checkArray(a arrow.Array, path string, from, to int) *valueError {
	switch a := a.(type) {
	case *array.Timestamp:
		bad := checkRange(a, from, to, firstInstant, lastInstant)
		if bad != nil {
			bad.column, bad.cause, bad.hint = path, bad.cause+", and BigQuery holds the years 1 to 9999", "mend the time in an upcaster, or declare the column as string"
		}
		return bad
	case *array.Struct:
		for i, f := range a.DataType().(*arrow.StructType).Fields() {
			if bad := checkArray(a.Field(i), path+"."+f.Name, from, to); bad != nil {
				return bad
			}
		}
	case *array.List:
		return checkList(a, path, from, to)
	}
	return nil
}

func checkList(a *array.List, path string, from, to int) *valueError {
	values := a.ListValues()
	if !nested(values.DataType()) && values.NullN() == 0 {
		return nil
	}
	for row := from; row < to; row++ {
		if a.IsNull(row) {
			continue
		}
		start, end := a.ValueOffsets(row)
		for k := start; k < end; k++ {
			if values.IsNull(int(k)) {
				return &valueError{
					column: path, row: row, cause: "a list holds a null, which BigQuery's arrays cannot",
					hint: "drop the nulls in an upcaster, or declare the column as json: columns: {" + path + ": {type: json}}",
				}
			}
		}
		if bad := checkArray(values, path, int(start), int(end)); bad != nil {
			bad.row = row
			return bad
		}
	}
	return nil
}

// nested tells whether there is more to check in values than whether they are null.
func nested(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.STRUCT, arrow.LIST, arrow.TIMESTAMP:
		return true
	}
	return false
}

func checkRange(a *array.Timestamp, from, to int, first, last arrow.Timestamp) *valueError {
	values := a.TimestampValues()
	for i := from; i < to; i++ {
		if (values[i] < first || values[i] > last) && a.IsValid(i) {
			return &valueError{row: i, cause: "it is " + values[i].ToTime(arrow.Microsecond).Format(time.RFC3339)}
		}
	}
	return nil
}

// noDay is the partition of the rows without event_time.
const noDay = int64(-1) << 40

// eachPart calls fn for each run of rows of r that lie in one partition, with
// the day or month as a number. Events come nearly in the order of time, so
// that runs are long. Rows of a table in one piece are one run.
func eachPart(t *transform.Table, r arrow.Record, partition transform.Partition, fn func(day int64, from, to int) error) error {
	rows := int(r.NumRows())
	if rows == 0 {
		return nil
	}
	if partition == transform.ByNone {
		return fn(0, 0, rows)
	}
	times := r.Column(t.Column(transform.ColEventTime)).(*array.Timestamp)
	from, day := 0, dayOf(times, 0, partition)
	for i := 1; i < rows; i++ {
		if d := dayOf(times, i, partition); d != day {
			if err := fn(day, from, i); err != nil {
				return err
			}
			from, day = i, d
		}
	}
	return fn(day, from, rows)
}

const dayMicros = 24 * 60 * 60 * 1_000_000

func dayOf(times *array.Timestamp, i int, partition transform.Partition) int64 {
	if times.IsNull(i) {
		return noDay
	}
	v := int64(times.Value(i))
	if partition == transform.ByMonth {
		y, m, _ := time.UnixMicro(v).UTC().Date()
		return int64(y)*12 + int64(m)
	}
	if v < 0 {
		v -= dayMicros - 1
	}
	return v / dayMicros
}
