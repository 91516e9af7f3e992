package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
	kjson "sigs.k8s.io/json"
)

const admissionGroup = "admissionregistration.k8s.io"

// admissionPolicy is a ValidatingAdmissionPolicy with its bindings, judged by Kubernetes' own code.
type admissionPolicy struct {
	definition *admissionregistration.ValidatingAdmissionPolicy
	bindings   []*admissionregistration.ValidatingAdmissionPolicyBinding
	validator  validating.Validator
	params     *paramStore
	// What people call it: ValidatingAdmissionPolicy, or Kyverno's kind in the same shape.
	kind string
}

func compileAdmissionPolicies(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	var faults []error
	var parts []part
	var notes []string
	bindings := map[string][]*admissionregistration.ValidatingAdmissionPolicyBinding{}
	names := map[string]bool{}
	for _, each := range kinds.admissionPolicies {
		names[each.id.Name] = true
	}
	for _, each := range kinds.bindings {
		binding := &admissionregistration.ValidatingAdmissionPolicyBinding{}
		if err := readStrictly(each, binding); err != nil {
			faults = append(faults, err)
			continue
		}
		if !names[binding.Spec.PolicyName] && !kinds.partial {
			faults = append(faults, each.fault("binds ValidatingAdmissionPolicy %q, which is not in the policy's files", binding.Spec.PolicyName))
		}
		faults = append(faults, checkBinding(each, binding)...)
		defaultMatch(binding.Spec.MatchResources)
		bindings[binding.Spec.PolicyName] = append(bindings[binding.Spec.PolicyName], binding)
	}
	for _, each := range kinds.admissionPolicies {
		definition := &admissionregistration.ValidatingAdmissionPolicy{}
		if err := readStrictly(each, definition); err != nil {
			faults = append(faults, err)
			continue
		}
		defaultMatch(definition.Spec.MatchConstraints)
		found := checkDefinition(each, definition)
		mine := bindings[definition.Name]
		if len(mine) == 0 && !kinds.partial {
			found = append(found, each.fault("has no ValidatingAdmissionPolicyBinding in the policy's files, so it would judge nothing"))
		}
		store, err := newParamStore(each, definition, kinds)
		validator, more := compileDefinition(each, definition, files, admissionPlaces)
		if found = append(append(found, err), more...); errors.Join(found...) != nil {
			faults = append(faults, found...)
			continue
		}
		if !matchesCreate(definition.Spec.MatchConstraints) {
			notes = append(notes, fmt.Sprintf("%s:%d: %s matches no CREATE: only the cluster can judge it",
				each.file, each.line, describe(each.id)))
		}
		parts = append(parts, &admissionPolicy{definition, mine, validator, store, each.gvk.Kind})
	}
	return parts, notes, errors.Join(faults...)
}

// readStrictly refuses what the API server would drop: a misspelt field must not weaken a rule.
func readStrictly(from *subject, into any) error {
	strict, err := kjson.UnmarshalStrict(from.text, into)
	if err = errors.Join(append(strict, err)...); err != nil {
		return from.fault("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// defaultMatch sets what the API server sets.
func defaultMatch(match *admissionregistration.MatchResources) {
	if match == nil {
		return
	}
	if match.MatchPolicy == nil {
		equivalent := admissionregistration.Equivalent
		match.MatchPolicy = &equivalent
	}
	if match.NamespaceSelector == nil {
		match.NamespaceSelector = everything.DeepCopy()
	}
	if match.ObjectSelector == nil {
		match.ObjectSelector = everything.DeepCopy()
	}
}

func checkBinding(each *subject, binding *admissionregistration.ValidatingAdmissionPolicyBinding) (faults []error) {
	if len(binding.Spec.ValidationActions) == 0 {
		faults = append(faults, each.fault("spec.validationActions is missing: give Deny, Warn or Audit"))
	}
	for _, action := range binding.Spec.ValidationActions {
		if actionOf(action) == "" {
			faults = append(faults, each.fault("unknown validation action %q", action))
		}
	}
	if ref := binding.Spec.ParamRef; ref != nil {
		if (ref.Name == "") == (ref.Selector == nil) {
			faults = append(faults, each.fault("spec.paramRef needs either name or selector"))
		}
		if ref.ParameterNotFoundAction == nil {
			faults = append(faults, each.fault("spec.paramRef.parameterNotFoundAction is missing: give Allow or Deny"))
		}
	}
	return faults
}

func checkDefinition(each *subject, definition *admissionregistration.ValidatingAdmissionPolicy) (faults []error) {
	spec := definition.Spec
	if spec.MatchConstraints == nil || len(spec.MatchConstraints.ResourceRules) == 0 {
		faults = append(faults, each.fault("spec.matchConstraints.resourceRules is missing"))
	}
	if len(spec.Validations) == 0 && len(spec.AuditAnnotations) == 0 {
		faults = append(faults, each.fault("spec.validations is missing"))
	}
	if policy := spec.FailurePolicy; policy != nil && *policy != admissionregistration.Fail && *policy != admissionregistration.Ignore {
		faults = append(faults, each.fault("unknown failurePolicy %q", *policy))
	}
	return faults
}

func matchesCreate(match *admissionregistration.MatchResources) bool {
	return slices.ContainsFunc(match.ResourceRules, func(rule admissionregistration.NamedRuleWithOperations) bool {
		return slices.Contains(rule.Operations, admissionregistration.OperationAll) ||
			slices.Contains(rule.Operations, admissionregistration.Create)
	})
}

// celEnvironment is what the API server of this library's version compiles with, cost limits and all.
var celEnvironment = sync.OnceValue(func() *environment.EnvSet {
	return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
})

// expression is one piece of CEL in a policy and where it stands.
type expression struct {
	accessor cel.ExpressionAccessor
	path     string
	options  cel.OptionalVariableDeclarations
}

// celPlaces are where a kind of policy keeps its CEL.
type celPlaces struct {
	validations, variables, conditions string
}

var admissionPlaces = celPlaces{"spec.validations", "spec.variables", "spec.matchConditions"}

// compileDefinition puts a policy together as the API server's own plugin does.
func compileDefinition(each *subject, definition *admissionregistration.ValidatingAdmissionPolicy, files []policyFile, places celPlaces) (validating.Validator, []error) {
	spec := definition.Spec
	compiler, err := cel.NewCompositedCompiler(celEnvironment())
	if err != nil {
		return nil, []error{each.fault("%s", err)}
	}
	full := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil, HasAuthorizer: true}
	plain := cel.OptionalVariableDeclarations{HasParams: spec.ParamKind != nil}
	var faults []error
	check := func(path, text string, failed error) {
		if failed != nil {
			faults = append(faults, each.faultAt(files, text, "%s: %s", path, failed))
		} else if usesAuthorizer(text) {
			faults = append(faults, each.faultAt(files, text, "%s: `authorizer` asks a cluster, which cannot be asked before delivery", path))
		}
	}
	for at, variable := range spec.Variables {
		accessor := &validating.Variable{Name: variable.Name, Expression: variable.Expression}
		result := compiler.CompileAndStoreVariable(accessor, full, environment.StoredExpressions)
		var failed error
		if result.Error != nil {
			failed = result.Error
		}
		check(fmt.Sprintf("%s[%d].expression", places.variables, at), variable.Expression, failed)
	}
	compile := func(expressions []expression, options cel.OptionalVariableDeclarations) cel.ConditionEvaluator {
		accessors := make([]cel.ExpressionAccessor, len(expressions))
		for at, one := range expressions {
			accessors[at] = one.accessor
			if one.accessor == nil {
				continue
			}
			var failed error
			if result := compiler.CompileCELExpression(one.accessor, options, environment.StoredExpressions); result.Error != nil {
				failed = result.Error
			}
			check(one.path, one.accessor.GetExpression(), failed)
		}
		return compiler.CompileCondition(accessors, options, environment.StoredExpressions)
	}
	var matcher matchconditions.Matcher
	if len(spec.MatchConditions) > 0 {
		evaluator := compile(matchExpressions(spec.MatchConditions, places.conditions), full)
		matcher = matchconditions.NewMatcher(evaluator, spec.FailurePolicy, "policy", "validate", definition.Name)
	}
	validations, messages := validationExpressions(spec.Validations, places.validations)
	validator := validating.NewValidator(compile(validations, full), matcher,
		compile(auditExpressions(spec.AuditAnnotations), full), compile(messages, plain), spec.FailurePolicy, nil)
	return validator, faults
}

func matchExpressions(conditions []admissionregistration.MatchCondition, place string) []expression {
	made := make([]expression, len(conditions))
	for at := range conditions {
		made[at] = expression{accessor: (*matchconditions.MatchCondition)(&conditions[at]),
			path: fmt.Sprintf("%s[%d].expression", place, at)}
	}
	return made
}

func validationExpressions(validations []admissionregistration.Validation, place string) (rules, messages []expression) {
	rules, messages = make([]expression, len(validations)), make([]expression, len(validations))
	for at, one := range validations {
		rules[at] = expression{path: fmt.Sprintf("%s[%d].expression", place, at),
			accessor: &validating.ValidationCondition{Expression: one.Expression, Message: one.Message, Reason: one.Reason}}
		if one.MessageExpression != "" {
			messages[at] = expression{path: fmt.Sprintf("%s[%d].messageExpression", place, at),
				accessor: &validating.MessageExpressionCondition{MessageExpression: one.MessageExpression}}
		}
	}
	return rules, messages
}

func auditExpressions(annotations []admissionregistration.AuditAnnotation) []expression {
	made := make([]expression, len(annotations))
	for at, one := range annotations {
		made[at] = expression{path: fmt.Sprintf("spec.auditAnnotations[%d].valueExpression", at),
			accessor: &validating.AuditAnnotationCondition{Key: one.Key, ValueExpression: one.ValueExpression}}
	}
	return made
}

func (p *admissionPolicy) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	match := generic.NewPolicyMatcher(matching.NewMatcher(world, nil))
	attributes := attributesOf(each)
	fails := p.definition.Spec.FailurePolicy == nil || *p.definition.Spec.FailurePolicy == admissionregistration.Fail
	rule := p.kind + " " + p.definition.Name
	broken := func(format string, args ...any) []violation {
		if !fails {
			return nil
		}
		return []violation{{Action: "deny", Rule: rule, Message: fmt.Sprintf(format, args...)}}
	}
	isMatch, resource, kind, err := match.DefinitionMatches(attributes, interfaces(),
		validating.NewValidatingAdmissionPolicyAccessor(p.definition))
	switch {
	case err != nil:
		return broken("failed to configure policy: %s", err), nil
	case !isMatch:
		return nil, nil
	case each.unreadable != nil:
		return broken("%s", each.unreadable), nil
	case kind != each.gvk:
		// Only a cluster can convert one version of an object into another.
		return broken("it is written for %s, and this object is %s: write it in that version to have it judged",
			kind.GroupVersion(), each.gvk.GroupVersion()), nil
	}
	versioned, err := admission.NewVersionedAttributes(attributes, kind, interfaces())
	if err != nil {
		return broken("%s", err), nil
	}
	var found []violation
	for _, binding := range p.bindings {
		bound, err := match.BindingMatches(attributes, interfaces(), validating.NewValidatingAdmissionPolicyBindingAccessor(binding))
		if err == nil && !bound {
			continue
		}
		params, paramsErr := p.params.collect(binding.Spec.ParamRef, each.id.Namespace)
		if err = errors.Join(err, paramsErr); err != nil {
			found = append(found, broken("failed to configure binding: %s", err)...)
			continue
		}
		for _, param := range params {
			result := p.validator.Validate(ctx, resource, versioned, param, namespaceOf(each, world), celconfig.RuntimeCELCostBudget, noAuthorizer{})
			found = append(found, violationsOf(rule+", binding "+binding.Name, binding, result)...)
		}
	}
	return found, nil
}

func namespaceOf(each *subject, world *world) *corev1.Namespace {
	if each.id.Namespace == "" || each.isNamespace() {
		return nil
	}
	return world.namespace(each.id.Namespace)
}

// denials asks CEL of an object that is meant by it already, and tells why it is not allowed.
func denials(ctx context.Context, validator validating.Validator, each *subject, world *world, params []runtime.Object) ([]string, error) {
	if each.unreadable != nil {
		return nil, each.unreadable
	}
	versioned, err := admission.NewVersionedAttributes(attributesOf(each), each.gvk, interfaces())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, param := range params {
		result := validator.Validate(ctx, each.gvr, versioned, param, namespaceOf(each, world), celconfig.RuntimeCELCostBudget, noAuthorizer{})
		for _, decision := range result.Decisions {
			if decision.Action == validating.ActionDeny {
				found = append(found, decision.Message)
			}
		}
	}
	return found, nil
}

func violationsOf(rule string, binding *admissionregistration.ValidatingAdmissionPolicyBinding, result validating.ValidateResult) (found []violation) {
	for _, decision := range result.Decisions {
		if decision.Action != validating.ActionDeny {
			continue
		}
		for _, action := range binding.Spec.ValidationActions {
			found = append(found, violation{Action: actionOf(action), Rule: rule, Message: decision.Message})
		}
	}
	for _, annotation := range result.AuditAnnotations {
		if annotation.Action == validating.AuditAnnotationActionError {
			found = append(found, violation{Action: "deny", Rule: rule, Message: annotation.Error})
		}
	}
	return found
}

func actionOf(action admissionregistration.ValidationAction) string {
	switch action {
	case admissionregistration.Deny:
		return "deny"
	case admissionregistration.Warn:
		return "warn"
	case admissionregistration.Audit:
		return "audit"
	default:
		return ""
	}
}

// noAuthorizer stands where a cluster's would; policies that use it are refused when loaded.
type noAuthorizer struct{}

func (noAuthorizer) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionDeny, "", errors.New("no cluster can be asked before delivery")
}
