package main

import (
	"fmt"
	"regexp"
	"strings"

	gojmespath "github.com/kyverno/go-jmespath"
	"github.com/kyverno/kyverno/pkg/engine/variables/regex"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// kyvernoCompiling is one rule while it is read.
type kyvernoCompiling struct {
	each   *subject
	policy *clusterPolicy
	read   *kyvernoRule
	kinds  *manifestKinds
	files  []policyFile
	faults []error
}

func (c *kyvernoCompiling) fault(format string, args ...any) {
	c.faults = append(c.faults, c.each.faultAt(c.files, "name: "+c.read.Name, "rule %s: %s", c.read.Name, fmt.Sprintf(format, args...)))
}

func (c *kyvernoCompiling) rule() part {
	rule := c.read
	made := &kyvernoPart{rule: rule, name: c.each.id.Kind + " " + c.each.id.Name + ", rule " + rule.Name,
		ignores: c.policy.Spec.FailurePolicy == "Ignore"}
	if c.each.id.Kind == "Policy" {
		made.namespace = c.each.id.Namespace
		if made.namespace == "" {
			c.fault("a Policy needs a namespace")
		}
	}
	for _, name := range rule.strangers() {
		c.fault("%s is not judged here: leave it to the cluster, and give this policy without it", name)
	}
	if rule.Match.isEmpty() {
		c.fault("match is missing")
	}
	for _, match := range []*kyvernoMatch{&rule.Match, &rule.Exclude} {
		if err := match.check(c.fault); err != nil {
			c.fault("%s", err)
		}
	}
	switch {
	case rule.Validate == nil && len(rule.VerifyImages) == 0:
		if len(c.faults) == 0 {
			c.fault("it has no validate and no verifyImages, and nothing else is judged here")
		}
		return made
	case rule.Validate != nil && len(rule.VerifyImages) > 0:
		c.fault("validate and verifyImages do not go together")
		return made
	case rule.Validate == nil:
		c.verifications(made)
		made.overrides = c.overrides(c.policy.Spec.ValidationFailureActionOverrides)
	case rule.Validate.CEL != nil:
		c.actions(made)
		c.cel(made)
	default:
		made.message = rule.Validate.Message
		c.actions(made)
		made.context = c.entries(rule.Context)
		made.preconditions = c.conditions("preconditions", rule.Preconditions)
		if rule.Validate.PodSecurity != nil {
			made.pods = c.podSecurity(rule.Validate.PodSecurity)
		} else {
			made.check = c.check("validate", &rule.Validate.kyvernoCheck)
		}
		c.text("validate.message", rule.Validate.Message)
		if len(rule.CELPreconditions) > 0 {
			c.fault("celPreconditions go with validate.cel alone")
		}
	}
	controllers, err := autogenOf(c.each, rule)
	if err != "" {
		c.fault("%s", err)
	}
	return &podPart{made, controllers}
}

func (c *kyvernoCompiling) actions(made *kyvernoPart) {
	written, overrides := c.read.Validate.FailureAction, c.read.Validate.FailureActionOverrides
	if written == "" {
		written = c.policy.Spec.ValidationFailureAction
	}
	if len(overrides) == 0 {
		overrides = c.policy.Spec.ValidationFailureActionOverrides
	}
	made.action, made.overrides = c.action(written), c.overrides(overrides)
}

func (c *kyvernoCompiling) overrides(overrides []kyvernoOverride) []kyvernoOverride {
	for at := range overrides {
		overrides[at].Action = c.action(overrides[at].Action)
		if _, err := metav1.LabelSelectorAsSelector(overrides[at].NamespaceSelector); err != nil {
			c.fault("failureActionOverrides[%d].namespaceSelector: %s", at, err)
		}
	}
	return overrides
}

func (c *kyvernoCompiling) action(written string) string {
	switch strings.ToLower(written) {
	case "enforce":
		return "deny"
	case "", "audit":
		// As in Kyverno.
		return "audit"
	}
	c.fault("unknown failure action %q", written)
	return ""
}

var kyvernoPlaces = celPlaces{"validate.cel.expressions", "validate.cel.variables", "celPreconditions"}

func (c *kyvernoCompiling) cel(made *kyvernoPart) {
	cel := c.read.Validate.CEL
	if c.read.Preconditions != nil || len(c.read.Context) > 0 || c.read.Validate.has() != 0 {
		c.fault("validate.cel goes with celPreconditions alone")
	}
	definition := &admissionregistration.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: c.each.id.Name}}
	definition.Spec.ParamKind, definition.Spec.Variables = cel.ParamKind, cel.Variables
	definition.Spec.Validations, definition.Spec.AuditAnnotations = cel.Expressions, cel.AuditAnnotations
	definition.Spec.MatchConditions = c.read.CELPreconditions
	failure := admissionregistration.Fail
	if made.ignores {
		failure = admissionregistration.Ignore
	}
	definition.Spec.FailurePolicy = &failure
	for at := range cel.Expressions {
		if cel.Expressions[at].Message == "" {
			cel.Expressions[at].Message = c.read.Validate.Message
		}
	}
	if len(cel.Expressions) == 0 {
		c.fault("validate.cel.expressions is missing")
	}
	if (cel.ParamKind == nil) != (cel.ParamRef == nil) {
		c.fault("validate.cel needs paramKind and paramRef together")
	}
	store, err := newParamStore(c.each, definition, c.kinds)
	if err != nil {
		c.faults = append(c.faults, err)
	}
	validator, faults := compileDefinition(c.each, definition, c.files, kyvernoPlaces)
	c.faults = append(c.faults, faults...)
	made.cel, made.params, made.paramRef = validator, store, cel.ParamRef
}

func (c *kyvernoCompiling) entries(given []kyvernoEntry) []kyvernoEntry {
	for at := range given {
		entry := &given[at]
		switch {
		case entry.Name == "":
			c.fault("an entry of context has no name")
		case entry.Variable != nil:
			c.text("context."+entry.Name, entry.Variable.Value, entry.Variable.Default)
			if entry.Variable.JMESPath != "" {
				c.query("context."+entry.Name, entry.Variable.JMESPath)
			}
			entry.Variable.Value, entry.Variable.Default = plainJSON(entry.Variable.Value), plainJSON(entry.Variable.Default)
		case entry.ConfigMap != nil:
			entry.found = c.configMap(entry)
		default:
			c.fault("context %s: only a variable, or a ConfigMap that is in the policy's files, is known before delivery", entry.Name)
		}
	}
	return given
}

// configMap finds what a cluster would hold among the policy's own files.
func (c *kyvernoCompiling) configMap(entry *kyvernoEntry) any {
	namespace := entry.ConfigMap.Namespace
	if namespace == "" {
		namespace = "default"
	}
	for _, other := range c.kinds.others {
		if other.gvk.Group == "" && other.gvk.Kind == "ConfigMap" && other.id.Name == entry.ConfigMap.Name &&
			(other.id.Namespace == namespace || other.id.Namespace == "" && namespace == "default") {
			c.kinds.used[other] = true
			return plainJSON(other.value)
		}
	}
	if !c.kinds.partial {
		c.fault("context %s: ConfigMap %s/%s is in none of the policy's files, and no cluster can be asked before delivery",
			entry.Name, namespace, entry.ConfigMap.Name)
	}
	return nil
}

// check reads what may stand in validate and in each foreach.
func (c *kyvernoCompiling) check(place string, given *kyvernoCheck) *kyvernoCheck {
	if given.has() != 1 {
		c.fault("%s needs one of pattern, anyPattern, deny, foreach, cel and podSecurity", place)
	}
	c.patterns(place, given)
	if given.Deny != nil {
		given.conditions = c.conditions(place+".deny.conditions", given.Deny.Conditions)
	}
	for at := range given.ForEach {
		loop := &given.ForEach[at]
		inner := fmt.Sprintf("%s.foreach[%d]", place, at)
		c.query(inner+".list", loop.List)
		loop.Context = c.entries(loop.Context)
		loop.conditions = c.conditions(inner+".preconditions", loop.Preconditions)
		c.check(inner, &loop.kyvernoCheck)
	}
	return given
}

func (c *kyvernoCompiling) patterns(place string, given *kyvernoCheck) {
	patterns := given.AnyPattern
	if given.Pattern != nil {
		patterns = []any{given.Pattern}
	}
	for at, pattern := range patterns {
		c.text(place+".pattern", pattern)
		text, err := encode(pattern)
		if err != nil {
			c.fault("%s", err)
			continue
		}
		if strings.Contains(string(text), "$(") {
			c.fault("references ($( )) in patterns are not judged here")
		}
		// Numbers as Kyverno has them.
		var plain any
		if err := utiljson.Unmarshal(text, &plain); err != nil {
			c.fault("%s", err)
		}
		patterns[at] = plain
	}
	given.patterns = patterns
}

// text checks the variables in anything written.
func (c *kyvernoCompiling) text(place string, written ...any) {
	for _, each := range written {
		visitStrings(each, func(text string) {
			for _, found := range regex.RegexVariables.FindAllString(text, -1) {
				c.query(place, trimVariable(found[strings.Index(found, "{{"):]))
			}
		})
	}
}

var (
	// What answers differently each time, and what only a cluster knows.
	unsteadyQuery = regexp.MustCompile(`\b(random|time_now|time_now_utc|time_since)\s*\(`)
	clusterQuery  = regexp.MustCompile(`(^|[^.\w])(request\.(roles|clusterRoles)|target|globalReference)\b`)
)

func (c *kyvernoCompiling) query(place, text string) {
	if found := unsteadyQuery.FindStringSubmatch(text); found != nil {
		c.fault("%s: %s() answers differently each time, so the same commit could not be judged the same", place, found[1])
	}
	if found := clusterQuery.FindStringSubmatch(text); found != nil {
		c.fault("%s: %s is known to a cluster alone", place, found[2])
	}
	if text == "@" || text == "" {
		c.fault("%s: the variable {{ %s }} is not judged here", place, text)
	} else if regex.IsVariable(text) {
		return
	} else if _, err := gojmespath.Compile(text); err != nil {
		c.fault("%s: %q is no JMESPath: %s", place, text, err)
	}
}
