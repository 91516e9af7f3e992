package main

import (
	"encoding/json"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	manifestLimit = 1 << 20
	mostObjects   = 5_000
)

// manifest is desired state of one application, as far as who applies nothing has to know it.
type manifest struct {
	application string
	objects     []listedObject
}

type listedObject struct {
	digest digest
	size   int
}

// parseManifest reads a manifest whose digest has been checked. What only matters to who applies it is
// not looked at.
func parseManifest(data []byte) (*manifest, error) {
	if len(data) > manifestLimit || !utf8.Valid(data) {
		return nil, refuse("manifest_malformed", "larger than 1 MiB, or not UTF-8")
	}
	var read struct {
		V               *int64  `json:"v"`
		Application     string  `json:"application"`
		TargetNamespace *string `json:"targetNamespace"`
		Prune           *struct {
			Enabled    *bool `json:"enabled"`
			AllowEmpty *bool `json:"allowEmpty"`
		} `json:"prune"`
		Drift          string `json:"drift"`
		DeletionPolicy string `json:"deletionPolicy"`
		Objects        *[]struct {
			ID         string  `json:"id"`
			APIVersion *string `json:"apiVersion"`
			Digest     string  `json:"digest"`
			Size       *int64  `json:"size"`
			File       *string `json:"file"`
		} `json:"objects"`
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, refuse("manifest_malformed", "%v", err)
	}
	whole := read.V != nil && *read.V == 1 && read.Application != "" && read.TargetNamespace != nil &&
		read.Prune != nil && read.Prune.Enabled != nil && read.Prune.AllowEmpty != nil &&
		(read.Drift == "correct" || read.Drift == "report" || read.Drift == "ignore") &&
		(read.DeletionPolicy == "Delete" || read.DeletionPolicy == "Orphan") &&
		read.Objects != nil && len(*read.Objects) <= mostObjects
	if !whole {
		return nil, refuse("manifest_malformed", "a member is missing or is not what it must be")
	}
	parsed := &manifest{application: read.Application}
	seen := map[string]bool{}
	for _, one := range *read.Objects {
		named, ok := parseDigest(one.Digest)
		ok = ok && strings.Count(one.ID, "/") == 3 && one.APIVersion != nil && one.File != nil
		if !ok || one.Size == nil || *one.Size < 0 || *one.Size > objectLimit || seen[one.ID] {
			return nil, refuse("manifest_malformed", "an object entry is malformed or listed twice")
		}
		seen[one.ID] = true
		parsed.objects = append(parsed.objects, listedObject{digest: named, size: int(*one.Size)})
	}
	return parsed, nil
}

// manifests are parsed once for all agents of this process: whoever asks has checked the bytes against the
// digest, so they are the same.
type manifests struct {
	mu    sync.Mutex
	known map[digest]*manifest
}

// Manifests remembered; a benchmark has a few.
const rememberedManifests = 256

func (m *manifests) knows(named digest) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[named] != nil
}

// read gives the manifest of bytes that the caller has checked against their digest.
func (m *manifests) read(named digest, data []byte) (*manifest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if found := m.known[named]; found != nil {
		return found, nil
	}
	parsed, err := parseManifest(data)
	if err != nil {
		return nil, err
	}
	if len(m.known) >= rememberedManifests {
		clear(m.known)
	}
	m.known[named] = parsed
	return parsed, nil
}
