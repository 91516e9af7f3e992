package main

// Values of the enums of proto/groundswell/v1/report.proto that are said here.
const (
	phaseApplied     = 3
	phaseRemoved     = 5
	healthInProgress = 2
	healthCurrent    = 3
)

const (
	kubernetesVersion = "v0.0.0-memory"
	agentVersion      = "bench"
	// An object that is said to be not ready.
	busyObject = "/ConfigMap/web/busy"
)

// state is what runs of one application: what was verified counts as applied and healthy at once, and
// nothing is written anywhere.
type state struct {
	application string
	manifest    *digest
	generation  int64
	objects     int
	// Why one object is not ready; empty when all are.
	words string
}

func (s state) report() message {
	phase, health, ready := uint64(phaseApplied), uint64(healthCurrent), s.objects
	var digest string
	if s.manifest == nil {
		phase = phaseRemoved
	} else {
		digest = s.manifest.String()
	}
	if s.words != "" {
		health, ready = healthInProgress, max(0, ready-1)
	}
	said := message(nil).text(1, s.application).text(2, digest).number(3, uint64(s.generation)).
		number(4, phase).number(5, health).number(6, uint64(s.objects)).number(7, uint64(ready))
	if s.words != "" {
		said = said.part(8, message(nil).text(1, busyObject).number(2, healthInProgress).text(3, s.words))
	}
	return said
}

func facts() message {
	return message(nil).text(1, kubernetesVersion).number(2, 1).text(3, agentVersion)
}
