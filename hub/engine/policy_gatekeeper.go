package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
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
				Source struct {
					Rego    string   `json:"rego"`
					Libs    []string `json:"libs"`
					Version string   `json:"version"`
				} `json:"source"`
			} `json:"code"`
		} `json:"targets"`
	} `json:"spec"`
}

// constraintPart is one constraint: whom it means, and the template's rule with its parameters.
type constraintPart struct {
	query      regoQuery
	match      *gatekeeperMatch
	name       string
	action     string
	parameters any
}

func compileGatekeeper(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	queries := map[string]regoQuery{}
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
		query, err := compileTemplate(each, read, files)
		if err != nil {
			faults, broken[kind] = append(faults, err), true
			continue
		}
		queries[kind] = query
	}
	var parts []part
	for _, each := range kinds.constraints {
		used[each.id.Kind] = true
		query, known := queries[each.id.Kind]
		if !known {
			if !broken[each.id.Kind] {
				faults = append(faults, each.fault("no ConstraintTemplate for %s is in the policy's files", each.id.Kind))
			}
			continue
		}
		found, err := newConstraint(each, query)
		parts, faults = append(parts, found), append(faults, err)
	}
	for _, each := range kinds.templates {
		var read constraintTemplate
		if json.Unmarshal(each.text, &read) == nil && !used[read.Spec.CRD.Spec.Names.Kind] {
			faults = append(faults, each.fault("no constraint of kind %s is in the policy's files, so it would judge nothing",
				read.Spec.CRD.Spec.Names.Kind))
		}
	}
	return parts, nil, errors.Join(faults...)
}

func compileTemplate(each *subject, read constraintTemplate, files []policyFile) (regoQuery, error) {
	none := regoQuery{}
	kind := read.Spec.CRD.Spec.Names.Kind
	if kind == "" {
		return none, each.fault("spec.crd.spec.names.kind is missing")
	}
	if len(read.Spec.Targets) != 1 || read.Spec.Targets[0].Target != "admission.k8s.gatekeeper.sh" {
		return none, each.fault("spec.targets must be one target, admission.k8s.gatekeeper.sh")
	}
	target := read.Spec.Targets[0]
	text, libs, found := target.Rego, target.Libs, target.Rego != ""
	for _, code := range target.Code {
		if code.Engine != "Rego" {
			if !found && len(target.Code) == 1 {
				return none, each.faultAt(files, "engine: "+code.Engine, "the engine %s is not judged here; write the rule in Rego or as a ValidatingAdmissionPolicy", code.Engine)
			}
			continue
		}
		text, libs, found = code.Source.Rego, code.Source.Libs, true
	}
	if !found {
		return none, each.fault("spec.targets[0].rego is missing")
	}
	modules, origins := map[string]*ast.Module{}, map[string]origin{}
	rule := ""
	for at, source := range append([]string{text}, libs...) {
		name := fmt.Sprintf("%s/%d", each.id.Name, at)
		first := each.faultAt(files, source, "")
		origins[name] = origin{first.File, first.Line - 1 - leadingLines(source)}
		module, err := parseRego(name, source)
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

func newConstraint(each *subject, query regoQuery) (*constraintPart, error) {
	spec, _ := each.value["spec"].(map[string]any)
	made := &constraintPart{query: query, name: each.id.Kind + " " + each.id.Name, parameters: spec["parameters"]}
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
	kind := map[string]any{"group": each.gvk.Group, "version": each.gvk.Version, "kind": each.gvk.Kind}
	resource := map[string]any{"group": each.gvr.Group, "version": each.gvr.Version, "resource": each.gvr.Resource}
	review := map[string]any{
		"uid": "", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
		"name": each.id.Name, "operation": "CREATE", "object": each.value, "oldObject": nil, "dryRun": false,
		"userInfo": map[string]any{"username": applier.Name, "groups": applier.Groups},
	}
	if each.id.Namespace != "" {
		review["namespace"] = each.id.Namespace
	}
	messages, err := p.query.messages(ctx, map[string]any{"review": review, "parameters": p.parameters})
	var found []violation
	for _, message := range messages {
		found = append(found, violation{Action: p.action, Rule: p.name, Message: message})
	}
	return found, err
}
