package main

import (
	"bytes"
	"errors"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

type patch struct {
	Patch  string         `json:"patch"`
	Target map[string]any `json:"target"`
}

// applyPatches runs kustomize's own patch transformer over any objects. Afterwards each object
// still knows the file it came from.
func applyPatches(objects []object, patches []patch) ([]object, []string, error) {
	if len(patches) == 0 {
		return objects, nil, nil
	}
	factory := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory())
	all, from := resmap.New(), map[*resource.Resource]object{}
	for _, each := range objects {
		text, err := encode(each.value)
		if err != nil {
			return nil, nil, faultf("internal", each.file, each.line, "%s", err)
		}
		made, err := factory.RF().FromBytes(text)
		if err == nil {
			err = all.Append(made)
		}
		if err != nil {
			return nil, nil, faultf("invalid", each.file, each.line, "%s", err)
		}
		from[made] = each
	}
	var warnings []string
	var faults []error
	for index, each := range patches {
		unmatched, err := applyPatch(all, factory, each)
		if err != nil {
			faults = append(faults, faultf("invalid", "", 0, "patch %d: %s", index+1, err))
		}
		if unmatched {
			warnings = append(warnings, fmt.Sprintf("patch %d: its target matches no object", index+1))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, nil, err
	}
	all.RemoveBuildAnnotations()
	patched := make([]object, 0, all.Size())
	for _, each := range all.Resources() {
		source := from[each]
		found, err := fromResource(each, source.file)
		if err != nil {
			return nil, nil, err
		}
		found.line = source.line
		patched = append(patched, found)
	}
	return patched, warnings, nil
}

func applyPatch(all resmap.ResMap, factory *resmap.Factory, given patch) (unmatched bool, err error) {
	fields := map[string]any{"patch": given.Patch}
	if given.Target != nil {
		fields["target"] = given.Target
	}
	config, err := yaml.Marshal(fields)
	if err != nil {
		return false, err
	}
	transformer := builtins.NewPatchTransformerPlugin()
	helpers := resmap.NewPluginHelpers(nil, nil, factory, types.DisabledPluginConfig())
	if err := transformer.(resmap.Configurable).Config(helpers, config); err != nil {
		return false, err
	}
	target := transformer.(*builtins.PatchTransformerPlugin).Target
	if target == nil {
		return false, transformer.Transform(all)
	}
	selected, err := all.Select(*target)
	if err != nil {
		return false, err
	}
	if operations := jsonOperations(given.Patch); operations != nil {
		return len(selected) == 0, applyOperations(selected, operations)
	}
	return len(selected) == 0, transformer.Transform(all)
}

// jsonOperations is the patch if it is of the JSON 6902 kind: a list.
func jsonOperations(text string) jsonpatch.Patch {
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil || !bytes.HasPrefix(converted, []byte("[")) {
		return nil
	}
	operations, err := jsonpatch.DecodePatch(converted)
	if err != nil {
		return nil
	}
	return operations
}

// applyOperations does what kustomize's filter does, without its way back through floats, which
// rounds integers beyond 2^53.
func applyOperations(selected []*resource.Resource, operations jsonpatch.Patch) error {
	for _, each := range selected {
		text, err := each.MarshalJSON()
		if err != nil {
			return err
		}
		patched, err := operations.Apply(text)
		if err != nil {
			return fmt.Errorf("%s: %w", each.CurId(), err)
		}
		node, err := kyaml.Parse(string(patched))
		if err != nil {
			return err
		}
		each.SetYNode(node.YNode())
	}
	return nil
}
