package main

import (
	"errors"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kjson "sigs.k8s.io/json"
)

// gatekeeperMatch is a constraint's spec.match; the meaning of each field is Gatekeeper's.
// https://open-policy-agent.github.io/gatekeeper/website/docs/howto/#the-match-field
type gatekeeperMatch struct {
	Source string `json:"source"`
	Scope  string `json:"scope"`
	Name   string `json:"name"`
	Kinds  []struct {
		APIGroups []string `json:"apiGroups"`
		Kinds     []string `json:"kinds"`
	} `json:"kinds"`
	Namespaces         []string              `json:"namespaces"`
	ExcludedNamespaces []string              `json:"excludedNamespaces"`
	LabelSelector      *metav1.LabelSelector `json:"labelSelector"`
	NamespaceSelector  *metav1.LabelSelector `json:"namespaceSelector"`

	byLabels, byNamespace labels.Selector
}

func newGatekeeperMatch(each *subject, from any) (*gatekeeperMatch, error) {
	made := &gatekeeperMatch{}
	if from != nil {
		text, err := encode(from)
		if err != nil {
			return nil, each.fault("spec.match: %s", err)
		}
		strict, err := kjson.UnmarshalStrict(text, made)
		if err = errors.Join(append(strict, err)...); err != nil {
			return nil, each.fault("spec.match: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if !slices.Contains([]string{"", "*", "Cluster", "Namespaced"}, made.Scope) {
		return nil, each.fault("spec.match.scope %q is not *, Cluster or Namespaced", made.Scope)
	}
	if !slices.Contains([]string{"", "All", "Original", "Generated"}, made.Source) {
		return nil, each.fault("spec.match.source %q is not All, Original or Generated", made.Source)
	}
	var err error
	if made.LabelSelector != nil {
		if made.byLabels, err = metav1.LabelSelectorAsSelector(made.LabelSelector); err != nil {
			return nil, each.fault("spec.match.labelSelector: %s", err)
		}
	}
	if made.NamespaceSelector != nil {
		if made.byNamespace, err = metav1.LabelSelectorAsSelector(made.NamespaceSelector); err != nil {
			return nil, each.fault("spec.match.namespaceSelector: %s", err)
		}
	}
	return made, nil
}

func (m *gatekeeperMatch) matches(each *subject, world *world) bool {
	return m.matchesKind(each) && m.matchesScope(each) && m.matchesNamespace(each) &&
		(m.Name == "" || matchesWildcard(m.Name, each.id.Name)) && m.Source != "Generated" &&
		(m.byLabels == nil || m.byLabels.Matches(labels.Set(each.labels()))) &&
		m.matchesNamespaceLabels(each, world)
}

func (m *gatekeeperMatch) matchesKind(each *subject) bool {
	if len(m.Kinds) == 0 {
		return true
	}
	has := func(list []string, name string) bool {
		return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, name)
	}
	for _, one := range m.Kinds {
		if has(one.Kinds, each.gvk.Kind) && has(one.APIGroups, each.gvk.Group) {
			return true
		}
	}
	return false
}

func (m *gatekeeperMatch) matchesScope(each *subject) bool {
	namespaced := each.id.Namespace != "" && !each.isNamespace()
	switch m.Scope {
	case "Cluster":
		return !namespaced
	case "Namespaced":
		return namespaced
	default:
		return true
	}
}

func (m *gatekeeperMatch) matchesNamespace(each *subject) bool {
	namespace := each.id.Namespace
	if each.isNamespace() {
		namespace = each.id.Name
	}
	if namespace == "" {
		return true
	}
	within := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return matchesWildcard(pattern, namespace) })
	}
	return (len(m.Namespaces) == 0 || within(m.Namespaces)) && !within(m.ExcludedNamespaces)
}

func (m *gatekeeperMatch) matchesNamespaceLabels(each *subject, world *world) bool {
	switch {
	case m.byNamespace == nil:
		return true
	case each.isNamespace():
		return m.byNamespace.Matches(labels.Set(each.labels()))
	case each.id.Namespace == "":
		return true
	}
	found, err := world.Get(each.id.Namespace)
	return err == nil && m.byNamespace.Matches(labels.Set(found.Labels))
}

// matchesWildcard knows one star at either end, or at both.
func matchesWildcard(pattern, text string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(pattern, "*"), "*")
	first, last := strings.HasPrefix(pattern, "*"), len(pattern) > 1 && strings.HasSuffix(pattern, "*")
	switch {
	case pattern == "*":
		return true
	case first && last:
		return strings.Contains(text, inner)
	case first:
		return strings.HasSuffix(text, inner)
	case last:
		return strings.HasPrefix(text, inner)
	default:
		return pattern == text
	}
}
