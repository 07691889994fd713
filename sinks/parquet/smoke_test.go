package parquet_test

import (
	"context"
	"errors"
	"testing"

	"backstory/sinks"
	"backstory/sinks/parquet"
	"backstory/source"
	"backstory/transform"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	s, err := parquet.Open(ctx, parquet.Options{Path: dir, Version: "test", Step: func(n string) { t.Log(n) }})
	if err != nil {
		t.Fatal(err)
	}
	tab := &transform.Table{Name: "a", Version: 1, Partition: transform.ByDay, Columns: []transform.Column{
		{Name: "position", Type: transform.Type{Kind: transform.Int64}, Required: true},
		{Name: "event_time", Type: transform.Type{Kind: transform.Timestamp}},
	}}
	l := sinks.Load{Job: "j", Generation: 1, Window: source.Window{Through: source.Position{Seq: 10}}}
	x, err := s.Begin(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, tab.Schema())
	for i := range 10 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		b.Field(1).AppendNull()
	}
	if err := x.Write(ctx, tab, b.NewRecord()); err != nil {
		t.Fatal(err)
	}
	if err := x.Commit(ctx, sinks.Summary{Events: 10}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(ctx, l); !errors.Is(err, sinks.ErrCommitted) {
		t.Fatal(err)
	}
	m, tt, err := s.Manifests(ctx, "j", 1)
	t.Log(m, tt, err)
	if err := s.Check(ctx, "j", 1, m); err != nil {
		t.Fatal(err)
	}
}
