package source

import "context"

// Counter is a Source that can count without reading events.
type Counter interface {
	// Count gives the number of events of a window: as many as Read would
	// call its function with. It is cheap, and as gentle as Read.
	Count(ctx context.Context, w Window) (int64, error)
}
