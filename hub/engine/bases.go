package main

import (
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// baseFields are where a kustomization may name a base of another repository.
var baseFields = []string{"resources", "components", "bases"}

// localize has a kustomization name directories of its tree where it names bases that were fetched.
// Any other file stays as it is.
func localize(name string, data []byte, bases map[string]string) ([]byte, error) {
	if len(bases) == 0 || !slices.Contains(konfig.RecognizedKustomizationFileNames(), path.Base(name)) {
		return data, nil
	}
	document, err := yaml.Parse(string(data))
	if err != nil {
		// Kustomize says what is wrong with it.
		return data, nil
	}
	fields, err := document.Fields()
	if err != nil {
		return data, nil
	}
	changed := false
	for _, field := range fields {
		if !slices.ContainsFunc(baseFields, func(known string) bool { return strings.EqualFold(known, field) }) {
			continue
		}
		list, err := document.Pipe(yaml.Lookup(field))
		if err != nil || list == nil || list.YNode().Kind != yaml.SequenceNode {
			continue
		}
		for _, entry := range list.Content() {
			at, isRemote := bases[entry.Value]
			if entry.Kind != yaml.ScalarNode || !isRemote {
				continue
			}
			relative, err := filepath.Rel(path.Join("/", path.Dir(name)), path.Join("/", at))
			if err != nil {
				return nil, faultf("internal", name, entry.Line, "%s", err)
			}
			entry.SetString(filepath.ToSlash(relative))
			changed = true
		}
	}
	if !changed {
		return data, nil
	}
	text, err := document.String()
	if err != nil {
		return nil, faultf("internal", name, 0, "%s", err)
	}
	return []byte(text), nil
}
