package main

import "syscall"

// limitProcess is the hard stop behind limitMemory: address space (with room for what Go only
// reserves), no core dumps, no file writes.
func limitProcess(memory int64) {
	space := uint64(memory)*2 + 2<<30
	for resource, most := range map[int]uint64{
		syscall.RLIMIT_AS: space, syscall.RLIMIT_CORE: 0, syscall.RLIMIT_FSIZE: 0,
	} {
		_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most})
	}
}
