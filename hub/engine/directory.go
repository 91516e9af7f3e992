package main

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/gobwas/glob"
)

// notManifests are files other tools read, which a plain directory may hold beside manifests.
var notManifests = []string{"kustomization.yaml", "kustomization.yml", "Kustomization", "swell.yaml"}

// renderDirectory reads *.yaml, *.yml and *.json below the path, in order of their names.
// Globs are relative to the path; `*` stays within a folder, `**` crosses them, `**/` may also stand for none.
func renderDirectory(asked *input, from *tree) ([]object, []string, error) {
	include, err := compileGlobs(asked.Directory.Include)
	if err != nil {
		return nil, nil, err
	}
	exclude, err := compileGlobs(asked.Directory.Exclude)
	if err != nil {
		return nil, nil, err
	}
	var objects []object
	var warnings []string
	var faults []error
	for _, name := range from.paths() {
		rest, inside := below(name, asked.Path)
		if !inside || (!asked.Directory.Recurse && strings.Contains(rest, "/")) {
			continue
		}
		if !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			continue
		}
		if slices.Contains(notManifests, path.Base(name)) {
			continue
		}
		if (len(include) > 0 && !matches(include, rest)) || matches(exclude, rest) {
			continue
		}
		found, err := parseManifests(name, from.files[name])
		faults = append(faults, err)
		for _, each := range found {
			if version, _ := each.value["apiVersion"].(string); strings.HasPrefix(version, "groundswell.dev/") {
				kind, _ := each.value["kind"].(string)
				warnings = append(warnings, name+": "+kind+" configures the hub and is not sent to clusters")
				continue
			}
			objects = append(objects, each)
		}
	}
	return objects, warnings, errors.Join(faults...)
}

// below gives a file's path relative to dir, if it is inside.
func below(name, dir string) (string, bool) {
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

func compileGlobs(patterns []string) ([]*glob.Pattern, error) {
	compiled := make([]*glob.Pattern, 0, len(patterns))
	for _, pattern := range patterns {
		for _, spelling := range spellings(pattern, 0, 4) {
			each, err := glob.Compile(spelling, '/')
			if err != nil {
				return nil, faultf("invalid", "", 0, "glob %q: %s", pattern, err)
			}
			compiled = append(compiled, each)
		}
	}
	return compiled, nil
}

// spellings are a pattern with and without each of its first `**/`, as most tools read it: for any folders, or none.
func spellings(pattern string, from, most int) []string {
	at := strings.Index(pattern[from:], "**/")
	if at < 0 || most == 0 {
		return []string{pattern}
	}
	at += from
	all := spellings(pattern, at+3, most-1)
	if at == 0 || strings.ContainsRune("/{,", rune(pattern[at-1])) {
		all = append(all, spellings(pattern[:at]+pattern[at+3:], at, most-1)...)
	}
	return all
}

func matches(globs []*glob.Pattern, name string) bool {
	return slices.ContainsFunc(globs, func(each *glob.Pattern) bool { return each.Match(name) })
}
