package main

import (
	"errors"
	"time"
)

// Refusals that pass by themselves are taken up again after this (agent/link/passing.ts).
const passingAfter = 2 * time.Second

// What a hub has to send of what was asked for.
const fetchLimit = 2 * time.Minute

// offers are accepted one at a time, the newest only.
type offers struct {
	next     *offer
	current  *acceptance
	fetching *assembly
	// Fires when what was asked for did not come.
	late *time.Timer
}

// acceptance is an offer whose statement was believed, and whose content is being gathered.
type acceptance struct {
	offered  offer
	snapshot *snapshot
	digest   digest
	pushed   map[digest][]byte
	// Of applications that are present, by the digest of their manifest.
	manifests map[digest]*manifest
	// Bytes that were checked for this snapshot.
	fetched map[digest][]byte
}

// cut gives up what was under way: the stream has ended.
func (o *offers) cut() {
	o.current, o.fetching, o.next = nil, nil, nil
	if o.late != nil {
		o.late.Stop()
	}
}

func (a *agent) hearOffer(data []byte) error {
	offered, err := readOffer(data)
	if err != nil {
		return err
	}
	for _, one := range offered.contents {
		if a.allowance -= costOf(one); a.allowance < 0 {
			return refuse("too_much_data", "the hub sends more content than was asked for")
		}
	}
	a.offers.next = &offered
	a.takeOffers()
	return nil
}

// takeOffers deals with offers until one has to wait for content.
func (a *agent) takeOffers() {
	for a.offers.next != nil && a.offers.current == nil {
		offered := *a.offers.next
		a.offers.next = nil
		begun, err := a.begin(offered)
		if err != nil {
			a.refuseOffer(offered, err)
			continue
		}
		a.offers.current = begun
		a.goOn()
	}
}

func (a *agent) begin(offered offer) (*acceptance, error) {
	read, named, err := verifySnapshot(offered.envelope, a.root, a.id, a.accepted, a.watch.now())
	if err != nil {
		return nil, err
	}
	if err := checkApprovals(read, a.root, a.id); err != nil {
		return nil, err
	}
	// Not looked at before it is known that a trusted key signed what it came with.
	pushed, err := a.load.packs.pushed(offered.contents)
	if err != nil {
		return nil, err
	}
	return &acceptance{
		offered: offered, snapshot: read, digest: named, pushed: pushed,
		manifests: map[digest]*manifest{}, fetched: map[digest][]byte{},
	}, nil
}

// goOn takes the next step of what is being accepted, if nothing of it has to be fetched.
func (a *agent) goOn() {
	current := a.offers.current
	for _, step := range []func(*acceptance) (wanted, error){a.gatherManifests, a.gatherObjects} {
		lacking, err := step(current)
		if err == nil && len(lacking.order) > 0 {
			a.fetch(lacking)
			return
		}
		if err != nil {
			a.offers.current = nil
			a.refuseOffer(current.offered, err)
			return
		}
	}
	a.offers.current = nil
	a.accept(current)
}

// gatherManifests returns what has to be fetched; nothing when all manifests are read.
func (a *agent) gatherManifests(current *acceptance) (wanted, error) {
	var lacking wanted
	for _, one := range current.snapshot.applications {
		if !one.present || current.manifests[one.manifest] != nil {
			continue
		}
		data, found := current.find(one.manifest)
		size, had := a.have[one.manifest]
		switch {
		case found:
			size = len(data)
		case had && a.load.manifests.knows(one.manifest):
			// This agent has checked these bytes before, and what is in them is remembered for all.
			data = nil
		default:
			lacking.add(one.manifest, int(one.size))
			continue
		}
		if int64(size) != one.size {
			return lacking, refuse("size_mismatch", "manifest of %s: %d bytes", one.name, size)
		}
		read, err := a.load.manifests.read(one.manifest, data)
		if err != nil {
			return lacking, err
		}
		if read.application != one.name {
			return lacking, refuse("manifest_malformed", "the manifest is of %s", read.application)
		}
		current.manifests[one.manifest] = read
		a.have[one.manifest] = size
	}
	return lacking, nil
}

func (a *agent) gatherObjects(current *acceptance) (wanted, error) {
	var lacking wanted
	for _, application := range current.snapshot.applications {
		if !application.present {
			continue
		}
		for _, one := range current.manifests[application.manifest].objects {
			if _, had := a.have[one.digest]; had {
				continue
			}
			data, found := current.find(one.digest)
			if !found {
				lacking.add(one.digest, one.size)
				continue
			}
			if len(data) != one.size {
				return lacking, refuse("size_mismatch", "%s: %d bytes, not %d", one.digest, len(data), one.size)
			}
			a.have[one.digest] = one.size
		}
	}
	return lacking, nil
}

// find gives bytes that came for this snapshot and were checked against their digest.
func (current *acceptance) find(named digest) ([]byte, bool) {
	if data, found := current.fetched[named]; found {
		return data, true
	}
	data, found := current.pushed[named]
	return data, found
}

func (a *agent) fetch(lacking wanted) {
	a.offers.fetching = newAssembly(lacking)
	a.allowance += allowanceFor(lacking)
	said := message(nil)
	for _, named := range lacking.order {
		said = said.text(1, named.String())
	}
	on := a.link
	a.offers.late = time.AfterFunc(fetchLimit, on.close)
	a.say(sayWant, said)
}

func (a *agent) hearContent(data []byte) error {
	came, err := readContent(data)
	if err != nil {
		return err
	}
	if a.allowance -= costOf(came); a.allowance < 0 {
		return refuse("too_much_data", "the hub sends more content than was asked for")
	}
	fetching, current := a.offers.fetching, a.offers.current
	if fetching == nil {
		return nil
	}
	parts, err := a.load.packs.unpack(came)
	if err == nil {
		err = fetching.take(parts)
	}
	if err == nil {
		for _, missing := range came.missing {
			if named, ok := parseDigest(missing); ok && fetching.lacks(named) {
				err = refuse("content_missing", "the hub has not got %s", missing)
			}
		}
	}
	if err == nil && !fetching.isWhole() {
		return nil
	}
	a.offers.fetching = nil
	a.offers.late.Stop()
	if err != nil {
		a.offers.current = nil
		a.refuseOffer(current.offered, err)
		a.takeOffers()
		return nil
	}
	for named, data := range fetching.finished {
		current.fetched[named] = data
	}
	a.allowance = unaskedAllowance
	a.goOn()
	a.takeOffers()
	return nil
}

// accept counts what was verified as applied, and says so.
func (a *agent) accept(current *acceptance) {
	read := current.snapshot
	a.accepted = position{epoch: read.epoch, sequence: read.sequence, snapshot: &current.digest}
	a.watch.floor = max(a.watch.floor, read.issuedAt*1000)
	a.allowance = unaskedAllowance
	a.redial.proved = true
	a.reports.told = nil
	before := a.states
	a.states = nil
	needed := map[digest]int{}
	for _, one := range read.applications {
		next := state{application: one.name, generation: one.generation}
		if one.present {
			next.manifest, next.objects = &one.manifest, len(current.manifests[one.manifest].objects)
			needed[one.manifest] = int(one.size)
			for _, object := range current.manifests[one.manifest].objects {
				needed[object.digest] = object.size
			}
		}
		a.load.countWrites(before, next)
		a.states = append(a.states, next)
	}
	a.have = needed
	a.load.note(a.id.cluster, a.states)
	a.changed(a.states)
	if same(a.reports.told, a.accepted.snapshot) {
		return
	}
	a.reports.told = a.accepted.snapshot
	a.say(sayVerdict, a.verdict(true, "", ""))
}

func (a *agent) refuseOffer(offered offer, err error) {
	a.refused(err, "offer refused")
	code, why := "internal", err.Error()
	var refused *refusal
	if errors.As(err, &refused) {
		code, why = refused.code, refused.why
	}
	a.say(sayVerdict, a.verdict(false, code, why))
	if code != "content_missing" {
		return
	}
	time.AfterFunc(passingAfter, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.link == nil || a.offers.next != nil {
			return
		}
		a.offers.next = &offered
		a.takeOffers()
	})
}

func (a *agent) verdict(accepted bool, code, why string) message {
	said := message(nil).number(1, uint64(a.accepted.epoch)).number(2, uint64(a.accepted.sequence))
	if a.accepted.snapshot != nil {
		said = said.text(3, a.accepted.snapshot.String())
	}
	return said.flag(4, accepted).text(5, code).text(6, why)
}
