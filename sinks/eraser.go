package sinks

import "context"

// Eraser is a Sink that keeps more than the rows of its tables: what names
// streams there must go too before these are forgotten.
type Eraser interface {
	// MayErase says what stands in the way: something that may hold rows and
	// that is not ours to remove. It changes nothing.
	MayErase(ctx context.Context, job string) error
	// Erase removes what is kept of generations other than the live one, which
	// are dropped. It is idempotent.
	Erase(ctx context.Context, job string, live int) error
}
