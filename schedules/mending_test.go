package schedules_test

import (
	"bytes"
	"context"

	"backstory/source"
)

// mending is a source whose event at a position was mended in the store.
type mending struct {
	source.Source
	position int64
}

func (m *mending) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	return m.Source.Read(ctx, w, func(e *source.Event) error {
		if e.Position.Seq == m.position {
			mended := *e
			mended.Data = bytes.Replace(e.Data, []byte(`, "bad": true`), nil, 1)
			e = &mended
		}
		return fn(e)
	})
}

// failing is a source that may fail before it reads.
type failing struct {
	source.Source
	fail func() error
}

func (f failing) Read(ctx context.Context, w source.Window, fn func(*source.Event) error) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Source.Read(ctx, w, fn)
}
