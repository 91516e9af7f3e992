// Groundswell's render engine: kustomize, helm and plain directories, as their own code reads them.
//
// One request at a time over standard input and output. It reads nothing but its input: no files,
// no environment, no network, so the same input gives the same objects.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/openapi"
)

func main() {
	memory := flag.Int64("memory", 1<<30, "bytes of memory after which the process ends itself")
	flag.Parse()
	os.Clearenv()
	http.DefaultTransport = noNetwork{}
	limitMemory(*memory)
	limitProcess(*memory)

	// Reading Kubernetes' own schema takes a moment; better now than in the first render.
	openapi.Schema()

	in, held := bufio.NewReaderSize(os.Stdin, 1<<16), newTrees(64<<20, 64)
	judges, garbage := newPolicies(64), newSweeper()
	for {
		body, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = writeFrame(os.Stdout, serve(body, held, judges))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "engine:", err)
			os.Exit(1)
		}
		garbage.sweep()
	}
}

func serve(body []byte, held *trees, judges *policies) (given answer) {
	// The libraries warn through the standard logger; people should see it, beside the result.
	var logged bytes.Buffer
	log.SetFlags(0)
	log.SetOutput(&logged)
	defer func() {
		if cause := recover(); cause != nil {
			given = answer{Errors: []*fault{faultf("internal", "", 0, "the engine failed: %v", cause)}}
		}
	}()
	asked, err := decodeRequest(body)
	if err != nil {
		return answer{Errors: []*fault{faultf("internal", "", 0, "unreadable request: %s", err)}}
	}
	switch asked.Op {
	case "hello":
		return answer{OK: true}
	case "render":
		if asked.Input == nil {
			return answer{Errors: []*fault{faultf("internal", "", 0, "a render without input")}}
		}
		if asked.Files != nil {
			if err := held.put(asked.Input.TreeID, asked.Files); err != nil {
				return answer{Errors: faultsOf(err)}
			}
		}
		from := held.get(asked.Input.TreeID)
		if from == nil {
			return answer{NeedTree: true}
		}
		wanted := &askedFacts{}
		objects, warnings, err := render(asked.Input, from, wanted)
		if err != nil {
			return answer{Errors: faultsOf(err)}
		}
		if asked.Input.Kind != "helm" {
			wanted = nil
		}
		for line := range strings.Lines(logged.String()) {
			if text := strings.TrimSpace(line); text != "" && len(warnings) < maxWarnings {
				warnings = append(warnings, text)
			}
		}
		return answer{OK: true, Objects: objects, Warnings: warnings, Asked: wanted}
	case "policy":
		return servePolicy(asked, judges)
	case "pick":
		return servePick(asked.Pick)
	case "judge":
		return serveJudge(asked, judges)
	default:
		return answer{Errors: []*fault{faultf("internal", "", 0, "unknown request %q", asked.Op)}}
	}
}

const maxWarnings = 100

// noNetwork is every default HTTP client's way out.
type noNetwork struct{}

func (noNetwork) RoundTrip(asked *http.Request) (*http.Response, error) {
	return nil, faultf("refused", "", 0, "%s: the engine reads nothing from the network", asked.URL)
}
