// Command load is many agents in one process, for benchmarks: links, certificates, signatures, digests and
// reports are an agent's; what was verified counts as applied, and nothing is written anywhere (fidelity C).
//
// It reads a question a line on stdin and answers each with a line on stdout, in the JSON of
// test/bench/load-process.ts; it ends when stdin does. `load vectors FILE…` says instead what it would say
// to vectors for verifiers (test/vectors).
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// Longest question: the tokens of 20,000 clusters.
const longestLine = 16 << 20

type question struct {
	Kind      string   `json:"kind"`
	Hub       string   `json:"hub"`
	Tokens    []string `json:"tokens"`
	Digest    string   `json:"digest"`
	PerSecond int      `json:"perSecond"`
	Seconds   int      `json:"seconds"`
	Run       int      `json:"run"`
}

type counts struct {
	Kind          string `json:"kind"`
	Verified      int    `json:"verified"`
	BytesReceived int64  `json:"bytesReceived"`
	BytesSent     int64  `json:"bytesSent"`
	Messages      int64  `json:"messages"`
	Writes        int64  `json:"writes"`
	CPUMicros     int64  `json:"cpuMicros"`
	Warnings      int64  `json:"warnings"`
	LastWarning   string `json:"lastWarning"`
}

func (l *load) answer(asked question) any {
	switch asked.Kind {
	case "join":
		if err := l.join(asked.Hub, asked.Tokens); err != nil {
			return map[string]string{"kind": "failed", "message": err.Error()}
		}
		return map[string]string{"kind": "joined"}
	case "storm":
		l.storm(asked.PerSecond, asked.Seconds, asked.Run)
		return map[string]string{"kind": "stormed"}
	case "count":
		verified := l.countVerified(asked.Digest)
		l.mu.Lock()
		defer l.mu.Unlock()
		return counts{
			Kind: "counted", Verified: verified,
			BytesReceived: l.received.Load(), BytesSent: l.sent.Load(), Messages: l.messages.Load(),
			Writes: l.writes.Load(), CPUMicros: cpuMicros(),
			Warnings: l.warnings.Load(), LastWarning: l.lastWarning,
		}
	}
	return map[string]string{"kind": "failed", "message": "not a question: " + asked.Kind}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "vectors" {
		judgeFiles(os.Args[2:])
		return
	}
	// Ten thousand agents hold little each: collecting seldom costs memory that is there.
	debug.SetGCPercent(400)
	l := newLoad()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, longestLine)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		if err := answers.Encode(l.answer(asked)); err != nil {
			os.Exit(1)
		}
	}
}
