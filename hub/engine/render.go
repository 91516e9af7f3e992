package main

import (
	"path"
	"slices"
)

// render is the whole of the engine: one input and its tree in, objects sorted by id out,
// and what was wanted to be known of the cluster.
func render(asked *input, from *tree, wanted *askedFacts) ([]rendered, []string, error) {
	asked.Path = path.Clean(asked.Path)
	if !within(asked.Path) || !from.isDir(asked.Path) && !isArchive(asked, from) {
		return nil, nil, faultf("missing", asked.Path, 0, "no folder %q in the tree", asked.Path)
	}
	objects, warnings, err := produce(asked, from, wanted)
	if err != nil {
		return nil, nil, err
	}
	objects, hooks := leaveOutHooks(objects)
	if err := checkHeads(objects); err != nil {
		return nil, nil, err
	}
	objects, more, err := applyPatches(objects, asked.Patches)
	if err != nil {
		return nil, nil, err
	}
	answered, last, err := normalize(objects, asked.Namespace, asked.CreateNamespace)
	warnings = slices.Concat(warnings, hooks, more, last)
	return answered, warnings[:min(len(warnings), maxWarnings)], err
}

func produce(asked *input, from *tree, wanted *askedFacts) ([]object, []string, error) {
	switch asked.Kind {
	case "directory":
		return renderDirectory(asked, from)
	case "kustomize":
		return renderKustomize(asked, from)
	case "helm":
		return renderChart(asked, from, wanted)
	default:
		return nil, nil, faultf("invalid", "", 0, "unknown kind of source %q", asked.Kind)
	}
}
