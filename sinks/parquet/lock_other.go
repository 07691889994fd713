//go:build !unix

package parquet

import "os"

// lockFile opens the file. There are no locks that end with a process here:
// only the ledger's lease keeps workers apart.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666) }
