package main

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// objectID names an object without its version, as proto/object-id.ts does.
type objectID struct {
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (id objectID) String() string {
	return id.Group + "/" + id.Kind + "/" + id.Namespace + "/" + id.Name
}

var (
	kindPattern    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	versionPattern = regexp.MustCompile(`^([a-z0-9.-]+/)?[a-z0-9]+$`)
	labelPattern   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	// What Kubernetes accepts as a path segment; stricter rules are each kind's own.
	namePattern = regexp.MustCompile(`^[^/%\x00-\x20\x7f]+$`)
)

// checkHeads names every object that is not one, before anything else touches them.
func checkHeads(objects []object) error {
	var faults []error
	for _, each := range objects {
		faults = append(faults, checkHead(each))
	}
	return errors.Join(faults...)
}

func checkHead(each object) error {
	version, _ := each.value["apiVersion"].(string)
	kind, _ := each.value["kind"].(string)
	metadata, _ := each.value["metadata"].(map[string]any)
	name, isText := metadata["name"].(string)
	namespace, hasNamespace := metadata["namespace"]
	refuse := func(format string, args ...any) error {
		return faultf("invalid", each.file, each.line, format, args...)
	}
	switch {
	case version == "":
		return refuse("apiVersion is missing: not a Kubernetes object")
	case !versionPattern.MatchString(version):
		return refuse("apiVersion %q is not a group and version", version)
	case kind == "":
		return refuse("kind is missing: not a Kubernetes object")
	case !kindPattern.MatchString(kind):
		return refuse("kind %q is not a kind", kind)
	case metadata["generateName"] != nil && metadata["name"] == nil:
		return refuse("%s: generateName gives a new object each time; give it a name", kind)
	case metadata["name"] == nil || name == "" && isText:
		return refuse("%s: metadata.name is missing", kind)
	case !isText:
		return refuse("%s: metadata.name must be a string; quote it", kind)
	case len(name) > 253:
		return refuse("%s: a name of %d characters, %.40q…; at most 253 are allowed", kind, len(name), name)
	case !namePattern.MatchString(name) || name == "." || name == "..":
		return refuse("%s: %.300q cannot be a name", kind, name)
	}
	if text, isText := namespace.(string); hasNamespace && namespace != nil &&
		(!isText || text != "" && (len(text) > 63 || !labelPattern.MatchString(text))) {
		return refuse("%s %s: %v cannot be a namespace", kind, name, namespace)
	}
	return nil
}

// set by the API server; a manifest that carries them was exported from a cluster.
var serverFields = []string{"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"}

// normalize makes the objects what a cluster should be sent: local ones left out, what only the
// API server may set stripped, namespaces given, no object twice, sorted by id.
func normalize(objects []object, namespace string, createNamespace bool) ([]rendered, []string, error) {
	if err := checkHeads(objects); err != nil {
		return nil, nil, err
	}
	var warnings []string
	var faults []error
	scopes := declaredScopes(objects)
	first := map[objectID]object{}
	answered := make([]rendered, 0, len(objects)+1)
	add := func(each object) {
		id, version := identify(each.value)
		if other, twice := first[id]; twice {
			faults = append(faults, faultf("duplicate", each.file, each.line, "%s is given twice: also in %s", describe(id), place(other)))
			return
		}
		first[id] = each
		text, err := encode(each.value)
		if bytes.Contains(text, []byte(`"`+proto+`":`)) {
			err = protoFault(each.file, each.line, nil)
		}
		if err != nil {
			faults = append(faults, faultf("malformed", each.file, each.line, "%s", err))
			return
		}
		answered = append(answered, rendered{ID: id, APIVersion: version, JSON: string(text), File: each.file})
	}
	for _, each := range objects {
		if isLocal(each) {
			continue
		}
		if isDeeper(each.value, maxDepth) {
			id, _ := identify(each.value)
			faults = append(faults, faultf("refused", each.file, each.line, "%s: nested deeper than %d", describe(id), maxDepth))
			continue
		}
		if err := refuseLooseSops(each); err != nil {
			faults = append(faults, err)
			continue
		}
		warnings = append(warnings, strip(each)...)
		warnings = append(warnings, settle(each, namespace, scopes)...)
		add(each)
	}
	home := objectID{Kind: "Namespace", Name: namespace}
	if _, given := first[home]; createNamespace && namespace != "" && !given {
		add(object{value: map[string]any{
			"apiVersion": "v1", "kind": "Namespace",
			"metadata": map[string]any{
				"name":        namespace,
				"annotations": map[string]any{"groundswell.dev/prune": "disabled"},
			},
		}})
	}
	slices.SortFunc(answered, func(a, b rendered) int { return strings.Compare(a.ID.String(), b.ID.String()) })
	return answered, warnings, errors.Join(faults...)
}

// isLocal says whether an object is for the tools that make others, and goes to no cluster.
func isLocal(each object) bool {
	return annotation(each.value, "config.kubernetes.io/local-config") == "true"
}

// maxDepth is several times what any manifest has; whoever reads objects next need not fear for its stack.
const maxDepth = 500

func isDeeper(value any, most int) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, each := range value {
			if most == 0 || isDeeper(each, most-1) {
				return true
			}
		}
	case []any:
		for _, each := range value {
			if most == 0 || isDeeper(each, most-1) {
				return true
			}
		}
	}
	return false
}

func strip(each object) (warnings []string) {
	metadata := each.value["metadata"].(map[string]any)
	for _, field := range []string{"resourceVersion", "uid", "managedFields"} {
		if metadata[field] != nil {
			id, _ := identify(each.value)
			warnings = append(warnings, fmt.Sprintf("%s: %s: metadata.%s belongs to the API server and is left out",
				place(each), describe(id), field))
		}
	}
	for _, field := range serverFields {
		delete(metadata, field)
	}
	if owners, _ := metadata["ownerReferences"].([]any); len(owners) > 0 {
		id, _ := identify(each.value)
		warnings = append(warnings, fmt.Sprintf("%s: %s: metadata.ownerReferences name their owners by the uids of one cluster; "+
			"where there are none of these, Kubernetes deletes the object", place(each), describe(id)))
	}
	delete(each.value, "status")
	return warnings
}

// settle gives namespaced objects their namespace and takes it from cluster-scoped ones. Kinds
// nobody here knows are left alone: the agent asks its cluster.
func settle(each object, namespace string, scopes map[string]bool) (warnings []string) {
	metadata := each.value["metadata"].(map[string]any)
	if given, _ := metadata["namespace"].(string); given == "" {
		delete(metadata, "namespace")
	}
	id, version := identify(each.value)
	// What Kubernetes itself has is where it says, whatever somebody's definition claims of it.
	namespaced, known := openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: version, Kind: id.Kind})
	if !known {
		namespaced, known = scopes[id.Group+"/"+id.Kind]
	}
	switch {
	case !known:
	case namespaced && id.Namespace == "" && namespace != "":
		metadata["namespace"] = namespace
	case !namespaced && id.Namespace != "":
		delete(metadata, "namespace")
		warnings = append(warnings, fmt.Sprintf("%s: %s is not in a namespace; %q is left out", place(each), describe(id), id.Namespace))
	}
	return warnings
}

// declaredScopes reads group/kind → namespaced from the CustomResourceDefinitions that are sent along.
func declaredScopes(objects []object) map[string]bool {
	scopes := map[string]bool{}
	for _, each := range objects {
		id, _ := identify(each.value)
		spec, _ := each.value["spec"].(map[string]any)
		if id.Group != "apiextensions.k8s.io" || id.Kind != "CustomResourceDefinition" || spec == nil || isLocal(each) {
			continue
		}
		names, _ := spec["names"].(map[string]any)
		scopes[fmt.Sprint(spec["group"], "/", names["kind"])] = spec["scope"] == "Namespaced"
	}
	return scopes
}

func identify(value map[string]any) (objectID, string) {
	version, _ := value["apiVersion"].(string)
	kind, _ := value["kind"].(string)
	metadata, _ := value["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, _ := metadata["namespace"].(string)
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	return objectID{Group: group, Kind: kind, Namespace: namespace, Name: name}, version
}

func annotation(value map[string]any, key string) string {
	metadata, _ := value["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[key].(string)
	return text
}

func describe(id objectID) string {
	if id.Namespace == "" {
		return id.Kind + " " + id.Name
	}
	return id.Kind + " " + id.Namespace + "/" + id.Name
}

func place(each object) string {
	switch {
	case each.file == "":
		return "a generator"
	case each.line == 0:
		return each.file
	default:
		return fmt.Sprintf("%s:%d", each.file, each.line)
	}
}
