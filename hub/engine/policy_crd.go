package main

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kjson "sigs.k8s.io/json"
)

// customKind is a CustomResourceDefinition of the same render.
type customKind struct {
	read     apiextensionsv1.CustomResourceDefinition
	versions map[string]*customVersion
}

type customVersion struct {
	structural *structural.Structural
	validator  validation.SchemaValidator
	rules      *schemacel.Validator
	unreadable error
}

func newCustomKind(each *subject) (schema.GroupKind, *customKind, bool) {
	made := &customKind{versions: map[string]*customVersion{}}
	if each.gvk.Group != "apiextensions.k8s.io" || each.gvk.Version != "v1" || each.gvk.Kind != "CustomResourceDefinition" ||
		kjson.UnmarshalCaseSensitivePreserveInts(each.text, &made.read) != nil {
		return schema.GroupKind{}, nil, false
	}
	return schema.GroupKind{Group: made.read.Spec.Group, Kind: made.read.Spec.Names.Kind}, made, true
}

// version makes a version's validator when it is first asked for.
func (k *customKind) version(name string) *customVersion {
	if made, ok := k.versions[name]; ok {
		return made
	}
	var made *customVersion
	for _, each := range k.read.Spec.Versions {
		if each.Name == name && each.Served {
			made = &customVersion{}
			if each.Schema != nil && each.Schema.OpenAPIV3Schema != nil {
				made.unreadable = made.read(each.Schema.OpenAPIV3Schema)
			}
		}
	}
	k.versions[name] = made
	return made
}

func (v *customVersion) read(from *apiextensionsv1.JSONSchemaProps) (err error) {
	internal := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(from, internal, nil); err != nil {
		return err
	}
	if v.structural, err = structural.NewStructural(internal); err != nil {
		return err
	}
	if v.validator, _, err = validation.NewSchemaValidator(internal); err != nil {
		return err
	}
	v.rules = schemacel.NewValidator(v.structural, true, celconfig.PerCallLimit)
	return nil
}

// judgeCustom asks what the API server would: defaults, then unknown fields, schema and CEL rules.
func judgeCustom(ctx context.Context, each *subject, kind *customKind) (found []violation) {
	rule := "schema of " + kind.read.Name
	deny := func(format string, args ...any) {
		found = append(found, violation{Action: "deny", Rule: rule, Message: fmt.Sprintf(format, args...)})
	}
	version := kind.version(each.gvk.Version)
	object, isMap := each.object.(*unstructured.Unstructured)
	switch {
	case version == nil:
		deny("it serves no version %s", each.gvk.Version)
		return found
	case version.unreadable != nil:
		deny("it cannot be read: %s", version.unreadable)
		return found
	case version.structural == nil || !isMap:
		return nil
	}
	value := object.DeepCopy().Object
	unknown := pruning.PruneWithOptions(value, version.structural, true, structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	slices.Sort(unknown)
	for _, path := range unknown {
		deny("%s: there is no such field", path)
	}
	if !version.structural.XPreserveUnknownFields {
		defaulting.PruneNonNullableNullsWithoutDefaults(value, version.structural)
	}
	defaulting.Default(value, version.structural)
	for _, one := range validation.ValidateCustomResource(nil, value, version.validator) {
		deny("%s", one.Error())
	}
	if len(found) == 0 && version.rules != nil {
		faults, _ := version.rules.Validate(ctx, nil, version.structural, value, nil, celconfig.RuntimeCELCostBudget)
		for _, one := range faults {
			deny("%s", one.Error())
		}
	}
	return found
}
