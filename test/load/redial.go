package main

import (
	"math/rand/v2"
	"time"
)

const (
	// A stream that lived this long after its welcome has proved good, if nothing of it was refused.
	provedAfter = 30 * time.Second
	firstDelay  = 500 * time.Millisecond
	longestWait = 30 * time.Second
)

// redial says when to dial again, as agent/link/redial.ts and backoff.ts do: full jitter over the longest
// of what failures, the hub's window and its absence ask for. What was refused counts as a breach.
type redial struct {
	failures       int
	window         time.Duration
	welcomedAt     time.Time
	proved, broken bool
	answered       bool
	awaySince      time.Time
}

func (r *redial) dialled() {
	r.welcomedAt, r.proved, r.broken, r.answered = time.Time{}, false, false, false
	if r.awaySince.IsZero() {
		r.awaySince = time.Now()
	}
}

func (r *redial) welcomed(seconds uint64) {
	r.window = time.Duration(seconds) * time.Second
	r.welcomedAt = time.Now()
	r.answered = true
}

func (r *redial) dismissed(seconds uint64) { r.window = time.Duration(seconds) * time.Second }

func (r *redial) delay() time.Duration {
	now := time.Now()
	if r.answered {
		r.awaySince = now
		old := !r.welcomedAt.IsZero() && now.Sub(r.welcomedAt) >= provedAfter
		if !r.broken && (r.proved || old) {
			r.failures = 0
		} else {
			r.failures++
		}
	}
	exponential := firstDelay << min(r.failures, 16)
	longest := max(exponential, r.window, now.Sub(r.awaySince)/2)
	return rand.N(min(longestWait, longest))
}
