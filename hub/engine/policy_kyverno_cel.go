package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// validatingPolicy is Kyverno's kind in the shape of Kubernetes' own; it binds itself.
type validatingPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		admissionregistration.ValidatingAdmissionPolicySpec `json:",inline"`

		ValidationActions    []admissionregistration.ValidationAction `json:"validationActions"`
		Autogen              *autogenRule                             `json:"autogen"`
		Evaluation           *evaluationRule                          `json:"evaluation"`
		WebhookConfiguration any                                      `json:"webhookConfiguration"`
	} `json:"spec"`
}

// autogenRule says whose pods a policy about pods is also about.
type autogenRule struct {
	PodControllers *struct {
		Controllers []string `json:"controllers"`
	} `json:"podControllers"`
	// About objects Kyverno makes in a cluster.
	ValidatingAdmissionPolicy any `json:"validatingAdmissionPolicy"`
}

type evaluationRule struct {
	Mode string `json:"mode"`
	// When a cluster judges; here is always before.
	Admission  any `json:"admission"`
	Background any `json:"background"`
}

// compileValidatingPolicies reads policies.kyverno.io ValidatingPolicies and those of a namespace. What their CEL asks of
// Kyverno's own libraries does not compile, and so is a fault.
func compileValidatingPolicies(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	var parts []part
	var notes []string
	var faults []error
	for _, each := range kinds.validatingPolicies {
		read := &validatingPolicy{}
		if strict, err := kjson.UnmarshalStrict(each.text, read); errors.Join(append(strict, err)...) != nil {
			faults = append(faults, each.fault("it says what is not judged here: %s", errors.Join(append(strict, err)...)))
			continue
		}
		definition := &admissionregistration.ValidatingAdmissionPolicy{ObjectMeta: read.ObjectMeta,
			Spec: read.Spec.ValidatingAdmissionPolicySpec}
		binding := &admissionregistration.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: each.id.Name}}
		binding.Spec.PolicyName = each.id.Name
		if binding.Spec.ValidationActions = read.Spec.ValidationActions; len(binding.Spec.ValidationActions) == 0 {
			// As in Kyverno.
			binding.Spec.ValidationActions = []admissionregistration.ValidationAction{admissionregistration.Deny}
		}
		defaultMatch(definition.Spec.MatchConstraints)
		found := append(checkDefinition(each, definition), checkBinding(each, binding)...)
		if read.Spec.Evaluation != nil && read.Spec.Evaluation.Mode != "" && read.Spec.Evaluation.Mode != "Kubernetes" {
			found = append(found, each.fault("the evaluation mode %s is not judged here", read.Spec.Evaluation.Mode))
		}
		if controllers := controllersOf(read); !knownControllers(controllers) {
			found = append(found, each.fault("autogen.podControllers names kinds that are not known here: %v", controllers))
		}
		validator, more := compileDefinition(each, definition, files, admissionPlaces)
		if found = append(found, more...); errors.Join(found...) != nil {
			faults = append(faults, found...)
			continue
		}
		if !matchesCreate(definition.Spec.MatchConstraints) {
			notes = append(notes, fmt.Sprintf("%s:%d: %s matches no CREATE: only the cluster can judge it",
				each.file, each.line, describe(each.id)))
		}
		var judging part = &admissionPolicy{definition: definition, validator: validator, params: &paramStore{},
			bindings: []*admissionregistration.ValidatingAdmissionPolicyBinding{binding}, kind: each.id.Kind}
		if each.id.Kind == "NamespacedValidatingPolicy" {
			if each.id.Namespace == "" {
				faults = append(faults, each.fault("a NamespacedValidatingPolicy needs a namespace"))
			}
			judging = &namespacePart{judging, each.id.Namespace}
		}
		parts = append(parts, &podPart{judging, controllersOf(read)})
	}
	return parts, notes, errors.Join(faults...)
}

// namespacePart is a rule that holds within its own namespace.
type namespacePart struct {
	rule      part
	namespace string
}

func (p *namespacePart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	if each.id.Namespace != p.namespace {
		return nil, nil
	}
	return p.rule.judge(ctx, each, world)
}

// controllersOf tells whose pods a policy about pods is also about: of all unless it names them.
func controllersOf(read *validatingPolicy) []string {
	return controllersMeant(read.Spec.MatchConstraints, read.Spec.Autogen)
}

func controllersMeant(match *admissionregistration.MatchResources, autogen *autogenRule) []string {
	if match == nil || len(match.ResourceRules) != 1 || len(match.ExcludeResourceRules) > 0 ||
		match.ObjectSelector != nil && len(match.ObjectSelector.MatchLabels)+len(match.ObjectSelector.MatchExpressions) > 0 {
		return nil
	}
	rule := match.ResourceRules[0]
	if len(rule.ResourceNames) > 0 || !slices.Equal(rule.APIGroups, []string{""}) ||
		!slices.Equal(rule.APIVersions, []string{"v1"}) || !slices.Equal(rule.Resources, []string{"pods"}) {
		return nil
	}
	if autogen != nil && autogen.PodControllers != nil && autogen.PodControllers.Controllers != nil {
		return autogen.PodControllers.Controllers
	}
	return sortedKeys(podControllers)
}
