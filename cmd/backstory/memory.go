package main

import (
	"os"
	"runtime/debug"
)

// softMemory is the size of the heap from which the garbage collector works
// harder: well below what a run promises to stay within.
const softMemory = 160 << 20

// limitMemory sets softMemory, unless the user has set GOMEMLIMIT.
func limitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
