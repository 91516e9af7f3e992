package main

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"
)

// pickInput asks which version of a chart is meant: of a repository's index, or of the tags of a
// registry.
type pickInput struct {
	Chart   string   `json:"chart"`
	Version string   `json:"version"`
	Index   []byte   `json:"index"`
	Tags    []string `json:"tags"`
}

// pickedVersion is the newest version in the range, and what the index says of its archive.
type pickedVersion struct {
	Version string   `json:"version"`
	Digest  string   `json:"digest,omitempty"`
	URLs    []string `json:"urls,omitempty"`
}

func servePick(asked *pickInput) answer {
	picked, err := pickVersion(asked)
	if err != nil {
		return answer{Errors: faultsOf(err)}
	}
	return answer{OK: true, Picked: picked}
}

// pickVersion reads a range as Helm does: a version that is written in full wins, candidates count
// only where the range names one.
func pickVersion(asked *pickInput) (*pickedVersion, error) {
	var known []*pickedVersion
	if asked.Tags != nil {
		for _, tag := range asked.Tags {
			// A tag cannot hold the plus of a version's build.
			known = append(known, &pickedVersion{Version: strings.ReplaceAll(tag, "_", "+")})
		}
	} else {
		var index struct {
			Entries map[string][]*pickedVersion `json:"entries"`
		}
		if err := yaml.Unmarshal(asked.Index, &index); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal") {
				return nil, faultf("malformed", "index.yaml", 0, "index.yaml is not the index of a chart repository")
			}
			return nil, yamlFault("index.yaml", 1, err)
		}
		for _, each := range index.Entries[asked.Chart] {
			if each != nil {
				known = append(known, each)
			}
		}
		if len(known) == 0 {
			return nil, faultf("missing", "index.yaml", 0, "there is no chart %q", asked.Chart)
		}
	}
	for _, each := range known {
		if each.Version == asked.Version {
			return each, nil
		}
	}
	wanted, err := semver.NewConstraint(asked.Version)
	if err != nil {
		return nil, faultf("invalid", "", 0, "%q is not a version nor a range of versions", asked.Version)
	}
	var best *pickedVersion
	var newest *semver.Version
	for _, each := range known {
		version, err := semver.NewVersion(each.Version)
		if err == nil && wanted.Check(version) && (newest == nil || version.GreaterThan(newest)) {
			best, newest = each, version
		}
	}
	if best == nil {
		return nil, faultf("missing", "", 0, "chart %q has no version %s; there are %s", asked.Chart, asked.Version, listVersions(known))
	}
	return best, nil
}

func listVersions(known []*pickedVersion) string {
	var names []string
	for _, each := range known {
		names = append(names, each.Version)
	}
	slices.Sort(names)
	if len(names) > 10 {
		names = append(names[len(names)-10:], "others")
	}
	return strings.Join(names, ", ")
}
