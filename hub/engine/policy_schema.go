package main

import (
	"compress/gzip"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// What Kubernetes' OpenAPI says of its own kinds, a file for each minor version, without
// descriptions; written by test/generate-openapi.ts.
//
//go:embed openapi-*.json.gz
var openapiFiles embed.FS

// schemaNode is the part of a schema that decides whether an object is well formed.
type schemaNode struct {
	Type                 string                 `json:"type"`
	Format               string                 `json:"format"`
	Ref                  string                 `json:"$ref"`
	Properties           map[string]*schemaNode `json:"properties"`
	Items                *schemaNode            `json:"items"`
	AdditionalProperties *schemaNode            `json:"additionalProperties"`
	Required             []string               `json:"required"`
	Preserve             bool                   `json:"x-kubernetes-preserve-unknown-fields"`
}

// schemaBundle is one minor version of Kubernetes.
type schemaBundle struct {
	// Group/version/kind → name of its definition.
	Kinds       map[string]string      `json:"kinds"`
	Definitions map[string]*schemaNode `json:"definitions"`
}

var bundles = struct {
	sync.Mutex
	read map[string]*schemaBundle
}{read: map[string]*schemaBundle{}}

// newestSchema judges where a cluster's version is not known.
const newestSchema = "1.37"

var minorVersion = regexp.MustCompile(`^v?(1\.\d+)`)

// bundleOf gives a version's schemas, or the newest ones; exact tells which.
func bundleOf(kubernetesVersion string) (found *schemaBundle, version string, exact bool, err error) {
	version = newestSchema
	if match := minorVersion.FindStringSubmatch(kubernetesVersion); match != nil {
		if _, err := openapiFiles.Open("openapi-" + match[1] + ".json.gz"); err == nil {
			version, exact = match[1], true
		}
	}
	bundles.Lock()
	defer bundles.Unlock()
	if found = bundles.read[version]; found != nil {
		return found, version, exact, nil
	}
	file, err := openapiFiles.Open("openapi-" + version + ".json.gz")
	if err != nil {
		return nil, version, exact, err
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		return nil, version, exact, err
	}
	found = &schemaBundle{}
	if err := json.NewDecoder(text).Decode(found); err != nil {
		return nil, version, exact, err
	}
	bundles.read[version] = found
	return found, version, exact, nil
}

// schemaPart holds objects to the schemas of their cluster's version, and those of custom kinds to
// what the CustomResourceDefinitions beside them say.
type schemaPart struct{}

func (schemaPart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	if definition, custom := world.definitions[each.gvk.GroupKind()]; custom {
		return judgeCustom(ctx, each, definition), nil
	}
	bundle, version, exact, err := bundleOf(world.kubernetesVersion)
	if err != nil {
		return nil, err
	}
	name, known := bundle.Kinds[each.gvk.Group+"/"+each.gvk.Version+"/"+each.gvk.Kind]
	if !known {
		return nil, nil
	}
	walk := &schemaWalk{bundle: bundle}
	walk.check(bundle.Definitions[name], each.value, "", isWholeSecret(each))
	rule, action := "schema of Kubernetes "+version, "deny"
	if !exact {
		// What this version does not know the cluster's may.
		rule, action = rule+", the cluster's is not known", "warn"
	}
	var found []violation
	slices.Sort(walk.faults)
	for _, message := range walk.faults {
		found = append(found, violation{Action: action, Rule: rule, Message: message})
	}
	return found, nil
}

// isWholeSecret tells of a Secret with what SOPS wrote beside its data, which the agent takes out.
func isWholeSecret(each *subject) bool {
	return each.gvk.Group == "" && each.gvk.Kind == "Secret" && each.value["sops"] != nil
}

const maxSchemaFaults = 50

type schemaWalk struct {
	bundle *schemaBundle
	faults []string
}

func (w *schemaWalk) fault(path, format string, args ...any) {
	if len(w.faults) < maxSchemaFaults {
		if path == "" {
			path = "the object"
		}
		w.faults = append(w.faults, strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, args...))
	}
}

func (w *schemaWalk) check(node *schemaNode, value any, path string, sops bool) {
	for node != nil && node.Ref != "" {
		name := node.Ref
		if node = w.bundle.Definitions[name]; strings.HasSuffix(name, ".Quantity") {
			w.checkQuantity(value, path)
			return
		}
	}
	// What is null is not there, to an API server.
	if node == nil || value == nil {
		return
	}
	if node.Format == "int-or-string" {
		if _, isText := value.(string); !isText && !isWhole(value) {
			w.fault(path, "must be a whole number or text, not %s", typeOf(value))
		}
		return
	}
	switch node.Type {
	case "string":
		if _, ok := value.(string); !ok {
			w.fault(path, "must be text, not %s; quote it", typeOf(value))
		}
	case "integer":
		if !isWhole(value) {
			w.fault(path, "must be a whole number, not %s", typeOf(value))
		}
	case "number":
		if _, ok := value.(json.Number); !ok {
			w.fault(path, "must be a number, not %s", typeOf(value))
		}
	case "boolean":
		if _, ok := value.(bool); !ok {
			w.fault(path, "must be true or false, not %s", typeOf(value))
		}
	case "array":
		list, ok := value.([]any)
		if !ok {
			w.fault(path, "must be a list, not %s", typeOf(value))
		}
		for at, each := range list {
			w.check(node.Items, each, fmt.Sprintf("%s[%d]", path, at), false)
		}
	case "object":
		fields, ok := value.(map[string]any)
		if !ok {
			w.fault(path, "must be a map, not %s", typeOf(value))
			return
		}
		w.checkFields(node, fields, path, sops)
	}
}

func (w *schemaWalk) checkFields(node *schemaNode, fields map[string]any, path string, sops bool) {
	for key, member := range fields {
		place := path + "." + key
		switch known := node.Properties[key]; {
		case known != nil:
			w.check(known, member, place, false)
		case node.AdditionalProperties != nil:
			w.check(node.AdditionalProperties, member, place, false)
		case node.Properties == nil || node.Preserve || sops && key == "sops":
		default:
			w.fault(place, "there is no such field")
		}
	}
	for _, name := range node.Required {
		if fields[name] == nil {
			w.fault(path+"."+name, "is missing")
		}
	}
}

func (w *schemaWalk) checkQuantity(value any, path string) {
	switch value.(type) {
	case nil, string, json.Number:
	default:
		w.fault(path, "must be a quantity such as 500m or 1Gi, not %s", typeOf(value))
	}
}

func isWhole(value any) bool {
	number, ok := value.(json.Number)
	return ok && !strings.ContainsAny(number.String(), ".eE")
}

func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "a map"
	}
}
