package main

import (
	"context"
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"sigs.k8s.io/yaml"
)

// The names conftest asks for, in any package.
var (
	denyRule = regexp.MustCompile(`^(deny|violation)(_[a-zA-Z0-9_]+)?$`)
	warnRule = regexp.MustCompile(`^warn(_[a-zA-Z0-9_]+)?$`)
)

// regoFiles are a policy's .rego files, which make one program, and the data beside them.
type regoFiles struct {
	modules map[string]*ast.Module
	origins map[string]origin
	data    map[string]any
	first   string
	// What is missing may be in files that could not be read.
	partial bool
}

func newRegoFiles() *regoFiles {
	return &regoFiles{modules: map[string]*ast.Module{}, origins: map[string]origin{}, data: map[string]any{}}
}

func (r *regoFiles) add(file policyFile) error {
	// What tests a policy is no policy.
	if strings.HasSuffix(file.Path, "_test.rego") {
		return nil
	}
	r.origins[file.Path] = origin{file: file.Path}
	module, err := parseRego(file.Path, string(file.Data))
	if err != nil {
		return regoFaults(err, r.origins)
	}
	if r.first == "" {
		r.first = file.Path
	}
	r.modules[file.Path] = module
	return nil
}

// isRegoData tells OPA's own names for data files from manifests.
func isRegoData(file string) bool {
	name := path.Base(file)
	return name == "data.json" || name == "data.yaml" || name == "data.yml"
}

func (r *regoFiles) addData(file policyFile) error {
	text, err := yaml.YAMLToJSONStrict(file.Data)
	if err != nil {
		return yamlFault(file.Path, 1, err)
	}
	decoded, err := decode(text)
	found, ok := decoded.(map[string]any)
	if err != nil || !ok {
		return faultf("invalid", file.Path, 1, "Rego data must be a map")
	}
	for key, value := range found {
		if _, twice := r.data[key]; twice {
			return faultf("duplicate", file.Path, 1, "data.%s is given by another file already", key)
		}
		r.data[key] = value
	}
	return nil
}

// regoPart asks conftest's rules about one object at a time.
type regoPart struct {
	query  regoQuery
	action string
}

func (r *regoFiles) compile() ([]part, []string, error) {
	if len(r.modules) == 0 {
		if len(r.data) > 0 && !r.partial {
			return nil, nil, faultf("invalid", "", 0, "there is Rego data, but no .rego file")
		}
		return nil, nil, nil
	}
	compiler, err := compileRego(r.modules, r.origins)
	if err != nil {
		if r.partial {
			err = withoutMissing(err)
		}
		return nil, nil, err
	}
	actions := map[string]string{}
	var faults []error
	for _, module := range r.modules {
		for _, rule := range module.Rules {
			name := ruleName(rule)
			if name == "exception" {
				faults = append(faults, faultf("invalid", rule.Location.File, rule.Location.Row,
					"conftest's exception rules are not judged here; write the exception into the rule"))
			}
			if len(rule.Head.Args) > 0 || name == "" {
				continue
			}
			query := module.Package.Path.String() + "." + name
			if denyRule.MatchString(name) {
				actions[query] = "deny"
			} else if warnRule.MatchString(name) {
				actions[query] = "warn"
			}
		}
	}
	if len(actions) == 0 && !r.partial {
		faults = append(faults, faultf("invalid", r.first, 1, "no rule is called deny, violation or warn, so nothing would be judged"))
	}
	var parts []part
	for _, name := range sortedKeys(actions) {
		query, err := prepareRego(compiler, name, r.data)
		if err != nil {
			faults = append(faults, regoFaults(err, r.origins))
			continue
		}
		parts = append(parts, &regoPart{query, actions[name]})
	}
	return parts, nil, errors.Join(faults...)
}

// withoutMissing leaves out what a file that was not read may hold.
func withoutMissing(err error) error {
	var known []error
	for _, one := range faultsOf(err) {
		if !strings.Contains(one.Message, "undefined function data.") {
			known = append(known, one)
		}
	}
	return errors.Join(known...)
}

func ruleName(rule *ast.Rule) string {
	if len(rule.Head.Reference) == 0 {
		return string(rule.Head.Name)
	}
	name, _ := rule.Head.Reference[0].Value.(ast.Var)
	return string(name)
}

func sortedKeys[V any](from map[string]V) []string {
	keys := make([]string, 0, len(from))
	for key := range from {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (p *regoPart) judge(ctx context.Context, each *subject, _ *world) ([]violation, error) {
	messages, err := p.query.messages(ctx, each.value)
	var found []violation
	for _, message := range messages {
		found = append(found, violation{Action: p.action, Rule: p.query.name, Message: message})
	}
	return found, err
}
