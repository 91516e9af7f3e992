package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// limitMemory collects harder near the limit and ends the process past it: a template can
// allocate without bound, and only the end of the process gives that back.
func limitMemory(bytes int64) {
	debug.SetMemoryLimit(bytes - bytes/8)
	// A render's garbage is gone with it; collecting less often saves a quarter of its time, and the
	// limit above still holds.
	debug.SetGCPercent(400)
	go func() {
		held := []metrics.Sample{
			{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
		}
		for range time.Tick(10 * time.Millisecond) {
			metrics.Read(held)
			if held[0].Value.Uint64()-held[1].Value.Uint64() > uint64(bytes) {
				fmt.Fprintf(os.Stderr, "engine: over %d bytes of memory\n", bytes)
				os.Exit(exitMemory)
			}
		}
	}()
}

// exitMemory is the exit status that tells the hub why.
const exitMemory = 77
