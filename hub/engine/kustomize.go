package main

import (
	"bytes"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"
)

const originAnnotation = "config.kubernetes.io/origin"

// renderKustomize builds the kustomization at the path. The file system holds the tree and nothing
// else, so every file of the tree may be named and none outside it; plugins, functions and helm
// inflation are off, and remote resources are refused before kustomize sees them.
func renderKustomize(asked *input, from *tree) ([]object, []string, error) {
	found := &survey{seen: map[string]bool{}, files: map[string]bool{}}
	if err := errors.Join(found.inspect(from, asked.Path, asked.Bases)...); err != nil {
		return nil, nil, err
	}
	disk, err := from.fileSystem(asked.Bases)
	if err != nil {
		return nil, nil, err
	}
	root, _ := kustomizationIn(from, asked.Path)
	data, err := localize(root, from.files[root], asked.Bases)
	if err != nil {
		return nil, nil, err
	}
	usual := openapi.GetSchemaVersion()
	defer func() {
		// A schema of its own, be it of a base; the next render must not see it. Costs 30 ms, so only where needed.
		if openapi.GetSchemaVersion() != usual {
			openapi.ResetOpenAPI()
		}
	}()
	only := found.onlyFile()
	var traced []byte
	if only == "" {
		traced = traceable(data)
	}
	if traced != nil {
		if err := disk.WriteFile("/"+root, traced); err != nil {
			return nil, nil, faultf("internal", root, 0, "%s", err)
		}
		defer func() { _ = disk.WriteFile("/"+root, data) }()
	}
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	made, err := krusty.MakeKustomizer(options).Run(disk, path.Join("/", asked.Path))
	if err != nil {
		return nil, nil, kustomizeFault(from, asked.Path, root, err)
	}
	var objects []object
	for _, each := range made.Resources() {
		file := only
		if file == "" {
			file = originOf(each, asked.Path)
		}
		read, err := fromResource(each, file)
		if err != nil {
			return nil, nil, err
		}
		if traced != nil {
			forgetOrigin(read)
		}
		objects = append(objects, read)
	}
	return objects, nil, nil
}

// fromResource takes the object out of kustomize's nodes. Kustomize's own way there is to print the
// nodes and read the text again, which for a large one takes a third of the whole build.
func fromResource(from *resource.Resource, file string) (object, error) {
	var value map[string]any
	if err := from.YNode().Decode(&value); err != nil {
		return object{}, faultf("malformed", file, 0, "%s", err)
	}
	return object{value: value, file: file}, nil
}

func forgetOrigin(from object) {
	metadata, _ := from.value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, originAnnotation)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
}

// traceable is the kustomization with origin annotations asked for, so that each object can name
// its file; nil where text cannot simply be appended.
func traceable(data []byte) []byte {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) || bytes.Contains(data, []byte("buildMetadata")) ||
		bytes.Contains(data, []byte("\n...")) || !firstField.Match(data) {
		return nil
	}
	traced := bytes.Clone(data)
	if !bytes.HasSuffix(traced, []byte("\n")) {
		// The end of a line would be one of a block of text that the file ends with.
		if textBlock.Match(traced) {
			return nil
		}
		traced = append(traced, '\n')
	}
	return append(traced, "buildMetadata: [originAnnotations]\n"...)
}

var textBlock = regexp.MustCompile(`(?m)[|>][-+1-9]*[ \t\r]*(?:#.*)?$`)

// firstField is at the start of its line, and so may be any after it. A file without one is empty, which kustomize refuses.
var firstField = regexp.MustCompile(`^(?:\x{feff})?(?:[ \t\r]*(?:#.*|---[ \t\r]*(?:#.*)?)?\n)*[^ \t\r\n#-]`)

func originOf(from *resource.Resource, dir string) string {
	origin, err := from.GetOrigin()
	if err != nil || origin == nil || origin.Path == "" {
		return ""
	}
	return path.Join(dir, origin.Path)
}

func kustomizationIn(from *tree, dir string) (string, bool) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		full := path.Join(dir, name)
		if _, found := from.files[full]; found {
			return full, true
		}
	}
	return "", false
}

// plainFields bring no object that is not in a file of the resources. A field that is not here may bring one.
var plainFields = []string{
	"apiVersion", "kind", "metadata", "resources", "bases", "components", "namespace", "namePrefix", "nameSuffix", "images", "replicas",
	"commonLabels", "labels", "commonAnnotations", "patches", "patchesStrategicMerge", "patchesJson6902", "openapi", "crds",
	"configurations", "generatorOptions", "replacements", "vars", "sortOptions",
}

// survey is what a build would read, found before it is built.
type survey struct {
	// Directories, and files of objects.
	seen, files map[string]bool
	// More than what the files hold may come out.
	generates bool
}

// onlyFile is the file that every object comes from, when there is no other. Kustomize need not keep a
// record in each object then, which for a small overlay is an eighth of the whole build.
func (s *survey) onlyFile() string {
	if s.generates || len(s.files) != 1 {
		return ""
	}
	return sortedKeys(s.files)[0]
}

// inspect follows the kustomizations a build would read and names every reference
// that leaves the tree or is not in it, with file and line; kustomize itself would try to fetch it.
func (s *survey) inspect(from *tree, dir string, bases map[string]string) []error {
	if s.seen[dir] {
		return nil
	}
	s.seen[dir] = true
	name, found := kustomizationIn(from, dir)
	if !found {
		return []error{faultf("missing", dir, 0, "no kustomization.yaml in %q", dir)}
	}
	data := from.files[name]
	var content map[string]any
	if err := yaml.Unmarshal(data, &content); err != nil {
		return []error{yamlFault(name, 1, err)}
	}
	content, faults := respell(name, data, content)
	for _, field := range []string{"helmCharts", "helmChartInflationGenerator"} {
		if _, used := content[field]; used {
			faults = append(faults, faultf("refused", name, lineWith(data, field), "%s: charts are not inflated here; "+
				"make the chart an application of its own", field))
		}
	}
	for field := range content {
		s.generates = s.generates || !slices.Contains(plainFields, field)
	}
	for _, field := range []string{"resources", "bases", "components", "generators", "transformers", "validators"} {
		entries, _ := content[field].([]any)
		for _, entry := range entries {
			text, _ := entry.(string)
			if text == "" || strings.Contains(text, "\n") {
				continue
			}
			line, full := lineWith(data, text), path.Join(dir, text)
			_, isFile := from.files[full]
			base, isRemote := bases[text]
			switch {
			case isRemote && slices.Contains(baseFields, field):
				if base = path.Clean(base); !within(base) || !from.isDir(base) {
					faults = append(faults, faultf("missing", name, line, "%s: %q is not in the tree", field, text))
					continue
				}
				// What a base takes from elsewhere was held to the same list, and fetched with it.
				faults = append(faults, s.inspect(from, base, bases)...)
			case path.IsAbs(text) || !within(full):
				faults = append(faults, faultf("refused", name, line, "%s: %q is outside the tree", field, text))
			case isFile: // Read by kustomize itself.
				s.files[full] = true
			case from.isDir(full):
				faults = append(faults, s.inspect(from, full, bases)...)
			default:
				faults = append(faults, faultf("missing", name, line, "%s: %q is not in the tree; remote resources are "+
					"refused, but for bases of a Repository that `kustomize.bases` names", field, text))
			}
		}
	}
	return append(faults, refuseStrangers(name, data, content)...)
}

// readFields are what is looked at here, of a kustomization and of what is in its lists.
var readFields = append([]string{
	"helmCharts", "helmChartInflationGenerator", "generators", "transformers", "validators", "configMapGenerator",
	"secretGenerator", "path", "files", "envs",
}, plainFields...)

// respell gives fields the letters they are looked for in. Kustomize takes them in any, as Go reads JSON; which of
// two it takes is by chance of the alphabet, so they are refused.
func respell(name string, data []byte, content map[string]any) (map[string]any, []error) {
	spelt, faults := make(map[string]any, len(content)), []error(nil)
	for _, key := range sortedKeys(content) {
		usual := key
		if !slices.Contains(readFields, key) {
			at := slices.IndexFunc(readFields, func(field string) bool { return strings.EqualFold(field, key) })
			if at >= 0 {
				usual = readFields[at]
			}
		}
		if _, twice := content[usual]; usual != key && twice {
			faults = append(faults, faultf("malformed", name, lineWith(data, key), "%s: the field is there twice, in other letters", key))
		}
		spelt[usual] = content[key]
	}
	return spelt, faults
}

// refuseStrangers finds places where kustomize would read a file over the network, or look for one
// outside the tree.
func refuseStrangers(name string, data []byte, content map[string]any) []error {
	var faults []error
	check := func(field string, value any) {
		text, _ := value.(string)
		if text == "" || strings.Contains(text, "\n") {
			return
		}
		switch full := path.Join(path.Dir(name), text); {
		case strings.Contains(text, "://"):
			faults = append(faults, faultf("refused", name, lineWith(data, text), "%s: %q: nothing is read from the network",
				field, text))
		case path.IsAbs(text) || !within(full):
			faults = append(faults, faultf("refused", name, lineWith(data, text), "%s: %q is outside the tree", field, text))
		}
	}
	for _, field := range slices.Sorted(maps.Keys(content)) {
		switch value := content[field].(type) {
		case []any:
			for _, entry := range value {
				written, _ := entry.(map[string]any)
				fields, twice := respell(name, data, written)
				faults = append(faults, twice...)
				check(field, fields["path"])
				for _, key := range []string{"files", "envs"} {
					files, _ := fields[key].([]any)
					for _, file := range files {
						// A file may be given a key: `motd=../motd.txt`.
						text, _ := file.(string)
						if _, after, keyed := strings.Cut(text, "="); keyed && !strings.Contains(text, "://") {
							text = after
						}
						check(field, text)
					}
				}
				if field == "crds" || field == "configurations" || field == "patchesStrategicMerge" {
					check(field, entry)
				}
			}
		case map[string]any:
			if field == "openapi" {
				fields, twice := respell(name, data, value)
				faults = append(faults, twice...)
				check(field, fields["path"])
			}
		}
	}
	return faults
}

func lineWith(data []byte, text string) int {
	at := bytes.Index(data, []byte(text))
	if at < 0 {
		return 0
	}
	return lineAt(data, int64(at))
}

var (
	recursed = regexp.MustCompile(`recursed accumulation of path '([^']+)'`)
	culprit  = regexp.MustCompile(`in File: (\S+)|from '([^']+)'|path\(?"?([^\s"()]+)`)
)

// kustomizeFault reads file and line out of kustomize's words, as far as they are there.
func kustomizeFault(from *tree, dir, root string, err error) error {
	message := strings.TrimSpace(err.Error())
	if inner := recursed.FindAllStringSubmatch(message, -1); inner != nil {
		dir = strings.TrimPrefix(inner[len(inner)-1][1], "/")
	}
	file, line := root, 0
	for _, found := range culprit.FindAllStringSubmatch(message, -1) {
		full := path.Join(dir, found[1]+found[2]+found[3])
		if _, known := from.files[full]; known {
			file = full
		}
	}
	if found := lineOf.FindStringSubmatch(message); found != nil && file != root {
		line, _ = strconv.Atoi(found[1])
	}
	if strings.Contains(message, "external plugins disabled") {
		message += "; generators, transformers and validators that are programs are not run"
	}
	return faultf("malformed", file, line, "%s", message)
}
