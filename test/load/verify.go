package main

import "bytes"

// What an agent accepts, by the checks of agent/trust in their order: each has its own code.

// Highest step a sequence may take at once.
const longestJump = 1 << 20

// Longest a freshness statement may live, in seconds.
const longestFreshness = 3_600

// Root statements taken in at once.
const longestRootChain = 1_024

// identity is who an agent is to the hub; fixed when it joined.
type identity struct {
	fleet, cluster, clusterID, clusterUID string
}

// position is what was accepted so far: the mark that never goes back.
type position struct {
	epoch, sequence int64
	snapshot        *digest
}

// isAt says whether something is at this very place in the sequence.
func (p position) isAt(epoch, sequence int64) bool { return p.epoch == epoch && p.sequence == sequence }

func same(a, b *digest) bool { return a != nil && b != nil && *a == *b }

// verifyRoot opens a root statement that vouches for itself; the caller has pinned its digest.
func verifyRoot(envelope []byte) (*root, error) {
	payload, _, err := readEnvelope(envelope, "root")
	if err != nil {
		return nil, err
	}
	claimed, err := parseRoot(payload)
	if err != nil {
		return nil, err
	}
	_, err = openEnvelope(envelope, "root", claimed.roles["root"])
	return claimed, err
}

// verifyRootChain goes from the root statement that is trusted to the newest of a chain: all of it, or nothing.
func verifyRootChain(last *root, envelope []byte, chain [][]byte) (*root, []byte, error) {
	if len(chain) > longestRootChain {
		return nil, nil, refuse("root_chain_too_long", "%d root statements at once", len(chain))
	}
	for _, one := range chain {
		if bytes.Equal(one, envelope) {
			continue
		}
		next, err := verifyNext(last, one)
		if err != nil {
			return nil, nil, err
		}
		last, envelope = next, one
	}
	return last, envelope, nil
}

func verifyNext(last *root, envelope []byte) (*root, error) {
	payload, _, err := readEnvelope(envelope, "root")
	if err != nil {
		return nil, err
	}
	next, err := parseRoot(payload)
	switch {
	case err != nil:
		return nil, err
	case next.fleet != last.fleet:
		return nil, refuse("wrong_fleet", "this root statement is of fleet %s", next.fleet)
	case next.version <= last.version:
		return nil, refuse("root_rollback", "version %d after %d", next.version, last.version)
	case next.version != last.version+1:
		return nil, refuse("root_gap", "version %d does not follow %d", next.version, last.version)
	case next.epoch < last.epoch:
		return nil, refuse("root_rollback", "epoch %d after %d", next.epoch, last.epoch)
	}
	for _, role := range []keyRole{last.roles["root"], next.roles["root"]} {
		if _, err := openEnvelope(envelope, "root", role); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// verifySnapshot gives a snapshot for this cluster that moves forward, and the digest of what was signed.
// `now` is in milliseconds.
func verifySnapshot(envelope []byte, root *root, id identity, accepted position, now int64) (*snapshot, digest, error) {
	payload, err := openEnvelope(envelope, "snapshot", root.roles["snapshot"])
	if err != nil {
		return nil, digest{}, err
	}
	read, err := parseSnapshot(payload)
	if err != nil {
		return nil, digest{}, err
	}
	named := digestOf(payload)
	repeated := read.sequence == accepted.sequence && same(&named, accepted.snapshot)
	switch {
	case read.fleet != id.fleet || read.fleet != root.fleet:
		err = refuse("wrong_fleet", "this snapshot is for fleet %s", read.fleet)
	case read.aud != id.clusterID:
		err = refuse("wrong_audience", "this snapshot is for another cluster")
	case read.clusterUID != id.clusterUID:
		err = refuse("wrong_cluster", "this snapshot is for a cluster with another UID")
	case read.epoch != root.epoch:
		err = refuse("wrong_epoch", "epoch %d, the root says %d", read.epoch, root.epoch)
	case !repeated && root.expiresAt*1000 <= now:
		err = refuse("expired", "the root statement expired at %d", root.expiresAt)
	case !repeated && read.expires*1000 <= now:
		err = refuse("expired", "the snapshot expired at %d", read.expires)
	default:
		err = checkSequence(read, named, accepted)
	}
	return read, named, err
}

func checkSequence(read *snapshot, named digest, accepted position) error {
	if read.epoch < accepted.epoch {
		return refuse("rollback", "epoch %d after %d", read.epoch, accepted.epoch)
	}
	before := accepted.sequence
	if read.epoch > accepted.epoch {
		before = 0
	}
	switch {
	case read.sequence < before:
		return refuse("rollback", "sequence %d after %d", read.sequence, accepted.sequence)
	case read.sequence == before && !same(&named, accepted.snapshot):
		return refuse("equivocation", "two snapshots of sequence %d", read.sequence)
	case read.sequence-before > longestJump:
		return refuse("fast_forward", "sequence jumps to %d", read.sequence)
	}
	return nil
}

// checkApprovals refuses what a root statement has people approve: the fleets of benchmarks have no approvers.
func checkApprovals(read *snapshot, root *root, id identity) error {
	for _, one := range root.policies {
		for _, cluster := range one.clusters {
			if (cluster == "*" || cluster == id.cluster) && len(read.applications) > 0 {
				return refuse("approval_missing", "approvals are not looked at here")
			}
		}
	}
	return nil
}

// verifyFreshness gives the signer's word, after we asked by `nonce` (base64url), on which snapshot is the newest.
func verifyFreshness(envelope []byte, root *root, id identity, nonce string, accepted position) (*freshness, error) {
	payload, err := openEnvelope(envelope, "freshness", root.roles["freshness"])
	if err != nil {
		return nil, err
	}
	read, err := parseFreshness(payload)
	if err != nil {
		return nil, err
	}
	lifetime := read.expires - read.issuedAt
	behind := read.epoch < accepted.epoch || read.epoch == accepted.epoch && read.sequence < accepted.sequence
	switch {
	case read.fleet != id.fleet || read.fleet != root.fleet:
		return nil, refuse("wrong_fleet", "this statement is for fleet %s", read.fleet)
	case read.aud != id.clusterID:
		return nil, refuse("wrong_audience", "this statement is for another cluster")
	case read.nonce != nonce:
		return nil, refuse("wrong_nonce", "this statement answers another question")
	case lifetime <= 0 || lifetime > longestFreshness:
		return nil, refuse("freshness_invalid", "the statement lives %d s", lifetime)
	case read.rootVersion < root.version:
		return nil, refuse("freshness_behind", "root version %d after %d", read.rootVersion, root.version)
	case behind:
		return nil, refuse("freshness_behind", "epoch %d, sequence %d", read.epoch, read.sequence)
	case accepted.isAt(read.epoch, read.sequence) && accepted.snapshot != nil && !same(read.snapshot, accepted.snapshot):
		return nil, refuse("equivocation", "two snapshots of sequence %d", read.sequence)
	}
	return read, nil
}
