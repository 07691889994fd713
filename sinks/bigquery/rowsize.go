package bigquery

import (
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/util"
)

// maxRow is how many bytes one row of a Parquet file should have at most
// (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_schemas).
const maxRow = 50_000_000

// checkRows refuses a row that is too large. Rows are looked at one by one
// only where all of them together are.
func checkRows(t *transform.Table, r arrow.Record) error {
	if util.TotalRecordSize(r) <= maxRow {
		return nil
	}
	for row := range int(r.NumRows()) {
		var size int64
		for _, c := range r.Columns() {
			size += sizeOf(c, row)
		}
		if size > maxRow {
			return refuse("leave out what is large in an upcaster, with drop, and keep it where the application does",
				"write to table %s: the row has %d bytes, and BigQuery takes %d%s", t.Name, size, maxRow, whereIs(t, r, row))
		}
	}
	return nil
}

// sizeOf counts the bytes of one value, about.
func sizeOf(a arrow.Array, i int) (size int64) {
	if a.IsNull(i) {
		return 0
	}
	switch a := a.(type) {
	case *array.String:
		return int64(a.ValueLen(i))
	case *array.List:
		from, to := a.ValueOffsets(i)
		for k := from; k < to; k++ {
			size += sizeOf(a.ListValues(), int(k))
		}
	case *array.Struct:
		for k := range a.NumField() {
			size += sizeOf(a.Field(k), i)
		}
	default:
		size = 8
	}
	return size
}
