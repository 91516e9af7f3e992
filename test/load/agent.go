package main

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	hubName  = "groundswell-hub"
	syncPath = "/groundswell.v1.SyncService/Sync"
	// What a hub may take to answer the hello, the connection included.
	welcomeLimit = 30 * time.Second
	// Heartbeats that may be missed before the stream counts as dead.
	silentBeats = 3
	// Between heartbeats it looks so many times whether one is due.
	looksPerBeat = 4
	// How often it looks whether it is stale, and whether to ask.
	watchEvery = 15 * time.Second
	// Reports closer together than this travel as one.
	reportGap = 100 * time.Millisecond
)

// What an agent says that it understands (proto/features.ts).
var features = []string{
	"apply-rules", "deletion-hooks", "scope", "service-account", "dependencies", "adoption",
	"ignore-rules", "dry-run-account",
}

// agent keeps one stream to the hub, accepts what verifies, and says what it would run.
type agent struct {
	load    *load
	id      identity
	address string
	// Where it dials from; nil for anywhere.
	from       net.IP
	tls        *tls.Config
	generation uint64

	mu           sync.Mutex
	root         *root
	rootEnvelope []byte
	accepted     position
	// Blobs that this agent was sent and has checked, with their sizes.
	have      map[digest]int
	states    []state
	watch     watch
	redial    redial
	head      *auditHead
	below     bool
	wasStale  bool
	link      *link
	heardAt   time.Time
	beatAt    time.Time
	allowance int
	offers    offers
	reports   reports
}

func (a *agent) place() place { return place{position: a.accepted, rootVersion: a.root.version} }

// run is its whole life.
func (a *agent) run() {
	time.AfterFunc(watchEvery, a.look)
	for {
		err := a.talk()
		a.mu.Lock()
		a.failed(err)
		delay := a.redial.delay()
		a.mu.Unlock()
		time.Sleep(delay)
	}
}

// look is taken every quarter of a minute.
func (a *agent) look() {
	a.mu.Lock()
	defer a.mu.Unlock()
	time.AfterFunc(watchEvery, a.look)
	a.noticeStale()
	if a.link != nil && a.watch.isDue() {
		a.say(sayFreshness, message(nil).bytes(1, a.watch.ask()))
	}
}

func (a *agent) noticeStale() {
	if stale := a.watch.isStale(a.place()); stale != a.wasStale {
		a.wasStale = stale
		a.report(true)
	}
}

// failed remembers how a stream ended.
func (a *agent) failed(err error) {
	var how *ended
	var refused *refusal
	var distrust *tls.CertificateVerificationError
	switch {
	case errors.As(err, &how):
		// What the hub says of who we are; all else is the link's fault.
		a.redial.answered = a.redial.answered || how.status == 16 || how.status == 7
	case errors.As(err, &distrust):
		a.redial.answered = true
	case errors.As(err, &refused):
		a.redial.answered, a.redial.broken = true, true
	}
	// As of an agent: what ends while nothing answers is told by its number, not its words.
	a.load.warn("%s: the stream to the hub ended: %v", a.id.cluster, err)
}

// talk opens a stream and stays on it until it ends.
func (a *agent) talk() error {
	a.mu.Lock()
	a.redial.dialled()
	a.mu.Unlock()
	on, err := openLink(a.address, a.tls, a.from, a.load.count)
	if err != nil {
		return err
	}
	defer on.close()
	a.mu.Lock()
	a.link, a.allowance, a.heardAt, a.beatAt = on, unaskedAllowance, time.Now(), time.Now()
	a.load.messages.Add(1)
	err = on.call(syncPath, message(nil).part(sayHello, a.hello()), false)
	a.mu.Unlock()
	if err != nil {
		return err
	}
	on.keepAlive()
	welcome := time.AfterFunc(welcomeLimit, on.close)
	beat := &beat{agent: a, link: on}
	defer func() {
		welcome.Stop()
		beat.stop()
		a.mu.Lock()
		a.link = nil
		a.offers.cut()
		a.mu.Unlock()
	}()
	var refused error
	err = on.read(func(data []byte) {
		on.heard()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.heardAt = time.Now()
		if refused == nil {
			refused = a.hear(data, func(seconds uint64) {
				welcome.Stop()
				beat.start(time.Duration(min(300, max(1, seconds))) * time.Second)
			})
		}
		if refused != nil {
			go on.close()
		}
	})
	if refused != nil {
		return refused
	}
	return err
}

func (a *agent) hello() message {
	said := message(nil).number(1, 1).text(2, agentVersion).text(3, a.id.clusterUID).
		number(4, uint64(a.root.version)).number(5, uint64(a.accepted.epoch)).number(6, uint64(a.accepted.sequence))
	if a.accepted.snapshot != nil {
		said = said.text(7, a.accepted.snapshot.String())
	}
	said = said.part(8, facts()).number(9, a.generation)
	if a.below || !a.watch.isAssured(a.place()) {
		said = said.bytes(10, a.watch.ask())
	}
	if a.head != nil {
		said = said.part(11, message(nil).number(1, uint64(a.head.index)).text(2, a.head.digest.String()))
	}
	for _, feature := range features {
		said = said.text(12, feature)
	}
	return said
}

// say sends one message of a kind; what cannot be sent, the stream's end tells.
func (a *agent) say(kind protowire.Number, inner message) {
	if kind != sayHeartbeat && kind != sayFreshness {
		a.load.messages.Add(1)
	}
	a.link.send(message(nil).part(kind, inner))
}

// hear deals with one message; an error ends the stream.
func (a *agent) hear(data []byte, welcomed func(seconds uint64)) error {
	fields, err := readFields(data)
	if err != nil || len(fields) != 1 {
		return err
	}
	inner := fields[0].bytes
	switch fields[0].number {
	case hearWelcome:
		said, err := readFields(inner)
		if err != nil {
			return err
		}
		a.redial.welcomed(lastNumber(said, 4))
		a.report(true)
		welcomed(lastNumber(said, 3))
	case hearOffer:
		return a.hearOffer(inner)
	case hearContent:
		return a.hearContent(inner)
	case hearHeartbeat:
		a.beat()
	case hearRootChain:
		said, err := readFields(inner)
		if err != nil {
			return err
		}
		a.adopt(allBytes(said, 1))
	case hearFreshness:
		said, err := readFields(inner)
		if err != nil {
			return err
		}
		a.takeFreshness(lastBytes(said, 1))
	case hearGoodbye:
		said, err := readFields(inner)
		if err != nil {
			return err
		}
		a.redial.dismissed(lastNumber(said, 2))
	}
	return nil
}

func (a *agent) adopt(chain [][]byte) {
	newest, envelope, err := verifyRootChain(a.root, a.rootEnvelope, chain)
	if err != nil {
		a.refused(err, "root statements refused")
		return
	}
	if newest.epoch > a.root.epoch {
		a.watch.attestedAt, a.watch.floor = time.Time{}, 0
	}
	a.root, a.rootEnvelope = newest, envelope
}

func (a *agent) takeFreshness(envelope []byte) {
	told, err := a.watch.take(envelope, a.root, a.id, a.place())
	if err != nil {
		a.refused(err, "freshness refused")
		return
	}
	a.redial.proved = true
	a.witness(told.head)
	a.noticeStale()
}

// witness holds the head that was told against what was told before (agent/trust/witness.ts).
func (a *agent) witness(told *auditHead) {
	index := int64(0)
	if told != nil {
		index = told.index
	}
	switch {
	case a.head == nil || told != nil && index > a.head.index:
		a.head, a.below = told, false
	case told != nil && index == a.head.index:
		a.below = false
		if told.digest != a.head.digest {
			a.load.warn("%s: the hub's ledger is not what it was", a.id.cluster)
		}
	default:
		if a.below {
			a.load.warn("%s: the hub's ledger is behind what it was", a.id.cluster)
		}
		a.below = true
	}
}

func (a *agent) refused(err error, what string) {
	var refused *refusal
	if errors.As(err, &refused) {
		a.redial.answered = true
		a.redial.broken = a.redial.broken || !strings.HasPrefix(refused.code, "content_")
	}
	a.load.warn("%s: %s: %v", a.id.cluster, what, err)
}

// beat answers a heartbeat of the hub, or says that the agent is there though none came.
func (a *agent) beat() {
	a.beatAt = time.Now()
	a.say(sayHeartbeat, message(nil).number(1, uint64(a.beatAt.UnixMilli())))
}

// beat is the heartbeat of one stream.
type beat struct {
	agent   *agent
	link    *link
	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

func (b *beat) start(every time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.timer = time.AfterFunc(every/looksPerBeat, func() {
		a := b.agent
		a.mu.Lock()
		silent := time.Since(a.heardAt) > every*silentBeats
		if a.link == b.link && !silent && time.Since(a.beatAt) >= every {
			a.beat()
		}
		a.mu.Unlock()
		if silent {
			b.link.close()
			return
		}
		b.start(every)
	})
}

func (b *beat) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	if b.timer != nil {
		b.timer.Stop()
	}
}
