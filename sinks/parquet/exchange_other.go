//go:build !linux

package parquet

// exchange swaps two names in one step, which is not possible here.
func exchange(a, b string) (bool, error) { return false, nil }
