package main

import (
	"errors"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	kjson "sigs.k8s.io/json"
)

// nativeValidation is the name Gatekeeper gives to templates in CEL.
const nativeValidation = "K8sNativeValidation"

// nativeSource is what such a template says.
// https://open-policy-agent.github.io/gatekeeper/website/docs/validating-admission-policy
type nativeSource struct {
	Validations   []admissionregistration.Validation `json:"validations"`
	FailurePolicy *string                            `json:"failurePolicy"`
	// Gatekeeper's own name for it, and the one its documentation gives.
	MatchCondition  []admissionregistration.MatchCondition `json:"matchCondition"`
	MatchConditions []admissionregistration.MatchCondition `json:"matchConditions"`
	Variables       []admissionregistration.Variable       `json:"variables"`
	// About objects Gatekeeper makes in a cluster.
	GenerateVAP any `json:"generateVAP"`
}

// nativeVariables are there for every template: the constraint's parameters, and the object.
var nativeVariables = []admissionregistration.Variable{
	{Name: "anyObject", Expression: `has(request.operation) && request.operation == "DELETE" && object == null ? oldObject : object`},
	{Name: "params", Expression: `!has(params.spec) ? null : !has(params.spec.parameters) ? null : params.spec.parameters`},
}

var nativePlaces = celPlaces{"validations", "variables", "matchConditions"}

// compileNative puts a template in CEL together as Gatekeeper's driver does: with the constraint as
// the parameter.
func compileNative(each *subject, source any, files []policyFile) (validating.Validator, error) {
	text, err := encode(source)
	if err != nil {
		return nil, each.fault("%s", err)
	}
	read := nativeSource{}
	strict, err := kjson.UnmarshalStrict(text, &read)
	if err = errors.Join(append(strict, err)...); err != nil {
		return nil, each.faultAt(files, "engine: "+nativeValidation, "its source says what is not judged here: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	var faults []error
	if len(read.Validations) == 0 {
		faults = append(faults, each.faultAt(files, "engine: "+nativeValidation, "its source has no validations, so it would judge nothing"))
	}
	for _, variable := range read.Variables {
		if variable.Name == "params" || variable.Name == "anyObject" || strings.HasPrefix(variable.Name, "gatekeeper_internal_") {
			faults = append(faults, each.faultAt(files, "name: "+variable.Name, "the variable %s is Gatekeeper's own", variable.Name))
		}
	}
	definition := &admissionregistration.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: each.id.Name}}
	spec := &definition.Spec
	spec.ParamKind = &admissionregistration.ParamKind{}
	spec.Validations = read.Validations
	spec.Variables = append(append(spec.Variables, nativeVariables...), read.Variables...)
	spec.MatchConditions = append(read.MatchCondition, read.MatchConditions...)
	if read.FailurePolicy != nil {
		policy := admissionregistration.FailurePolicyType(*read.FailurePolicy)
		if policy != admissionregistration.Fail && policy != admissionregistration.Ignore {
			faults = append(faults, each.faultAt(files, "failurePolicy:", "unknown failurePolicy %q", policy))
		}
		spec.FailurePolicy = &policy
	}
	validator, more := compileDefinition(each, definition, files, nativePlaces)
	return validator, errors.Join(append(faults, more...)...)
}
