package main

import (
	"errors"
	"slices"
	"sync"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

var everything = &metav1.LabelSelector{}

// applier is who a cluster would see: the agent.
var applier = &user.DefaultInfo{
	Name: "system:serviceaccount:groundswell-system:groundswell-agent",
	Groups: []string{"system:serviceaccounts", "system:serviceaccounts:groundswell-system",
		user.AllAuthenticated},
}

// attributesOf asks as the agent would when it creates the object.
func attributesOf(each *subject) admission.Attributes {
	namespace := each.id.Namespace
	if each.isNamespace() {
		namespace = each.id.Name
	}
	return admission.NewAttributesRecord(each.object, nil, each.gvk, namespace, each.id.Name,
		each.gvr, "", admission.Create, &metav1.CreateOptions{}, false, applier)
}

// reviewOf is the same request as an AdmissionReview would carry it.
func reviewOf(each *subject) map[string]any {
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
	return review
}

// interfaces know which versions of a kind are the same object, as a cluster does.
var interfaces = sync.OnceValue(func() admission.ObjectInterfaces {
	equivalents := runtime.NewEquivalentResourceRegistry()
	var kinds []schema.GroupVersionKind
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version != runtime.APIVersionInternal {
			kinds = append(kinds, gvk)
		}
	}
	slices.SortFunc(kinds, func(a, b schema.GroupVersionKind) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	for _, gvk := range kinds {
		gvr, _ := meta.UnsafeGuessKindToResource(gvk)
		equivalents.RegisterKindFor(gvr, "", gvk)
	}
	return &admission.RuntimeObjectInterfaces{EquivalentResourceMapper: equivalents,
		ObjectCreater: scheme.Scheme, ObjectTyper: scheme.Scheme, ObjectDefaulter: scheme.Scheme,
		ObjectConvertor: runtime.UnsafeObjectConvertor(scheme.Scheme)}
})

// paramStore holds the objects a policy may take as its parameters.
type paramStore struct {
	kind       *admissionregistration.ParamKind
	namespaced bool
	objects    []*subject
}

func newParamStore(each *subject, definition *admissionregistration.ValidatingAdmissionPolicy, kinds *manifestKinds) (*paramStore, error) {
	made := &paramStore{kind: definition.Spec.ParamKind}
	if made.kind == nil {
		return made, nil
	}
	group, err := schema.ParseGroupVersion(made.kind.APIVersion)
	if err != nil {
		return nil, each.fault("spec.paramKind: %s", err)
	}
	gvk := group.WithKind(made.kind.Kind)
	known := false
	made.namespaced, known = openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: made.kind.APIVersion, Kind: gvk.Kind})
	for _, other := range kinds.others {
		if other.gvk != gvk {
			continue
		}
		kinds.used[other] = true
		if other.unreadable != nil {
			return nil, other.fault("%s", other.unreadable)
		}
		made.objects = append(made.objects, other)
		made.namespaced = made.namespaced || !known && other.id.Namespace != ""
	}
	return made, nil
}

// collect picks parameters as the API server does; those without a namespace are in `default`.
func (s *paramStore) collect(ref *admissionregistration.ParamRef, namespace string) ([]runtime.Object, error) {
	if s.kind == nil || ref == nil {
		return []runtime.Object{nil}, nil
	}
	if s.namespaced {
		if ref.Namespace != "" {
			namespace = ref.Namespace
		} else if namespace == "" {
			return nil, errors.New("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
		}
	} else if ref.Namespace != "" {
		return nil, errors.New("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
	}
	selector := labels.Everything()
	if ref.Selector != nil {
		read, err := metav1.LabelSelectorAsSelector(ref.Selector)
		if err != nil {
			return nil, err
		}
		selector = read
	}
	var found []runtime.Object
	for _, each := range s.objects {
		home := each.id.Namespace
		if home == "" && s.namespaced {
			home = "default"
		}
		if (!s.namespaced || home == namespace) && (ref.Name == "" || ref.Name == each.id.Name) &&
			selector.Matches(labels.Set(each.labels())) {
			found = append(found, each.object)
		}
	}
	if len(found) == 0 && ref.ParameterNotFoundAction != nil && *ref.ParameterNotFoundAction == admissionregistration.DenyAction {
		return nil, errors.New("no params found for policy binding with `Deny` parameterNotFoundAction")
	}
	return found, nil
}

// parser reads CEL without knowing types.
var parser = sync.OnceValue(func() *celgo.Env {
	return celEnvironment().StoredExpressionsEnv()
})

// usesAuthorizer tells whether an expression asks what the cluster's authorizer thinks.
func usesAuthorizer(text string) bool {
	parsed, issues := parser().Parse(text)
	if issues != nil && issues.Err() != nil {
		return false
	}
	root := ast.NavigateAST(parsed.NativeRep())
	return len(ast.MatchDescendants(root, func(at ast.NavigableExpr) bool {
		return at.Kind() == ast.IdentKind && (at.AsIdent() == "authorizer" || at.AsIdent() == "authorizer.requestResource")
	})) > 0
}
