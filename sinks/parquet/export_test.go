package parquet

// WithoutExchange makes the sink's folders change places in two steps.
func WithoutExchange(s *Sink) {
	s.exchange = func(a, b string) (bool, error) { return false, nil }
}

// WithoutLinks makes the sink's folder one where there are no symbolic links.
func WithoutLinks(s *Sink) {
	WithLinks(s, func(text, path string) (bool, error) { return false, nil })
}

// WithLinks makes the sink's symbolic links by fn.
func WithLinks(s *Sink, fn func(text, path string) (bool, error)) { s.symlink = fn }

// WithExchange makes the sink's folders change places by fn, which tells
// whether the file system can do it; Exchange is what it does otherwise.
func WithExchange(s *Sink, fn func(a, b string) (bool, error)) { s.exchange = fn }

// Exchange swaps two names in one step where the file system can.
func Exchange(a, b string) (bool, error) { return exchange(a, b) }
