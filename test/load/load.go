package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// Enrolments at a time: enough that neither side waits for the other, nor both for the disk.
	lanes      = 64
	enrolAgain = 2 * time.Second
	enrolTries = 3
)

// load is all agents of this process, and what is counted of them.
type load struct {
	packs     *packs
	manifests *manifests

	received, sent atomic.Int64
	// Sent to the hub, but for those that time alone brings.
	messages atomic.Int64
	// Objects of whatever was told to be other than what ran: what a cluster would have been written.
	writes   atomic.Int64
	warnings atomic.Int64
	// Agents that were given an address.
	numbered atomic.Int64

	mu          sync.Mutex
	lastWarning string
	agents      []*agent
	// Cluster → application → digest of the manifest that its agent verified.
	applied map[string]map[string]string
	pools   map[string]*x509.CertPool
}

func newLoad() *load {
	return &load{
		packs: newPacks(), manifests: &manifests{known: map[digest]*manifest{}},
		applied: map[string]map[string]string{}, pools: map[string]*x509.CertPool{},
	}
}

// join enrols an agent with each token; they connect by themselves.
func (l *load) join(hub string, tokens []string) error {
	open := make(chan string, len(tokens))
	for _, token := range tokens {
		open <- token
	}
	close(open)
	failed := make(chan error, lanes)
	for range lanes {
		go func() {
			for token := range open {
				if err := l.start(hub, token); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var first error
	for range lanes {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// start is like any agent's: a hub that ten thousand join at once may not manage the first time.
func (l *load) start(hub, token string) error {
	var err error
	for try := 0; try < enrolTries; try++ {
		if try > 0 {
			time.Sleep(enrolAgain)
		}
		var joined *agent
		if joined, err = l.enrol(hub, token); err == nil {
			l.mu.Lock()
			l.agents = append(l.agents, joined)
			l.mu.Unlock()
			go joined.run()
			return nil
		}
	}
	return err
}

// storm has every agent say something else of its applications, again and again; the last words end with `last`.
func (l *load) storm(perSecond, seconds, run int) {
	turns := perSecond * seconds
	start := time.Now()
	for turn := 1; turn <= turns; turn++ {
		words := fmt.Sprintf("run %d, turn %d", run, turn)
		if turn == turns {
			words = fmt.Sprintf("run %d, last", run)
		}
		for _, one := range l.all() {
			one.unrest(words)
		}
		time.Sleep(time.Until(start.Add(time.Duration(turn) * time.Second / time.Duration(perSecond))))
	}
}

func (l *load) all() []*agent {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*agent(nil), l.agents...)
}

// note remembers what an agent verified and counts as applied.
func (l *load) note(cluster string, states []state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	runs := l.applied[cluster]
	if runs == nil {
		runs = map[string]string{}
		l.applied[cluster] = runs
	}
	for _, one := range states {
		if one.manifest != nil {
			runs[one.application] = one.manifest.String()
		}
	}
}

func (l *load) countVerified(digest string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	verified := 0
	for _, runs := range l.applied {
		for _, one := range runs {
			if one == digest {
				verified++
			}
		}
	}
	return verified
}

func (l *load) countWrites(before []state, next state) {
	objects := 0
	for _, one := range before {
		if one.application != next.application {
			continue
		}
		alike := one.manifest == nil && next.manifest == nil || same(one.manifest, next.manifest)
		if alike {
			return
		}
		objects = one.objects
	}
	l.writes.Add(int64(max(objects, next.objects)))
}

func (l *load) warn(format string, values ...any) {
	l.warnings.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastWarning = fmt.Sprintf(format, values...)
}

// addressFor gives each agent an address of its own where the hub is on this machine's loopback: a hub lets
// half of all handshakes come from one address, and agents of a fleet do not share one.
func (l *load) addressFor(hub string) net.IP {
	host, _, err := net.SplitHostPort(hub)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() || ip.To4() == nil {
		return nil
	}
	number := l.numbered.Add(1) - 1
	return net.IPv4(127, byte(1+number/65_536), byte(number/256), byte(number))
}

// poolOf reads a CA once for all that have the same.
func (l *load) poolOf(ca string) *x509.CertPool {
	l.mu.Lock()
	defer l.mu.Unlock()
	pool := l.pools[ca]
	if pool == nil {
		pool = x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(ca))
		l.pools[ca] = pool
	}
	return pool
}

// count counts a connection's bytes below TLS, as they come.
func (l *load) count(conn net.Conn) net.Conn { return &counted{Conn: conn, load: l} }

type counted struct {
	net.Conn
	load *load
}

func (c *counted) Read(data []byte) (int, error) {
	size, err := c.Conn.Read(data)
	c.load.received.Add(int64(size))
	return size, err
}

func (c *counted) Write(data []byte) (int, error) {
	size, err := c.Conn.Write(data)
	c.load.sent.Add(int64(size))
	return size, err
}

// cpuMicros is what this process has used, user and system.
func cpuMicros() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}
