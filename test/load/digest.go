package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// digest is a SHA-256, spelled `sha256:` and 64 lower-case hex digits (proto/digest.ts).
type digest [sha256.Size]byte

func digestOf(data []byte) digest { return sha256.Sum256(data) }

func (d digest) String() string { return "sha256:" + hex.EncodeToString(d[:]) }

func parseDigest(value any) (digest, bool) {
	var parsed digest
	text, ok := value.(string)
	if !ok {
		return parsed, false
	}
	digits, found := strings.CutPrefix(text, "sha256:")
	if !found || len(digits) != 2*sha256.Size || strings.ToLower(digits) != digits {
		return parsed, false
	}
	_, err := hex.Decode(parsed[:], []byte(digits))
	return parsed, err == nil
}
