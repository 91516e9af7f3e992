// Reads manifests as `kubectl apply --dry-run=client -f` does, by kubectl's own library.
//
// Standard input is a JSON array of texts. Standard output is one JSON array: for each text either
// {"objects": [...]} or {"error": "..."}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/cli-runtime/pkg/resource"
)

type answer struct {
	Objects []json.RawMessage `json:"objects"`
	Error   string            `json:"error,omitempty"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := make([]answer, len(texts))
	for index, text := range texts {
		answers[index] = read(text)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(text string) (given answer) {
	given.Objects = []json.RawMessage{}
	infos, err := resource.NewLocalBuilder().Unstructured().ContinueOnError().
		Stream(strings.NewReader(text), "input").Flatten().Do().Infos()
	if err != nil {
		return answer{Objects: given.Objects, Error: err.Error()}
	}
	for _, info := range infos {
		object, err := json.Marshal(info.Object)
		if err != nil {
			return answer{Objects: given.Objects, Error: err.Error()}
		}
		given.Objects = append(given.Objects, object)
	}
	return given
}
