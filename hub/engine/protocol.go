package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Both directions speak frames: a 4-byte big-endian length, then that many bytes of JSON.
const maxFrame = 256 << 20

// maxAnswer bounds what one render may produce, well below maxFrame.
const maxAnswer = 64 << 20

type request struct {
	Op string `json:"op"`
	// Of a policy.
	ID    string `json:"id"`
	Input *input `json:"input"`
	// Files of the input's tree, unless it should be held already.
	Files map[string][]byte `json:"files"`
	// What a policy says, and what it is to judge; see policy.go.
	Policy *policyInput `json:"policy"`
	Judge  *judgeInput  `json:"judge"`
	// Which version of a chart is meant; see chart_version.go.
	Pick *pickInput `json:"pick"`
}

// input mirrors RenderInput of hub/render/engine.ts.
type input struct {
	Kind      string `json:"kind"`
	TreeID    string `json:"treeId"`
	Path      string `json:"path"`
	Directory struct {
		Recurse bool     `json:"recurse"`
		Include []string `json:"include"`
		Exclude []string `json:"exclude"`
	} `json:"directory"`
	Helm struct {
		ReleaseName string         `json:"releaseName"`
		Values      map[string]any `json:"values"`
		ValuesFiles []string       `json:"valuesFiles"`
		KubeVersion string         `json:"kubeVersion"`
		APIVersions []string       `json:"apiVersions"`
		// The versions are all that the cluster serves, not something beside the usual.
		Served bool `json:"served"`
	} `json:"helm"`
	// Entries of kustomizations that stand for a directory of the tree.
	Bases           map[string]string `json:"bases"`
	Patches         []patch           `json:"patches"`
	Namespace       string            `json:"namespace"`
	CreateNamespace bool              `json:"createNamespace"`
}

type answer struct {
	OK       bool       `json:"ok,omitempty"`
	NeedTree bool       `json:"needTree,omitempty"`
	Objects  []rendered `json:"objects,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
	Errors   []*fault   `json:"errors,omitempty"`
	// Of a chart; see capabilities.go.
	Asked *askedFacts `json:"asked,omitempty"`

	NeedPolicy bool        `json:"needPolicy,omitempty"`
	Violations []violation `json:"violations,omitempty"`
	// Of images; to be asked again with the answers.
	Questions []imageQuestion `json:"questions,omitempty"`

	Picked *pickedVersion `json:"picked,omitempty"`
}

type rendered struct {
	ID         objectID `json:"id"`
	APIVersion string   `json:"apiVersion"`
	JSON       string   `json:"json"`
	File       string   `json:"file"`
}

// fault says what is wrong and, where it is known, in which file of the tree and at which line.
// Codes: malformed, invalid, duplicate, missing, refused, template, policy, timeout, too_large, internal.
type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
}

func (f *fault) Error() string { return f.Message }

func faultf(code, file string, line int, format string, args ...any) *fault {
	return &fault{Code: code, Message: fmt.Sprintf(format, args...), File: file, Line: line}
}

// faultsOf flattens what errors.Join put together; a foreign error becomes an internal fault.
func faultsOf(err error) []*fault {
	if err == nil {
		return nil
	}
	var one *fault
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*fault
		for _, each := range joined.Unwrap() {
			all = append(all, faultsOf(each)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*fault{one}
	}
	return []*fault{faultf("internal", "", 0, "%s", err.Error())}
}

func readFrame(in io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes is over the limit", size)
	}
	body := make([]byte, size)
	_, err := io.ReadFull(in, body)
	return body, err
}

func writeFrame(out io.Writer, given answer) error {
	body, err := encode(given)
	if err != nil {
		return err
	}
	if len(body) > maxAnswer {
		return writeFrame(out, answer{Errors: []*fault{faultf("too_large", "", 0,
			"the render is larger than %d MiB", maxAnswer>>20)}})
	}
	frame := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(frame, uint32(len(body)))
	_, err = out.Write(append(frame, body...))
	return err
}

func decodeRequest(body []byte) (request, error) {
	var asked request
	err := json.Unmarshal(body, &asked)
	return asked, err
}
