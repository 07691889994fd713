package bqtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// BenchmarkReadFile tells what checking a file costs the server, which a
// benchmark of a client on the same machine pays too.
func BenchmarkReadFile(b *testing.B) {
	type row struct {
		ID     int64     `parquet:"id"`
		At     time.Time `parquet:"at,timestamp(microsecond)"`
		Stream string    `parquet:"stream"`
		Tags   []string  `parquet:"tags,list"`
	}
	rows := make([]row, 100_000)
	for i := range rows {
		rows[i] = row{int64(i), time.UnixMicro(int64(i) * 1e9), fmt.Sprintf("stream-%d", i%1000), strings.Fields("a b c")[:i%4]}
	}
	file := parquetOf(b, rows)
	load := &bq.JobConfigurationLoad{ParquetOptions: &bq.ParquetOptions{EnableListInference: true}}
	for _, skim := range []bool{false, true} {
		b.Run(fmt.Sprintf("skim=%t", skim), func(b *testing.B) {
			for b.Loop() {
				f, bad := readFile(file, load, Options{Skim: skim, Limits: Unlimited})
				if bad != nil {
					b.Fatal(bad)
				}
				if _, bad := f.divide(&bq.TimePartitioning{Type: "DAY", Field: "at"}); bad != nil {
					b.Fatal(bad)
				}
			}
			b.ReportMetric(float64(b.N)*float64(len(rows))/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
