package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"helm.sh/helm/v4/pkg/ignore"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
)

// renderChart renders the chart at the path as `helm template --include-crds --skip-tests` does:
// no cluster to look things up in, no name resolution, no post-renderer.
func renderChart(asked *input, from *tree, wanted *askedFacts) ([]object, []string, error) {
	load := loadChart
	if isArchive(asked, from) {
		load = loadArchive
	}
	made, err := load(from, asked.Path, 0)
	if err != nil {
		return nil, nil, err
	}
	metadata := path.Join(asked.Path, "Chart.yaml")
	if made.Metadata.Type == "library" {
		return nil, nil, faultf("invalid", metadata, lineWith(from.files[metadata], "type:"),
			"a library chart makes no objects; name a chart that depends on it")
	}
	values, err := readValues(asked, from)
	if err != nil {
		return nil, nil, err
	}
	capabilities, err := capabilitiesOf(asked)
	if err != nil {
		return nil, nil, err
	}
	if within := made.Metadata.KubeVersion; within != "" {
		wanted.Version = true
		if !chartutil.IsCompatibleRange(within, capabilities.KubeVersion.String()) {
			return nil, nil, faultf("invalid", metadata, lineWith(from.files[metadata], "kubeVersion"),
				"the chart wants Kubernetes %s, this is %s", within, capabilities.KubeVersion.Version)
		}
	}
	if err := chartutil.ProcessDependencies(made, values); err != nil {
		return nil, nil, faultf("invalid", metadata, 0, "%s", err)
	}
	if err := refuseForeignSchemas(made, asked.Path); err != nil {
		return nil, nil, err
	}
	top, err := util.ToRenderValues(made, values, common.ReleaseOptions{
		Name: asked.Helm.ReleaseName, Namespace: asked.Namespace, Revision: 1, IsInstall: true,
	}, capabilities)
	if err != nil {
		return nil, nil, faultf("invalid", metadata, 0, "%s", strings.TrimSpace(err.Error()))
	}
	defer trackCapabilities(made, top, capabilities, wanted).settle()
	files, err := renderTemplates(made, top)
	if err != nil {
		return nil, nil, templateFault(made, asked.Path, err)
	}
	objects, err := readTemplates(made, asked.Path, files)
	if err != nil || !usesChance(made) {
		return objects, nil, err
	}
	again, err := renderTemplates(made, top)
	if err != nil {
		return nil, nil, templateFault(made, asked.Path, err)
	}
	if maps.Equal(files, again) {
		return objects, nil, nil
	}
	others, err := readTemplates(made, asked.Path, again)
	return objects, describeUnstable(objects, others), err
}

// renderTemplates hands the engine values of its own: it writes into them.
func renderTemplates(made *chart.Chart, top common.Values) (map[string]string, error) {
	files, err := engine.Engine{}.Render(made, maps.Clone(top))
	for name := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			delete(files, name)
		}
	}
	return files, err
}

// chance are the template functions whose answer is not decided by their arguments.
var chance = regexp.MustCompile(`\b(rand(AlphaNum|Alpha|Numeric|Ascii|Bytes|Int)|gen(PrivateKey|CA|CAWithKey|SelfSignedCert|` +
	`SelfSignedCertWithKey|SignedCert|SignedCertWithKey)|uuidv4|now|ago|date|htpasswd|bcrypt|shuffle|encryptAES)\b`)

func usesChance(made *chart.Chart) bool {
	return slices.ContainsFunc(made.Templates, func(each *common.File) bool { return chance.Match(each.Data) }) ||
		slices.ContainsFunc(made.Dependencies(), usesChance)
}

func readTemplates(made *chart.Chart, dir string, files map[string]string) ([]object, error) {
	var objects []object
	var faults []error
	for _, crd := range made.CRDObjects() {
		file := sourceOf(made, dir, crd.Filename)
		found, err := parseManifests(file, crd.File.Data)
		objects, faults = append(objects, found...), append(faults, err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		documents := releaseutil.SplitManifests(files[name])
		keys := slices.SortedFunc(maps.Keys(documents), func(a, b string) int {
			if releaseutil.BySplitManifestsOrder([]string{a, b}).Less(0, 1) {
				return -1
			}
			return 1
		})
		for _, key := range keys {
			file := sourceOf(made, dir, name)
			found, err := parseYAML(file, 1, []byte(documents[key]))
			if err != nil {
				// The line is one of the template's output, which nobody can look up.
				for _, each := range faultsOf(err) {
					faults = append(faults, faultf(each.Code, file, 0, "rendered line %d: %s", each.Line, each.Message))
				}
				continue
			}
			for _, each := range found {
				each.line = 0
				objects = append(objects, each)
			}
		}
	}
	return objects, errors.Join(faults...)
}

const maxChartDepth = 16

func loadChart(from *tree, dir string, depth int) (*chart.Chart, error) {
	metadata := path.Join(dir, "Chart.yaml")
	if _, found := from.files[metadata]; !found {
		return nil, faultf("missing", dir, 0, "no Chart.yaml in %q", dir)
	}
	rules := ignore.Empty()
	if data, found := from.files[path.Join(dir, ignore.HelmIgnore)]; found {
		parsed, err := ignore.Parse(bytes.NewReader(data))
		if err != nil {
			return nil, faultf("malformed", path.Join(dir, ignore.HelmIgnore), 0, "%s", err)
		}
		rules = parsed
	}
	rules.AddDefaults()
	var files []*archive.BufferedFile
	for _, name := range from.paths() {
		rest, inside := below(name, dir)
		if inside && !ignored(rules, rest) {
			files = append(files, &archive.BufferedFile{Name: rest, Data: bytes.TrimPrefix(from.files[name], []byte("\xef\xbb\xbf"))})
		}
	}
	made, err := loader.LoadFiles(files)
	if err != nil {
		return nil, chartFault(dir, err)
	}
	if err := checkAPIVersion(made, metadata, from.files[metadata]); err != nil {
		return nil, err
	}
	for _, wanted := range made.Metadata.Dependencies {
		if slices.ContainsFunc(made.Dependencies(), func(each *chart.Chart) bool { return each.Name() == wanted.Name }) {
			continue
		}
		// A chart beside this one in the tree; `helm dependency build` would have copied it.
		beside, isFile := strings.CutPrefix(wanted.Repository, "file://")
		full := path.Join(dir, beside)
		if _, found := from.files[path.Join(full, "Chart.yaml")]; isFile && found && within(full) && depth < maxChartDepth {
			added, err := loadChart(from, full, depth+1)
			if err != nil {
				return nil, err
			}
			made.AddDependency(added)
			continue
		}
		// Charts of API v1 name them in a file of their own.
		declared := metadata
		if legacy := path.Join(dir, "requirements.yaml"); len(from.files[legacy]) > 0 {
			declared = legacy
		}
		if isFile {
			return nil, faultf("missing", declared, lineWith(from.files[declared], wanted.Repository),
				"dependency %q: there is no Chart.yaml in %q", wanted.Name, full)
		}
		return nil, faultf("missing", declared, lineWith(from.files[declared], wanted.Name),
			"dependency %q is not in charts/; run `helm dependency update` and commit the result", wanted.Name)
	}
	return made, nil
}

func checkAPIVersion(made *chart.Chart, metadata string, data []byte) error {
	version := made.Metadata.APIVersion
	if version == chart.APIVersionV1 || version == chart.APIVersionV2 {
		return nil
	}
	return faultf("invalid", metadata, lineWith(data, "apiVersion"), "charts are of apiVersion v1 or v2, not %q", version)
}

func isArchive(asked *input, from *tree) bool {
	_, isFile := from.files[asked.Path]
	return asked.Kind == "helm" && isFile && strings.HasSuffix(asked.Path, ".tgz")
}

// loadArchive reads a chart as repositories hold it, unpacked within Helm's own limits.
func loadArchive(from *tree, name string, _ int) (*chart.Chart, error) {
	made, err := loader.LoadArchive(bytes.NewReader(from.files[name]))
	if err != nil {
		return nil, faultf("malformed", name, 0, "%s", err)
	}
	if err := checkAPIVersion(made, name, nil); err != nil {
		return nil, err
	}
	for _, wanted := range made.Metadata.Dependencies {
		if !slices.ContainsFunc(made.Dependencies(), func(each *chart.Chart) bool { return each.Name() == wanted.Name }) {
			return nil, faultf("missing", name, 0, "dependency %q is not in the archive", wanted.Name)
		}
	}
	return made, nil
}

var unloadable = regexp.MustCompile(`cannot load ([^\s:]+): `)

// chartFault names the file helm could not read; inside a subchart it stays with the chart.
func chartFault(dir string, err error) *fault {
	message := err.Error()
	found := unloadable.FindStringSubmatch(message)
	if found == nil || strings.Contains(message, "subchart") {
		return faultf("malformed", path.Join(dir, "Chart.yaml"), 0, "%s", message)
	}
	return yamlFault(path.Join(dir, found[1]), 1, err)
}

// ignored asks .helmignore about the file and every folder above it.
func ignored(rules *ignore.Rules, name string) bool {
	for at := strings.IndexByte(name, '/'); at >= 0; {
		if rules.Ignore(name[:at], entry{name[:at], true}) {
			return true
		}
		next := strings.IndexByte(name[at+1:], '/')
		if next < 0 {
			break
		}
		at += next + 1
	}
	return rules.Ignore(name, entry{name, false})
}

// entry is what .helmignore rules ask of a file.
type entry struct {
	name string
	dir  bool
}

func (e entry) Name() string       { return path.Base(e.name) }
func (e entry) Size() int64        { return 0 }
func (e entry) ModTime() time.Time { return time.Time{} }
func (e entry) IsDir() bool        { return e.dir }
func (e entry) Sys() any           { return nil }
func (e entry) Mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}

// readValues merges values files in order, then the inline values. A null stays in, so that helm
// deletes the chart's own key.
func readValues(asked *input, from *tree) (map[string]any, error) {
	values := map[string]any{}
	for _, name := range asked.Helm.ValuesFiles {
		data, found := from.files[path.Clean(name)]
		if !found {
			return nil, faultf("missing", name, 0, "values file %q is not in the tree", name)
		}
		more, err := loader.LoadValues(bytes.NewReader(data))
		if err != nil {
			return nil, yamlFault(name, 1, errors.Unwrap(err))
		}
		values = loader.MergeMaps(values, more)
	}
	return loader.MergeMaps(values, asked.Helm.Values), nil
}

// refuseForeignSchemas: helm would fetch a schema that another one names, from disk or network.
func refuseForeignSchemas(made *chart.Chart, dir string) error {
	var faults []error
	if made.Schema != nil {
		file := path.Join(dir, "values.schema.json")
		var schema any
		if err := json.Unmarshal(made.Schema, &schema); err != nil {
			faults = append(faults, faultf("malformed", file, 0, "%s", err))
		}
		for _, ref := range foreignRefs(schema) {
			faults = append(faults, faultf("refused", file, lineWith(made.Schema, ref), "%q: a schema may only refer to itself", ref))
		}
	}
	for _, each := range made.Dependencies() {
		faults = append(faults, refuseForeignSchemas(each, path.Join(dir, "charts", each.Name())))
	}
	return errors.Join(faults...)
}

func foreignRefs(schema any) []string {
	var refs []string
	switch value := schema.(type) {
	case []any:
		for _, each := range value {
			refs = append(refs, foreignRefs(each)...)
		}
	case map[string]any:
		for key, each := range value {
			text, isText := each.(string)
			switch key {
			case "$ref", "$dynamicRef", "$recursiveRef":
				if isText && !strings.HasPrefix(text, "#") {
					refs = append(refs, text)
				}
			case "$schema":
				if isText && !strings.Contains(text, "://json-schema.org/") {
					refs = append(refs, text)
				}
			}
			refs = append(refs, foreignRefs(each)...)
		}
	}
	return refs
}

// sourceOf turns helm's name for a template (`chart/templates/x.yaml`) into a path in the tree.
func sourceOf(made *chart.Chart, dir, name string) string {
	return path.Join(dir, strings.TrimPrefix(name, made.Name()+"/"))
}

var location = regexp.MustCompile(`([^\s():]+/(?:templates|charts)/[^\s():]+):(\d+)`)

func templateFault(made *chart.Chart, dir string, err error) error {
	message := strings.TrimSpace(err.Error())
	file, line := "", 0
	if found := location.FindStringSubmatch(message); found != nil {
		file = sourceOf(made, dir, found[1])
		line, _ = strconv.Atoi(found[2])
	}
	return faultf("template", file, line, "%s", message)
}
