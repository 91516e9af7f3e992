package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	"github.com/kyverno/kyverno/ext/wildcard"
	"github.com/kyverno/kyverno/pkg/engine/validate"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/labels"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
)

// kyvernoPart is one rule.
type kyvernoPart struct {
	rule      *kyvernoRule
	name      string
	namespace string
	action    string
	overrides []kyvernoOverride
	// A rule that cannot be judged is let through.
	ignores bool

	message       string
	context       []kyvernoEntry
	preconditions *kyvernoConditions
	check         *kyvernoCheck
	pods          *kyvernoPods
	verifies      []kyvernoVerification

	cel      validating.Validator
	params   *paramStore
	paramRef *admissionregistration.ParamRef
}

// kyvernoCheck is what an object, or an element of it, is held to.
type kyvernoCheck struct {
	Pattern    any              `json:"pattern"`
	AnyPattern []any            `json:"anyPattern"`
	Deny       *kyvernoDeny     `json:"deny"`
	ForEach    []kyvernoForEach `json:"foreach"`

	patterns   []any
	conditions *kyvernoConditions
}

type kyvernoDeny struct {
	Conditions any `json:"conditions"`
}

type kyvernoForEach struct {
	kyvernoCheck  `json:",inline"`
	List          string         `json:"list"`
	ElementScope  *bool          `json:"elementScope"`
	Context       []kyvernoEntry `json:"context"`
	Preconditions any            `json:"preconditions"`

	conditions *kyvernoConditions
}

// has counts the kinds of check that are given.
func (c *kyvernoCheck) has() (count int) {
	for _, given := range []bool{c.Pattern != nil, len(c.AnyPattern) > 0, c.Deny != nil, len(c.ForEach) > 0} {
		if given {
			count++
		}
	}
	return count
}

// kyvernoVerdict is what one check says: passed with neither a reason nor skipped.
type kyvernoVerdict struct {
	skipped bool
	reason  string
}

// kyvernoUnmet are preconditions that could not be asked; an element of a loop is left out then.
type kyvernoUnmet struct{ error }

func (p *kyvernoPart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	if p.namespace != "" && each.id.Namespace != p.namespace ||
		!p.rule.Match.matches(each, world) || !p.rule.Exclude.isEmpty() && p.rule.Exclude.matches(each, world) {
		return nil, nil
	}
	var found []violation
	var err error
	if len(p.verifies) > 0 {
		found, err = p.verify(each, world)
	} else {
		var reasons []string
		reasons, err = p.reasons(ctx, each, world)
		for _, reason := range reasons {
			found = append(found, violation{Action: p.overridden(p.action, each, world), Rule: p.name, Message: reason})
		}
	}
	if err != nil {
		// As in Kyverno: what cannot be judged is denied, also by a rule that only audits.
		action := "deny"
		if p.ignores {
			action = "warn"
		}
		found = append(found, violation{Action: action, Rule: p.name, Message: "it cannot be judged: " + err.Error()})
	}
	return found, nil
}

// overridden is the action, or the one that holds in the object's namespace instead.
func (p *kyvernoPart) overridden(action string, each *subject, world *world) string {
	for _, override := range p.overrides {
		named := slices.ContainsFunc(override.Namespaces, func(pattern string) bool {
			return wildcard.Match(pattern, each.id.Namespace)
		})
		if len(override.Namespaces) > 0 && !named {
			continue
		}
		if override.NamespaceSelector == nil {
			if named {
				return override.Action
			}
			continue
		}
		selector, err := asSelector(override.NamespaceSelector)
		if home, unknown := world.Get(each.id.Namespace); err == nil && unknown == nil && selector.Matches(labels.Set(home.Labels)) {
			return override.Action
		}
	}
	return action
}

func (p *kyvernoPart) reasons(ctx context.Context, each *subject, world *world) ([]string, error) {
	if p.cel != nil {
		params, err := p.params.collect(p.paramRef, each.id.Namespace)
		if err != nil {
			return nil, err
		}
		return denials(ctx, p.cel, each, world, params)
	}
	var resource map[string]any
	if err := utiljson.Unmarshal(each.text, &resource); err != nil {
		return nil, err
	}
	known := kyvernoContextOf(each).with(p.context)
	if met, err := p.preconditions.hold(known); err != nil || !met.holds {
		return nil, err
	}
	verdict := kyvernoVerdict{}
	var err error
	if p.pods != nil {
		verdict.reason, err = p.pods.reason(each)
	} else {
		verdict, err = p.check.judge(ctx, known, resource, 0)
	}
	if err != nil || verdict.skipped || verdict.reason == "" {
		return nil, err
	}
	message := p.message
	if written, err := known.substitute(message); err == nil {
		message = fmt.Sprint(written)
	}
	if verdict.reason == kyvernoDenied && message != "" {
		return []string{message}, nil
	}
	return []string{joinNonEmpty([]string{message, verdict.reason}, ": ")}, nil
}

// kyvernoDenied stands where conditions deny and say nothing of why.
const kyvernoDenied = "its deny conditions hold"

func (c *kyvernoCheck) judge(ctx context.Context, known *kyvernoContext, resource any, depth int) (kyvernoVerdict, error) {
	switch {
	case c.Deny != nil:
		denied, err := c.conditions.hold(known)
		if err != nil || !denied.holds {
			return kyvernoVerdict{}, err
		}
		if written, err := known.substitute(denied.message); err == nil && denied.message != "" {
			return kyvernoVerdict{reason: fmt.Sprint(written)}, nil
		}
		return kyvernoVerdict{reason: kyvernoDenied}, nil
	case len(c.patterns) > 0:
		return c.match(known, resource)
	}
	applied := 0
	var unlisted error
	for at := range c.ForEach {
		verdict, count, err := c.ForEach[at].judge(ctx, known, resource, depth)
		var list kyvernoUnlisted
		switch {
		case errors.As(err, &list):
			unlisted = err
		case err != nil || verdict.reason != "":
			return verdict, err
		}
		applied += count
	}
	if applied == 0 {
		return kyvernoVerdict{skipped: true}, unlisted
	}
	return kyvernoVerdict{}, nil
}

// match holds an object to patterns; one that fits is enough.
func (c *kyvernoCheck) match(known *kyvernoContext, resource any) (kyvernoVerdict, error) {
	var reasons []string
	skipped := false
	for _, pattern := range c.patterns {
		written, err := known.substitute(pattern)
		if err != nil {
			return kyvernoVerdict{}, err
		}
		err = validate.MatchPattern(logr.Discard(), resource, written)
		if err == nil {
			return kyvernoVerdict{}, nil
		}
		var why *validate.PatternError
		if errors.As(err, &why) && why.Skip {
			skipped = true
			continue
		}
		reason := err.Error()
		if why != nil && why.Path != "" && !strings.Contains(reason, why.Path) {
			reason += " at " + why.Path
		}
		reasons = append(reasons, reason)
	}
	if len(reasons) == 0 {
		return kyvernoVerdict{skipped: skipped}, nil
	}
	return kyvernoVerdict{reason: strings.Join(reasons, "; ")}, nil
}

// kyvernoUnlisted is a list that could not be made; another loop of the rule may do.
type kyvernoUnlisted struct{ error }

// judge goes over a list, and counts the elements that were held to the rule.
func (l *kyvernoForEach) judge(ctx context.Context, known *kyvernoContext, resource any, depth int) (kyvernoVerdict, int, error) {
	elements, err := known.list(l.List)
	if err != nil {
		if strings.Contains(err.Error(), "Unknown key") {
			return kyvernoVerdict{}, 0, nil
		}
		return kyvernoVerdict{}, 0, kyvernoUnlisted{fmt.Errorf("the list %s: %w", l.List, err)}
	}
	applied := 0
	for at, element := range elements {
		if ctx.Err() != nil {
			return kyvernoVerdict{}, applied, ctx.Err()
		}
		if element == nil {
			continue
		}
		scope := resource
		if _, isMap := element.(map[string]any); isMap && (l.ElementScope == nil || *l.ElementScope) {
			scope = element
		} else if l.ElementScope != nil && *l.ElementScope {
			return kyvernoVerdict{}, applied, fmt.Errorf("elementScope is true, and element %d of %s is no map", at, l.List)
		}
		inner := known.withElement(element, at, depth).with(l.Context)
		met, err := l.conditions.hold(inner)
		if err != nil || !met.holds {
			continue
		}
		verdict, err := l.kyvernoCheck.judge(ctx, inner, scope, depth+1)
		if err != nil || verdict.reason != "" {
			return verdict, applied, err
		}
		if !verdict.skipped {
			applied++
		}
	}
	return kyvernoVerdict{}, applied, nil
}

func joinNonEmpty(texts []string, between string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" }), between)
}
