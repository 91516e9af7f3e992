package main

import "time"

// reports tell the hub what runs: the latest of each application, never a queue (agent/reports.ts).
type reports struct {
	dirty map[string]bool
	// A whole report is owed to this connection.
	wholeDue bool
	// One was sent a moment ago.
	waiting bool
	// The snapshot that the hub was told last to be accepted.
	told *digest
}

// changed tells of applications that have something new.
func (a *agent) changed(states []state) {
	for _, one := range states {
		a.reports.dirty[one.application] = true
	}
	if !a.reports.waiting {
		a.report(false)
	}
}

// report tells what changed since the last one, or, to a hub that knows nothing yet, everything.
func (a *agent) report(whole bool) {
	r := &a.reports
	r.wholeDue = r.wholeDue || whole
	if a.link == nil {
		return
	}
	complete := r.wholeDue
	r.wholeDue = false
	said := message(nil).number(1, uint64(a.accepted.sequence))
	told := 0
	for _, one := range a.states {
		if complete || r.dirty[one.application] {
			said = said.part(2, one.report())
			told++
		}
	}
	clear(r.dirty)
	if told == 0 && !complete {
		return
	}
	said = said.flag(3, complete).part(4, facts())
	if a.accepted.snapshot != nil {
		said = said.text(5, a.accepted.snapshot.String())
	}
	a.say(sayReport, said.flag(6, a.watch.isStale(a.place())))
	r.told = a.accepted.snapshot
	if r.waiting {
		return
	}
	r.waiting = true
	time.AfterFunc(reportGap, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		r.waiting = false
		a.report(false)
	})
}

// unrest has one object of each application not ready, for a reason in these words.
func (a *agent) unrest(words string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for at := range a.states {
		a.states[at].words = words
	}
	a.changed(a.states)
}
