package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"github.com/kyverno/kyverno/pkg/engine/validate"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	kjson "sigs.k8s.io/json"
)

// clusterPolicy is what is judged here of Kyverno's ClusterPolicy and Policy: rules that validate
// by a pattern. Every field that is not listed is a fault: a rule that is left out looks like one
// that passed.
type clusterPolicy struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   any    `json:"metadata"`
	Spec       struct {
		ValidationFailureAction string        `json:"validationFailureAction"`
		Rules                   []kyvernoRule `json:"rules"`
		// How and when a cluster judges, which changes no verdict on a new object.
		Admission              *bool `json:"admission"`
		Background             any   `json:"background"`
		FailurePolicy          any   `json:"failurePolicy"`
		WebhookTimeoutSeconds  any   `json:"webhookTimeoutSeconds"`
		WebhookConfiguration   any   `json:"webhookConfiguration"`
		EmitWarning            any   `json:"emitWarning"`
		SchemaValidation       any   `json:"schemaValidation"`
		UseServerSideApply     any   `json:"useServerSideApply"`
		GenerateExisting       any   `json:"generateExisting"`
		MutateExistingOnPolicy any   `json:"mutateExistingOnPolicyUpdate"`
	} `json:"spec"`
}

type kyvernoRule struct {
	Name                   string       `json:"name"`
	Match                  kyvernoMatch `json:"match"`
	Exclude                kyvernoMatch `json:"exclude"`
	SkipBackgroundRequests any          `json:"skipBackgroundRequests"`
	Validate               struct {
		Message                 string `json:"message"`
		FailureAction           string `json:"failureAction"`
		AllowExistingViolations any    `json:"allowExistingViolations"`
		Pattern                 any    `json:"pattern"`
		AnyPattern              []any  `json:"anyPattern"`
	} `json:"validate"`
}

// kyvernoPart is one rule.
type kyvernoPart struct {
	rule      *kyvernoRule
	name      string
	namespace string
	action    string
	patterns  []any
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
		for at := range read.Spec.Rules {
			found, err := compileKyvernoRule(each, read, &read.Spec.Rules[at], files)
			parts, faults = append(parts, found), append(faults, err)
		}
	}
	return parts, nil, errors.Join(faults...)
}

func compileKyvernoRule(each *subject, read *clusterPolicy, rule *kyvernoRule, files []policyFile) (part, error) {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, each.faultAt(files, "name: "+rule.Name, "rule %s: %s", rule.Name, fmt.Sprintf(format, args...)))
	}
	made := &kyvernoPart{rule: rule, name: each.id.Kind + " " + each.id.Name + ", rule " + rule.Name, patterns: rule.Validate.AnyPattern}
	if each.id.Kind == "Policy" {
		made.namespace = each.id.Namespace
		if made.namespace == "" {
			fault("a Policy needs a namespace")
		}
	}
	if (rule.Validate.Pattern == nil) == (len(rule.Validate.AnyPattern) == 0) {
		fault("only validate.pattern or validate.anyPattern is judged here")
	} else if rule.Validate.Pattern != nil {
		made.patterns = []any{rule.Validate.Pattern}
	}
	for at, pattern := range made.patterns {
		text, err := encode(pattern)
		if err == nil && strings.Contains(string(text), "{{") {
			fault("variables ({{ }}) in patterns are not judged here")
		}
		if err == nil && strings.Contains(string(text), "$(") {
			fault("references ($( )) in patterns are not judged here")
		}
		// Numbers as Kyverno has them.
		var plain any
		if err = errors.Join(err, utiljson.Unmarshal(text, &plain)); err != nil {
			fault("%s", err)
		}
		made.patterns[at] = plain
	}
	action := rule.Validate.FailureAction
	if action == "" {
		action = read.Spec.ValidationFailureAction
	}
	switch strings.ToLower(action) {
	case "enforce":
		made.action = "deny"
	case "", "audit":
		// As in Kyverno.
		made.action = "audit"
	default:
		fault("unknown failure action %q", action)
	}
	if rule.Match.isEmpty() {
		fault("match is missing")
	}
	faults = append(faults, rule.Match.check(fault), rule.Exclude.check(fault))
	controllers, err := autogenOf(each, rule)
	if err != "" {
		fault("%s", err)
	}
	return &podPart{made, controllers}, errors.Join(faults...)
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

func (p *kyvernoPart) judge(_ context.Context, each *subject, world *world) ([]violation, error) {
	if p.namespace != "" && each.id.Namespace != p.namespace ||
		!p.rule.Match.matches(each, world) || !p.rule.Exclude.isEmpty() && p.rule.Exclude.matches(each, world) {
		return nil, nil
	}
	var resource map[string]any
	if err := utiljson.Unmarshal(each.text, &resource); err != nil {
		return nil, faultf("policy", "", 0, "%s", err)
	}
	var reasons []string
	for _, pattern := range p.patterns {
		err := validate.MatchPattern(logr.Discard(), resource, pattern)
		var why *validate.PatternError
		if err == nil || errors.As(err, &why) && why.Skip {
			return nil, nil
		}
		reason := err.Error()
		if why != nil && why.Path != "" && !strings.Contains(reason, why.Path) {
			reason += " at " + why.Path
		}
		reasons = append(reasons, reason)
	}
	message := strings.Join(slices.DeleteFunc([]string{p.rule.Validate.Message, strings.Join(reasons, "; ")},
		func(text string) bool { return text == "" }), ": ")
	return []violation{{Action: p.action, Rule: p.name, Message: message}}, nil
}
