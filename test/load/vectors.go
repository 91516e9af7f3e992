package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// vector is a case with the verdict it must get; the format is told in test/vectors/README.md.
type vector struct {
	Name      string            `json:"name"`
	Expected  string            `json:"expected"`
	Root      []byte            `json:"root"`
	RootChain [][]byte          `json:"rootChain"`
	Identity  map[string]string `json:"identity"`
	State     struct {
		Epoch          int64   `json:"epoch"`
		Sequence       int64   `json:"sequence"`
		SnapshotDigest *string `json:"snapshotDigest"`
		TimeFloor      int64   `json:"timeFloor"`
		Doubt          *string `json:"doubt"`
	} `json:"state"`
	Snapshot  []byte            `json:"snapshot"`
	Freshness []byte            `json:"freshness"`
	Nonce     string            `json:"nonce"`
	Content   map[string][]byte `json:"content"`
	At        int64             `json:"at"`
	Wanted    map[string]*int   `json:"wanted"`
	Packs     [][]byte          `json:"packs"`
}

// judgeFiles prints for each vector its name, the verdict that was expected and the one it got, as JSON.
func judgeFiles(paths []string) {
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err == nil {
			err = judgeFile(data)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "load: %s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func judgeFile(data []byte) error {
	var file struct {
		Defaults json.RawMessage   `json:"defaults"`
		Vectors  []json.RawMessage `json:"vectors"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	answers := json.NewEncoder(os.Stdout)
	for _, text := range file.Vectors {
		var one vector
		// A vector with the defaults beneath it; objects are replaced whole.
		var overlay struct{ State, Identity, Content json.RawMessage }
		if err := errors.Join(json.Unmarshal(text, &overlay), json.Unmarshal(file.Defaults, &one)); err != nil {
			return err
		}
		if overlay.State != nil {
			one.State.SnapshotDigest, one.State.Doubt, one.State.TimeFloor = nil, nil, 0
		}
		if overlay.Content != nil {
			one.Content = nil
		}
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		if err := answers.Encode([]string{one.Name, one.Expected, verdictOf(one.judge())}); err != nil {
			return err
		}
	}
	return nil
}

func verdictOf(err error) string {
	var refused *refusal
	switch {
	case err == nil:
		return "accept"
	case errors.As(err, &refused):
		return refused.code
	}
	return err.Error()
}

func (v vector) judge() error {
	if v.Packs != nil {
		return v.judgePacks()
	}
	id := identity{v.Identity["fleet"], v.Identity["cluster"], v.Identity["clusterId"], v.Identity["clusterUid"]}
	pinned, err := verifyRoot(v.Root)
	if err != nil {
		return err
	}
	newest, _, err := verifyRootChain(pinned, v.Root, v.RootChain)
	if err != nil {
		return err
	}
	accepted := position{epoch: v.State.Epoch, sequence: v.State.Sequence}
	if v.State.SnapshotDigest != nil {
		named, _ := parseDigest(*v.State.SnapshotDigest)
		accepted.snapshot = &named
	}
	if v.Freshness != nil {
		if _, err := verifyFreshness(v.Freshness, newest, id, v.Nonce, accepted); err != nil {
			return err
		}
	}
	if v.Snapshot == nil {
		return nil
	}
	now := v.At
	if newest.epoch == pinned.epoch {
		now = max(now, v.State.TimeFloor)
	}
	read, _, err := verifySnapshot(v.Snapshot, newest, id, accepted, now*1000)
	if err != nil {
		return err
	}
	if err := checkApprovals(read, newest, id); err != nil {
		return err
	}
	if v.Content == nil {
		return nil
	}
	return v.judgeContent(read)
}

func (v vector) judgeContent(read *snapshot) error {
	for _, one := range read.applications {
		if !one.present {
			continue
		}
		data, found := v.Content[one.manifest.String()]
		switch {
		case !found:
			return refuse("content_missing", "%s", one.manifest)
		case int64(len(data)) != one.size:
			return refuse("size_mismatch", "%s", one.manifest)
		case digestOf(data) != one.manifest:
			return refuse("digest_mismatch", "%s", one.manifest)
		}
		parsed, err := parseManifest(data)
		if err != nil {
			return err
		}
		if parsed.application != one.name {
			return refuse("manifest_malformed", "the manifest is of %s", parsed.application)
		}
		for _, object := range parsed.objects {
			data, found := v.Content[object.digest.String()]
			if !found {
				return refuse("content_missing", "%s", object.digest)
			}
			if digestOf(data) != object.digest {
				return refuse("digest_mismatch", "%s", object.digest)
			}
		}
	}
	return nil
}

func (v vector) judgePacks() error {
	var these wanted
	for text, size := range v.Wanted {
		named, _ := parseDigest(text)
		declared := undeclared
		if size != nil {
			declared = *size
		}
		these.add(named, declared)
	}
	unpacking, gathering := newPacks(), newAssembly(these)
	allowance := unaskedAllowance + allowanceFor(these)
	for _, data := range v.Packs {
		came, err := readContent(data)
		if err != nil {
			return refuse("object_malformed", "%v", err)
		}
		if allowance -= costOf(came); allowance < 0 {
			return refuse("too_much_data", "more than was asked for")
		}
		parts, err := unpacking.unpack(came)
		if err != nil {
			return err
		}
		if err := gathering.take(parts); err != nil {
			return err
		}
	}
	if !gathering.isWhole() {
		return refuse("content_missing", "packs end")
	}
	return nil
}
