package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

const (
	argoHook = "argocd.argoproj.io/hook"
	helmHook = "helm.sh/hook"
)

// What a hook of each tool means here. An object whose only events are left out is never sent: it
// would run at the wrong time. Delete policies and weights stay in its annotations.
var (
	syncEvents = []string{
		// Argo CD's
		"PreSync", "Sync", "PostSync", "SyncFail", "PreDelete", "PostDelete",
		// Helm's
		"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-delete", "post-delete",
	}
	testEvents = []string{"test", "test-success", "test-failure"}
)

// leaveOutHooks drops tests, hooks for events no delivery has, and what Argo CD is told to skip. A
// hook of Argo CD makes Helm's on the same object count for nothing, as it does there.
func leaveOutHooks(objects []object) (kept []object, warnings []string) {
	for _, each := range objects {
		stays, warning := keepHook(each)
		if warning != "" {
			warnings = append(warnings, place(each)+": "+warning)
		}
		if stays {
			nameHook(each)
			kept = append(kept, each)
		}
	}
	return kept, warnings
}

// nameHook names a hook that asks for a new name each time by its content instead: the same commit
// gives the same objects, and a hook that changed is another object.
func nameHook(each object) {
	if annotation(each.value, argoHook) == "" && annotation(each.value, helmHook) == "" {
		return
	}
	metadata, _ := each.value["metadata"].(map[string]any)
	prefix, _ := metadata["generateName"].(string)
	if prefix == "" || metadata["name"] != nil {
		return
	}
	text, err := encode(each.value)
	if err != nil {
		// Said later, of each object alike.
		return
	}
	sum := sha256.Sum256(text)
	delete(metadata, "generateName")
	metadata["name"] = prefix + hex.EncodeToString(sum[:])[:10]
}

func keepHook(each object) (stays bool, warning string) {
	hook := annotation(each.value, argoHook)
	if hook == "" {
		hook = annotation(each.value, helmHook)
	}
	if hook == "" {
		return true, ""
	}
	var events []string
	for _, event := range strings.Split(hook, ",") {
		events = append(events, strings.TrimSpace(event))
	}
	among := func(known ...string) bool {
		return slices.ContainsFunc(events, func(event string) bool { return slices.Contains(known, event) })
	}
	kind, _ := each.value["kind"].(string)
	switch {
	case among("crd-install") && kind == "CustomResourceDefinition":
		// Helm 2's way of saying that it comes first, which here it does anyway.
		return true, ""
	case among("Skip"):
		return false, fmt.Sprintf("%s is left out: its annotation says to skip it", kind)
	case among(syncEvents...):
		// When it runs and what becomes of it then is written into the manifest from its annotations.
		return true, ""
	case among(testEvents...):
		return false, ""
	default:
		return false, fmt.Sprintf("the %s hook %s is left out", hook, kind)
	}
}
