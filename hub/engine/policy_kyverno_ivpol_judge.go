package main

import (
	"context"
	"errors"
	"fmt"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/lazy"
)

// imageRulePart is one ImageValidatingPolicy.
type imageRulePart struct {
	name           string
	definition     *admissionregistration.ValidatingAdmissionPolicy
	actions        []string
	fails          bool
	verifiesDigest bool
	requires       bool

	asking       *imageAsking
	attestors    map[string]imageQuestion
	attestations map[string]string
	references   []imageReference
	conditions   []celgo.Program
	variables    []namedProgram
	extractors   []namedProgram
	validations  []imageValidation
}

type namedProgram struct {
	name    string
	program celgo.Program
}

type imageValidation struct {
	program celgo.Program
	message string
	told    celgo.Program
}

func (p *imageRulePart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	match := generic.NewPolicyMatcher(matching.NewMatcher(world, nil))
	matched, _, kind, err := match.DefinitionMatches(attributesOf(each), interfaces(),
		validating.NewValidatingAdmissionPolicyAccessor(p.definition))
	if err == nil && !matched {
		return nil, nil
	}
	if err == nil && kind != each.gvk {
		// Only a cluster can convert one version of an object into another.
		err = fmt.Errorf("it is written for %s, and this object is %s", kind.GroupVersion(), each.gvk.GroupVersion())
	}
	*p.asking = imageAsking{rule: p, world: world, verified: world.verified, asked: map[string]bool{}}
	reason := ""
	if err == nil {
		reason, err = p.reason(ctx, each, world)
	}
	var found []violation
	tell := func(said string) {
		for _, action := range p.actions {
			found = append(found, ofImage(action, p.name, "", said))
		}
	}
	switch {
	case p.asking.open:
		// It is judged again, with the answers.
	case p.asking.unasked:
		found = append(found, ofImage("audit", p.name, "", "it asks the hub for signatures in registries; not here"))
	case err != nil && p.fails:
		tell("it cannot be judged: " + err.Error())
	case reason != "":
		tell(reason)
	}
	return found, nil
}

// reason tells why an object is not allowed; empty when it is.
func (p *imageRulePart) reason(ctx context.Context, each *subject, world *world) (string, error) {
	known, err := p.known(ctx, each, world)
	if err != nil {
		return "", err
	}
	for _, condition := range p.conditions {
		if holds, err := isTrue(ctx, condition, known); err != nil || !holds {
			return "", err
		}
	}
	meant, err := p.images(ctx, each, known)
	if err != nil {
		return "", err
	}
	var all []string
	for _, name := range sortedKeys(meant) {
		all = append(all, meant[name]...)
	}
	for _, image := range all {
		if p.verifiesDigest && !hasDigest(image) {
			return fmt.Sprintf("image %s does not have a digest", image), nil
		}
	}
	known["images"] = meant
	for at, rule := range p.validations {
		holds, err := isTrue(ctx, rule.program, known)
		if err != nil {
			return "", err
		}
		if !holds {
			return rule.say(ctx, at, known), nil
		}
	}
	if p.requires {
		// Another policy may yet verify them.
		world.required = append(world.required, requiredImages{p.name, p.actions, all})
	}
	return "", nil
}

func (r *imageValidation) say(ctx context.Context, at int, known map[string]any) string {
	if r.told != nil {
		told, _, err := r.told.ContextEval(ctx, known)
		if text, ok := told.(types.String); err == nil && ok {
			return string(text)
		}
		return fmt.Sprintf("failed to evaluate message expression: %v", err)
	}
	if r.message != "" {
		return r.message
	}
	return fmt.Sprintf("CEL expression validation failed at index %d", at)
}

// known is what expressions may name.
func (p *imageRulePart) known(ctx context.Context, each *subject, world *world) (map[string]any, error) {
	if each.unreadable != nil {
		return nil, each.unreadable
	}
	object, err := plainObject(each.object)
	if err != nil {
		return nil, err
	}
	var namespace any
	if home := namespaceOf(each, world); home != nil {
		if namespace, err = plainObject(home); err != nil {
			return nil, err
		}
	}
	review, err := encode(reviewOf(each))
	var request map[string]any
	if err = errors.Join(err, utiljson.Unmarshal(review, &request)); err != nil {
		return nil, err
	}
	attestors, attestations := map[string]string{}, map[string]string{}
	for name := range p.attestors {
		attestors[name] = name
	}
	for name := range p.attestations {
		attestations[name] = name
	}
	variables := lazy.NewMapValue(types.MapType)
	known := map[string]any{"object": object, "oldObject": nil, "request": request, "namespaceObject": namespace,
		"attestors": attestors, "attestations": attestations, "variables": variables, "images": map[string][]string{}}
	for _, one := range p.variables {
		variables.Append(one.name, func(*lazy.MapValue) ref.Val {
			value, _, err := one.program.ContextEval(ctx, known)
			if err != nil {
				return types.WrapErr(err)
			}
			return value
		})
	}
	return known, nil
}

func plainObject(from runtime.Object) (map[string]any, error) {
	if made, ok := from.(*unstructured.Unstructured); ok {
		return made.Object, nil
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(from)
}

func isTrue(ctx context.Context, program celgo.Program, known map[string]any) (bool, error) {
	value, _, err := program.ContextEval(ctx, known)
	if err != nil {
		return false, err
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("an expression gives %s, and must be true or false", value.Type().TypeName())
	}
	return bool(holds), nil
}
