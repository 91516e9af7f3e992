package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/kyverno/kyverno/ext/wildcard"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// kyvernoMatch is a rule's match or exclude. Who asks is not among it: here it is always the agent.
type kyvernoMatch struct {
	Any []kyvernoFilter `json:"any"`
	All []kyvernoFilter `json:"all"`
	// The old way to write one.
	Resources *kyvernoResources `json:"resources"`
}

type kyvernoFilter struct {
	Resources *kyvernoResources `json:"resources"`
}

type kyvernoResources struct {
	Kinds             []string              `json:"kinds"`
	Name              string                `json:"name"`
	Names             []string              `json:"names"`
	Namespaces        []string              `json:"namespaces"`
	Annotations       map[string]string     `json:"annotations"`
	Selector          *metav1.LabelSelector `json:"selector"`
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector"`
	Operations        []string              `json:"operations"`
}

func (m *kyvernoMatch) isEmpty() bool {
	return len(m.Any) == 0 && len(m.All) == 0 && m.Resources == nil
}

func (m *kyvernoMatch) resources() (found []*kyvernoResources) {
	for _, each := range append(slices.Clone(m.Any), m.All...) {
		found = append(found, each.Resources)
	}
	if m.Resources != nil {
		found = append(found, m.Resources)
	}
	return found
}

// check tells what a match says that cannot be judged here.
func (m *kyvernoMatch) check(fault func(string, ...any)) error {
	for _, each := range m.resources() {
		if each == nil {
			fault("a filter without resources is not judged here")
			continue
		}
		for _, kind := range each.Kinds {
			if parts := strings.Split(kind, "/"); len(parts) > 3 || strings.Contains(kind, ".") && len(parts) == 1 ||
				len(parts) == 2 && !strings.HasPrefix(parts[0], "v") && parts[0] != "*" {
				fault("the kind %q is not judged here; write Kind, version/Kind or group/version/Kind", kind)
			}
		}
		for _, selector := range []*metav1.LabelSelector{each.Selector, each.NamespaceSelector} {
			if selector == nil {
				continue
			}
			if strings.ContainsAny(selector.String(), "*?") {
				fault("wildcards in label selectors are not judged here")
			}
			if _, err := metav1.LabelSelectorAsSelector(selector); err != nil {
				return err
			}
		}
	}
	return nil
}

// isOfPods tells whether a match picks pods by nothing but their kind and place, as Kyverno asks
// before it makes rules for controllers.
func (m *kyvernoMatch) isOfPods() bool {
	all := m.resources()
	return len(all) > 0 && !slices.ContainsFunc(all, func(each *kyvernoResources) bool {
		return each == nil || !slices.Equal(each.Kinds, []string{"Pod"}) || each.Name != "" || len(each.Names) > 0 ||
			len(each.Annotations) > 0 || each.Selector != nil
	})
}

func (m *kyvernoMatch) matches(each *subject, world *world) bool {
	fits := func(filter kyvernoFilter) bool { return filter.Resources.matches(each, world) }
	switch {
	case m.Resources != nil:
		return m.Resources.matches(each, world)
	case len(m.Any) > 0:
		return slices.ContainsFunc(m.Any, fits)
	default:
		return len(m.All) > 0 && !slices.ContainsFunc(m.All, func(filter kyvernoFilter) bool { return !fits(filter) })
	}
}

func (r *kyvernoResources) matches(each *subject, world *world) bool {
	within := func(patterns []string, text string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return wildcard.Match(pattern, text) })
	}
	namespace := each.id.Namespace
	if each.isNamespace() {
		namespace = each.id.Name
	}
	if len(r.Kinds) > 0 && !slices.ContainsFunc(r.Kinds, func(kind string) bool { return matchesKind(kind, each) }) ||
		r.Name != "" && !wildcard.Match(r.Name, each.id.Name) || len(r.Names) > 0 && !within(r.Names, each.id.Name) ||
		len(r.Namespaces) > 0 && !within(r.Namespaces, namespace) ||
		len(r.Operations) > 0 && !slices.Contains(r.Operations, "CREATE") {
		return false
	}
	for key, pattern := range r.Annotations {
		if !wildcard.Match(pattern, annotation(each.value, key)) {
			return false
		}
	}
	if selector, err := asSelector(r.Selector); err != nil || !selector.Matches(labels.Set(each.labels())) {
		return false
	}
	if r.NamespaceSelector == nil {
		return true
	}
	selector, err := asSelector(r.NamespaceSelector)
	if err != nil || namespace == "" {
		return false
	}
	home, err := world.Get(namespace)
	return err == nil && selector.Matches(labels.Set(home.Labels))
}

func asSelector(from *metav1.LabelSelector) (labels.Selector, error) {
	if from == nil {
		return labels.Everything(), nil
	}
	selector, err := metav1.LabelSelectorAsSelector(from)
	return selector, errors.Join(err)
}

// matchesKind reads Kind, version/Kind and group/version/Kind; each part may hold wildcards.
func matchesKind(written string, each *subject) bool {
	parts := strings.Split(written, "/")
	if !wildcard.Match(parts[len(parts)-1], each.gvk.Kind) {
		return false
	}
	if len(parts) >= 2 && !wildcard.Match(parts[len(parts)-2], each.gvk.Version) {
		return false
	}
	return len(parts) < 3 || wildcard.Match(parts[0], each.gvk.Group)
}
