package main

import (
	"crypto/rand"
	"encoding/base64"
	"time"
)

const (
	// Time before the first statement counts as missing.
	grace = 10 * time.Minute
	// Shortest and longest time between two questions.
	leastPace = time.Second
	mostPace  = 5 * time.Minute
	// From a question that got no answer to the next one; twice as long each time.
	unansweredPace = 5 * time.Second
)

// watch knows whether somebody vouches that what is here is the newest, and what time it is by a signer's
// word (agent/trust/watch.ts).
type watch struct {
	nonce      string
	askedAt    time.Time
	unanswered int
	told       *freshness
	until      time.Time
	attested   time.Time
	attestedAt time.Time
	floor      int64
	freshUntil time.Time
}

func newWatch() watch { return watch{freshUntil: time.Now().Add(grace)} }

// place is what an agent stands on.
type place struct {
	position
	rootVersion int64
}

func (w *watch) ask() []byte {
	nonce := make([]byte, 32)
	rand.Read(nonce)
	w.unanswered++
	w.nonce, w.askedAt = base64.RawURLEncoding.EncodeToString(nonce), time.Now()
	return nonce
}

func (w *watch) isNamed(p place) bool {
	if w.told == nil || w.told.rootVersion > p.rootVersion || w.told.epoch > p.epoch {
		return false
	}
	return w.told.epoch < p.epoch || w.told.sequence <= p.sequence
}

func (w *watch) isDue() bool {
	if w.askedAt.IsZero() {
		return false
	}
	lifetime := mostPace * 2
	if w.told != nil {
		lifetime = time.Duration(w.told.expires-w.told.issuedAt) * time.Second
	}
	half := min(mostPace, max(leastPace, lifetime/2))
	patience := half
	if w.unanswered > 0 {
		patience = unansweredPace << min(w.unanswered-1, 16)
	}
	return time.Since(w.askedAt) >= min(half, patience)
}

// isAssured says that the last answer still vouches for what we stand on, and it is too early to ask anew.
func (w *watch) isAssured(p place) bool {
	return w.told != nil && w.unanswered == 0 && !w.isDue() && time.Now().Before(w.until) && w.isNamed(p)
}

func (w *watch) take(envelope []byte, root *root, id identity, p place) (*freshness, error) {
	read, err := verifyFreshness(envelope, root, id, w.nonce, p.position)
	if err != nil {
		return nil, err
	}
	w.unanswered = 0
	w.told, w.until = read, w.askedAt.Add(time.Duration(read.expires-read.issuedAt)*time.Second)
	w.attested, w.attestedAt = time.Unix(read.issuedAt, 0), w.askedAt
	return read, nil
}

// isStale says that nobody vouches any more for what we stand on as the newest.
func (w *watch) isStale(p place) bool {
	if w.isNamed(p) && w.until.After(w.freshUntil) {
		w.freshUntil = w.until
	}
	return !time.Now().Before(w.freshUntil)
}

// now is in milliseconds since 1970, for judging expiry; `floor` too.
func (w *watch) now() int64 {
	if w.attestedAt.IsZero() {
		return max(w.floor, time.Now().UnixMilli())
	}
	return max(w.floor, w.attested.Add(time.Since(w.attestedAt)).UnixMilli())
}
