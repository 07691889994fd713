package sqlite

import (
	"context"

	"backstory/source"
)

var _ source.Counter = (*Source)(nil)

// Count counts the events of w; see source.Counter.
func (s *Source) Count(ctx context.Context, w source.Window) (n int64, err error) {
	err = s.use(ctx, "count "+w.String()+" of", func(c *conn) error {
		n, err = s.mapping.Count(ctx, s.spanOf(c), w, s.pace)
		return err
	})
	return n, err
}
