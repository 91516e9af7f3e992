package main

import (
	"fmt"
	"os"
	"runtime"
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
		for {
			metrics.Read(held)
			left := bytes - int64(held[0].Value.Uint64()-held[1].Value.Uint64())
			if left < 0 {
				fmt.Fprintf(os.Stderr, "engine: over %d bytes of memory\n", bytes)
				os.Exit(exitMemory)
			}
			time.Sleep(untilFull(left))
		}
	}()
}

// fillPerMillisecond is more than one render takes memory: 8 GB a second.
const fillPerMillisecond = 8 << 20

// untilFull is how long what is left of the memory lasts at least. To look each 10 ms, as near the limit, would cost
// small renders a fifth of their time: each look wakes a thread, which takes a processor from a render or from the hub.
func untilFull(left int64) time.Duration {
	return max(10, time.Duration(left/fillPerMillisecond)) * time.Millisecond
}

// sweeper collects what renders leave behind between two of them, when next to nothing is alive: a collection in
// the middle of one has more to look at, slows whatever is being made, and keeps that until the next.
type sweeper struct {
	// Allocated since the process began, as of the last collection.
	swept uint64
	// Never written to, so it takes no memory. The runtime, which collects when the heap is a multiple of what it
	// holds, waits longer for it, and so leaves small renders to the sweeper.
	ballast []byte
}

const (
	// sweepEvery is how much renders may leave behind at least, in bytes: a hundred small ones.
	sweepEvery   = 40 << 20
	ballastBytes = 8 << 20
	// sweepGrowth is how much that is at least for each byte that stays, as compiled policies and trees do: what they
	// cost a collection must not be paid more often than the runtime's own would.
	sweepGrowth = 2
)

func newSweeper() *sweeper {
	return &sweeper{ballast: make([]byte, ballastBytes)}
}

func (s *sweeper) sweep() {
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	allocated, live := heap[0].Value.Uint64(), heap[1].Value.Uint64()
	if allocated-s.swept >= max(sweepEvery, sweepGrowth*live) {
		runtime.GC()
		s.swept = allocated
	}
}

// exitMemory is the exit status that tells the hub why.
const exitMemory = 77
