package main

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	listersv1 "k8s.io/client-go/listers/core/v1"
	kjson "sigs.k8s.io/json"
)

// subject is one object under judgement, in the shapes the engines want.
type subject struct {
	id   objectID
	gvk  schema.GroupVersionKind
	gvr  schema.GroupVersionResource
	file string
	line int
	text []byte
	// With numbers as json.Number: exact.
	value map[string]any
	// As the API server has it: a Go type for built-in kinds, else a map.
	object runtime.Object
	// Why it cannot be read as its kind.
	unreadable error
	// What Kyverno's variables stand for, once a rule has asked.
	variables *kyvernoContext
}

func newSubject(value map[string]any, text []byte, file string, line int) (*subject, error) {
	id, version := identify(value)
	group, err := schema.ParseGroupVersion(version)
	if err != nil {
		return nil, err
	}
	made := &subject{id: id, gvk: group.WithKind(id.Kind), file: file, line: line, text: text, value: value}
	made.gvr, _ = meta.UnsafeGuessKindToResource(made.gvk)
	made.object, made.unreadable = typed(made.gvk, text)
	if namespace, ok := made.object.(*corev1.Namespace); ok {
		labelNamespace(namespace)
	}
	return made, nil
}

// typed reads an object as the API server would: unknown fields of built-in kinds are dropped there.
func typed(gvk schema.GroupVersionKind, text []byte) (runtime.Object, error) {
	if scheme.Scheme.Recognizes(gvk) {
		into, err := scheme.Scheme.New(gvk)
		if err != nil {
			return nil, err
		}
		if err := kjson.UnmarshalCaseSensitivePreserveInts(text, into); err != nil {
			return nil, fmt.Errorf("it cannot be read as %s %s: %w", gvk.GroupVersion(), gvk.Kind, err)
		}
		into.GetObjectKind().SetGroupVersionKind(gvk)
		defaults().Default(into)
		return into, nil
	}
	var value map[string]any
	if err := utiljson.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return &unstructured.Unstructured{Object: value}, nil
}

func (s *subject) isNamespace() bool { return s.gvk.Group == "" && s.gvk.Kind == "Namespace" }

func (s *subject) labels() map[string]string {
	if accessor, err := meta.Accessor(s.object); err == nil {
		return accessor.GetLabels()
	}
	return nil
}

// world is a whole render, and what is known around it.
type world struct {
	subjects   []*subject
	namespaces map[string]*corev1.Namespace
	// Kinds that CustomResourceDefinitions of the render make.
	definitions       map[schema.GroupKind]*customKind
	kubernetesVersion string
	// What is known of images, by the question's id, and what is still to be asked.
	answers   map[string]imageAnswer
	questions map[string]imageQuestion
	// Of the object that is judged: which images are signed as somebody wanted, and which must be.
	verified map[string]bool
	required []requiredImages
	// Namespaces that are neither in the render nor with the policy, and were asked for labels.
	guessed map[string]bool
}

func newWorld(objects []judgedObject, namespaces []*subject) (*world, error) {
	made := &world{namespaces: map[string]*corev1.Namespace{}, guessed: map[string]bool{},
		answers: map[string]imageAnswer{}, questions: map[string]imageQuestion{}, verified: map[string]bool{},
		definitions: map[schema.GroupKind]*customKind{}}
	for _, each := range namespaces {
		made.know(each)
	}
	for _, each := range objects {
		text := []byte(each.JSON)
		decoded, err := decode(text)
		value, ok := decoded.(map[string]any)
		if err != nil || !ok {
			return nil, faultf("malformed", each.File, 0, "an object to judge is not readable: %v", err)
		}
		found, err := newSubject(value, text, each.File, 0)
		if err != nil {
			return nil, faultf("invalid", each.File, 0, "%s", err)
		}
		made.know(found)
		made.subjects = append(made.subjects, found)
		if kind, definition, ok := newCustomKind(found); ok {
			made.definitions[kind] = definition
		}
	}
	for _, each := range made.subjects {
		if definition, ok := made.definitions[each.gvk.GroupKind()]; ok {
			each.gvr.Resource = definition.read.Spec.Names.Plural
		}
	}
	return made, nil
}

// know takes in a namespace. One that is rendered keeps the labels that the policy knows of it and it does not
// name itself, as it would on the cluster: what applies it owns its own labels alone.
func (w *world) know(each *subject) {
	namespace, ok := each.object.(*corev1.Namespace)
	if !ok {
		return
	}
	if before, known := w.namespaces[namespace.Name]; known {
		namespace = namespace.DeepCopy()
		for key, value := range before.Labels {
			if _, named := namespace.Labels[key]; !named {
				namespace.Labels[key] = value
			}
		}
	}
	w.namespaces[namespace.Name] = namespace
}

func labelNamespace(namespace *corev1.Namespace) {
	if namespace.Labels == nil {
		namespace.Labels = map[string]string{}
	}
	namespace.Labels[corev1.LabelMetadataName] = namespace.Name
}

// namespace gives what is known of one; a cluster may know more.
func (w *world) namespace(name string) *corev1.Namespace {
	if found, ok := w.namespaces[name]; ok {
		return found
	}
	made := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	labelNamespace(made)
	return made
}

// Get has the world ask for a namespace's labels, as Kubernetes' own matcher does.
func (w *world) Get(name string) (*corev1.Namespace, error) {
	if name == "" {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, name)
	}
	if _, known := w.namespaces[name]; !known {
		w.guessed[name] = true
	}
	return w.namespace(name), nil
}

func (w *world) List(labels.Selector) ([]*corev1.Namespace, error) { return nil, nil }

var _ listersv1.NamespaceLister = (*world)(nil)

func (w *world) notes() []string {
	var names []string
	for name := range w.guessed {
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return []string{fmt.Sprintf("a namespace selector was judged without knowing the labels of %s: "+
		"add the Namespace to the application or to the policy's files", strings.Join(names, ", "))}
}
