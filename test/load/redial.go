package main

import (
	"math/rand/v2"
	"time"
)

const (
	// A stream that lived so many times the wait before it, or so long, has proved good, if nothing of it was refused.
	provedTimes = 4
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
		enough := min(provedAfter, provedTimes*r.doubled())
		lasted := !r.welcomedAt.IsZero() && now.Sub(r.welcomedAt) >= enough
		if !r.broken && (r.proved || lasted) {
			r.failures = 0
		} else {
			r.failures++
		}
	}
	longest := max(r.doubled(), r.window, now.Sub(r.awaySince)/2)
	return rand.N(min(longestWait, longest))
}

// doubled is the longest wait after so many failures, if nothing else asks for a longer one.
func (r *redial) doubled() time.Duration { return firstDelay << min(r.failures, 16) }
