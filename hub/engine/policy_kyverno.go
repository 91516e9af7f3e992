package main

import (
	"errors"
	"fmt"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// clusterPolicy is what is judged here of Kyverno's ClusterPolicy and Policy: rules that validate, and
// those that verify images.
// Every field that is not listed is a fault: a rule that is left out looks like one that passed.
type clusterPolicy struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   any    `json:"metadata"`
	Spec       struct {
		ValidationFailureAction          string            `json:"validationFailureAction"`
		ValidationFailureActionOverrides []kyvernoOverride `json:"validationFailureActionOverrides"`
		Rules                            []kyvernoRule     `json:"rules"`
		// What a rule does that cannot be judged.
		FailurePolicy string `json:"failurePolicy"`
		// How and when a cluster judges, which changes no verdict on a new object.
		Admission              *bool `json:"admission"`
		Background             any   `json:"background"`
		WebhookTimeoutSeconds  any   `json:"webhookTimeoutSeconds"`
		WebhookConfiguration   any   `json:"webhookConfiguration"`
		EmitWarning            any   `json:"emitWarning"`
		SchemaValidation       any   `json:"schemaValidation"`
		UseServerSideApply     any   `json:"useServerSideApply"`
		GenerateExisting       any   `json:"generateExisting"`
		MutateExistingOnPolicy any   `json:"mutateExistingOnPolicyUpdate"`
	} `json:"spec"`
}

// kyvernoOverride is another failure action for some namespaces.
type kyvernoOverride struct {
	Action            string                `json:"action"`
	Namespaces        []string              `json:"namespaces"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
}

type kyvernoRule struct {
	Name             string                                 `json:"name"`
	Match            kyvernoMatch                           `json:"match"`
	Exclude          kyvernoMatch                           `json:"exclude"`
	Context          []kyvernoEntry                         `json:"context"`
	Preconditions    any                                    `json:"preconditions"`
	CELPreconditions []admissionregistration.MatchCondition `json:"celPreconditions"`
	Validate         *struct {
		kyvernoCheck            `json:",inline"`
		Message                 string            `json:"message"`
		FailureAction           string            `json:"failureAction"`
		FailureActionOverrides  []kyvernoOverride `json:"failureActionOverrides"`
		AllowExistingViolations any               `json:"allowExistingViolations"`
		CEL                     *kyvernoCEL       `json:"cel"`
		PodSecurity             *kyvernoPods      `json:"podSecurity"`
		// Not judged here, and named when they are found.
		Manifests any `json:"manifests"`
		Assert    any `json:"assert"`
	} `json:"validate"`
	// About requests and reports, which changes no verdict.
	SkipBackgroundRequests any                   `json:"skipBackgroundRequests"`
	ReportProperties       any                   `json:"reportProperties"`
	VerifyImages           []kyvernoVerification `json:"verifyImages"`
	// Not judged here, and named when they are found.
	Mutate          any `json:"mutate"`
	Generate        any `json:"generate"`
	ImageExtractors any `json:"imageExtractors"`
}

// kyvernoCEL is a rule's validate.cel.
type kyvernoCEL struct {
	Expressions      []admissionregistration.Validation      `json:"expressions"`
	Variables        []admissionregistration.Variable        `json:"variables"`
	AuditAnnotations []admissionregistration.AuditAnnotation `json:"auditAnnotations"`
	ParamKind        *admissionregistration.ParamKind        `json:"paramKind"`
	ParamRef         *admissionregistration.ParamRef         `json:"paramRef"`
	// About objects Kyverno makes in a cluster.
	Generate any `json:"generate"`
}

// strangers are the parts of a rule that are read but not judged.
func (r *kyvernoRule) strangers() (names []string) {
	given := map[string]any{"mutate": r.Mutate, "generate": r.Generate, "imageExtractors": r.ImageExtractors}
	if r.Validate != nil {
		given["validate.manifests"] = r.Validate.Manifests
		given["validate.assert"] = r.Validate.Assert
	}
	for _, name := range sortedKeys(given) {
		if given[name] != nil {
			names = append(names, name)
		}
	}
	return names
}

func compileKyverno(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	var parts []part
	var faults []error
	for _, each := range kinds.clusterPolicies {
		read := &clusterPolicy{}
		strict, err := kjson.UnmarshalStrict(each.text, read)
		if err = errors.Join(append(strict, err)...); err != nil {
			faults = append(faults, each.fault("it says what is not judged here: %s", strings.ReplaceAll(err.Error(), "\n", "; ")))
			continue
		}
		if len(read.Spec.Rules) == 0 {
			faults = append(faults, each.fault("it has no rules, so it would judge nothing"))
		}
		if read.Spec.Admission != nil && !*read.Spec.Admission {
			faults = append(faults, each.fault("admission is false, so it would judge nothing"))
		}
		if policy := read.Spec.FailurePolicy; policy != "" && policy != "Fail" && policy != "Ignore" {
			faults = append(faults, each.fault("unknown failurePolicy %q", policy))
		}
		for at := range read.Spec.Rules {
			compiling := &kyvernoCompiling{each, read, &read.Spec.Rules[at], kinds, files, nil}
			found := compiling.rule()
			parts, faults = append(parts, found), append(faults, compiling.faults...)
		}
	}
	return parts, nil, errors.Join(faults...)
}

const autogenAnnotation = "pod-policies.kyverno.io/autogen-controllers"

// autogenOf tells whose pods a rule about pods is also about, as Kyverno makes rules by itself.
func autogenOf(each *subject, rule *kyvernoRule) ([]string, string) {
	if !rule.Match.isOfPods() || !rule.Exclude.isEmpty() && !rule.Exclude.isOfPods() {
		return nil, ""
	}
	written := annotation(each.value, autogenAnnotation)
	switch written {
	case "":
		return sortedKeys(podControllers), ""
	case "none":
		return nil, ""
	}
	var names []string
	for _, kind := range strings.Split(written, ",") {
		name := strings.ToLower(strings.TrimSpace(kind)) + "s"
		if !knownControllers([]string{name}) {
			return nil, fmt.Sprintf("the annotation %s names %q, which is not known here", autogenAnnotation, kind)
		}
		names = append(names, name)
	}
	return names, ""
}
