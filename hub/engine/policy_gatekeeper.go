package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// constraintTemplate is what Gatekeeper's template says of its rule; other fields describe the
// parameters, which the constraint's own cluster checks.
type constraintTemplate struct {
	Spec struct {
		CRD struct {
			Spec struct {
				Names struct {
					Kind string `json:"kind"`
				} `json:"names"`
			} `json:"spec"`
		} `json:"crd"`
		Targets []struct {
			Target string   `json:"target"`
			Rego   string   `json:"rego"`
			Libs   []string `json:"libs"`
			Code   []struct {
				Engine string `json:"engine"`
				Source any    `json:"source"`
			} `json:"code"`
		} `json:"targets"`
	} `json:"spec"`
}

type regoSource struct {
	Rego string   `json:"rego"`
	Libs []string `json:"libs"`
}

// templateRule is a template, compiled: in Rego or in CEL.
type templateRule struct {
	query  regoQuery
	native validating.Validator
}

// constraintPart is one constraint: whom it means, and the template's rule with its parameters.
type constraintPart struct {
	rule       templateRule
	constraint *subject
	match      *gatekeeperMatch
	name       string
	action     string
	parameters any
}

func compileGatekeeper(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	rules := map[string]templateRule{}
	used := map[string]bool{}
	broken := map[string]bool{}
	var faults []error
	for _, each := range kinds.templates {
		var read constraintTemplate
		if err := json.Unmarshal(each.text, &read); err != nil {
			faults = append(faults, each.fault("%s", err))
			continue
		}
		kind := read.Spec.CRD.Spec.Names.Kind
		rule, err := compileTemplate(each, read, files)
		if err != nil {
			faults, broken[kind] = append(faults, err), true
			continue
		}
		rules[kind] = rule
	}
	var parts []part
	for _, each := range kinds.constraints {
		used[each.id.Kind] = true
		rule, known := rules[each.id.Kind]
		if !known {
			if !broken[each.id.Kind] && !kinds.partial {
				faults = append(faults, each.fault("no ConstraintTemplate for %s is in the policy's files", each.id.Kind))
			}
			continue
		}
		found, err := newConstraint(each, rule)
		parts, faults = append(parts, found), append(faults, err)
	}
	for _, each := range kinds.templates {
		var read constraintTemplate
		if !kinds.partial && json.Unmarshal(each.text, &read) == nil && !used[read.Spec.CRD.Spec.Names.Kind] {
			faults = append(faults, each.fault("no constraint of kind %s is in the policy's files, so it would judge nothing",
				read.Spec.CRD.Spec.Names.Kind))
		}
	}
	return parts, nil, errors.Join(faults...)
}

func compileTemplate(each *subject, read constraintTemplate, files []policyFile) (templateRule, error) {
	none := templateRule{}
	kind := read.Spec.CRD.Spec.Names.Kind
	if kind == "" {
		return none, each.fault("spec.crd.spec.names.kind is missing")
	}
	if len(read.Spec.Targets) != 1 || read.Spec.Targets[0].Target != "admission.k8s.gatekeeper.sh" {
		return none, each.fault("spec.targets must be one target, admission.k8s.gatekeeper.sh")
	}
	target := read.Spec.Targets[0]
	source, found := regoSource{target.Rego, target.Libs}, target.Rego != ""
	for _, code := range target.Code {
		switch code.Engine {
		case nativeValidation:
			// As in Gatekeeper, CEL goes first where a template is written in both.
			native, err := compileNative(each, code.Source, files)
			return templateRule{native: native}, err
		case "Rego":
			text, err := encode(code.Source)
			if err = errors.Join(err, json.Unmarshal(text, &source)); err != nil {
				return none, each.faultAt(files, "engine: Rego", "%s", err)
			}
			found = true
		default:
			if !found && len(target.Code) == 1 {
				return none, each.faultAt(files, "engine: "+code.Engine, "the engine %s is not judged here; write the rule in Rego or in CEL (%s)", code.Engine, nativeValidation)
			}
		}
	}
	if !found {
		return none, each.fault("spec.targets[0].rego is missing")
	}
	query, err := compileRegoTemplate(each, kind, source, files)
	return templateRule{query: query}, err
}

func compileRegoTemplate(each *subject, kind string, source regoSource, files []policyFile) (regoQuery, error) {
	none := regoQuery{}
	modules, origins := map[string]*ast.Module{}, map[string]origin{}
	rule := ""
	for at, text := range append([]string{source.Rego}, source.Libs...) {
		name := fmt.Sprintf("%s/%d", each.id.Name, at)
		first := each.faultAt(files, text, "")
		origins[name] = origin{first.File, first.Line - 1 - leadingLines(text)}
		module, err := parseRego(name, text)
		if err != nil {
			return none, regoFaults(err, origins)
		}
		if err := checkInventory(module, origins[name]); err != nil {
			return none, err
		}
		if at == 0 {
			rule = module.Package.Path.String() + ".violation"
		}
		modules[name] = module
	}
	compiler, err := compileRego(modules, origins)
	if err != nil {
		return none, err
	}
	if !hasRule(modules, "violation") {
		return none, each.fault("its Rego has no rule called violation")
	}
	query, err := prepareRego(compiler, rule, nil)
	query.name = kind
	return query, err
}

func leadingLines(text string) int {
	return strings.Count(text[:len(text)-len(strings.TrimLeft(text, " \t\n"))], "\n")
}

func hasRule(modules map[string]*ast.Module, name string) bool {
	for _, module := range modules {
		for _, rule := range module.Rules {
			if ruleName(rule) == name {
				return true
			}
		}
	}
	return false
}

// checkInventory refuses rules that look at other objects of the cluster: here they would see none,
// and pass.
func checkInventory(module *ast.Module, at origin) error {
	var found error
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		if found == nil && ref.HasPrefix(ast.MustParseRef("data.inventory")) {
			found = faultf("invalid", at.file, at.above+ref[0].Location.Row,
				"Rego: data.inventory is what a cluster holds, which is not known before delivery")
		}
		return false
	})
	return found
}

func newConstraint(each *subject, rule templateRule) (*constraintPart, error) {
	spec, _ := each.value["spec"].(map[string]any)
	made := &constraintPart{rule: rule, constraint: each, name: each.id.Kind + " " + each.id.Name, parameters: spec["parameters"]}
	if made.parameters == nil {
		made.parameters = map[string]any{}
	}
	var faults []error
	for _, field := range sortedKeys(spec) {
		switch field {
		case "match", "parameters", "enforcementAction":
		default:
			faults = append(faults, each.fault("spec.%s is not judged here", field))
		}
	}
	switch action := spec["enforcementAction"]; action {
	case nil, "", "deny":
		made.action = "deny"
	case "warn":
		made.action = "warn"
	case "dryrun":
		made.action = "audit"
	default:
		faults = append(faults, each.fault("the enforcementAction %v is not judged here: deny, warn or dryrun", action))
	}
	match, err := newGatekeeperMatch(each, spec["match"])
	made.match = match
	return made, errors.Join(append(faults, err)...)
}

func (p *constraintPart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	if !p.match.matches(each, world) {
		return nil, nil
	}
	var messages []string
	var err error
	if p.rule.native != nil {
		messages, err = denials(ctx, p.rule.native, each, world, []runtime.Object{p.constraint.object})
		if err != nil {
			return []violation{{Action: "deny", Rule: p.name, Message: "it cannot be judged: " + err.Error()}}, nil
		}
	} else {
		messages, err = p.rule.query.messages(ctx, map[string]any{"review": reviewOf(each), "parameters": p.parameters})
	}
	var found []violation
	for _, message := range messages {
		found = append(found, violation{Action: p.action, Rule: p.name, Message: message})
	}
	return found, err
}
