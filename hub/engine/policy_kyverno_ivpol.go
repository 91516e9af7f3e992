package main

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/gobwas/glob"
	celgo "github.com/google/cel-go/cel"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"
)

// imagePolicy is what is judged here of Kyverno's ImageValidatingPolicy, which binds itself. Every field
// that is not listed is a fault.
type imagePolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		MatchConstraints  *admissionregistration.MatchResources    `json:"matchConstraints"`
		FailurePolicy     *admissionregistration.FailurePolicyType `json:"failurePolicy"`
		ValidationActions []admissionregistration.ValidationAction `json:"validationActions"`
		MatchConditions   []admissionregistration.MatchCondition   `json:"matchConditions"`
		Variables         []admissionregistration.Variable         `json:"variables"`
		AuditAnnotations  []admissionregistration.AuditAnnotation  `json:"auditAnnotations"`
		Validations       []admissionregistration.Validation       `json:"validations"`
		References        []imageReferenceRule                     `json:"matchImageReferences"`
		Extractors        []imageExtractor                         `json:"images"`
		Attestors         []imageAttestor                          `json:"attestors"`
		Attestations      []imageAttestation                       `json:"attestations"`
		Configurations    struct {
			// Images have their digests here, or nothing can be said of them.
			MutateDigest any   `json:"mutateDigest"`
			VerifyDigest *bool `json:"verifyDigest"`
			Required     *bool `json:"required"`
		} `json:"validationConfigurations"`
		Autogen    *autogenRule    `json:"autogen"`
		Evaluation *evaluationRule `json:"evaluation"`
		// How a cluster reaches registries, and when it judges.
		Credentials          any `json:"credentials"`
		WebhookConfiguration any `json:"webhookConfiguration"`
	} `json:"spec"`
}

type imageReferenceRule struct {
	Glob       string `json:"glob"`
	Expression string `json:"expression"`
}

type imageExtractor struct {
	Name       string `json:"name"`
	Expression string `json:"expression"`
}

type imageAttestor struct {
	Name   string `json:"name"`
	Cosign *struct {
		Key *struct {
			Data          string `json:"data"`
			HashAlgorithm string `json:"hashAlgorithm"`
			// Not judged here, and named when they are found.
			KMS        any `json:"kms"`
			Expression any `json:"expression"`
		} `json:"key"`
		Keyless *struct {
			Identities []struct {
				Issuer  string `json:"issuer"`
				Subject string `json:"subject"`
				// Not judged here, and named when they are found.
				IssuerRegExp      any `json:"issuerRegExp"`
				SubjectRegExp     any `json:"subjectRegExp"`
				SubjectExpression any `json:"subjectExpression"`
			} `json:"identities"`
			Roots                any `json:"roots"`
			AdditionalExtensions any `json:"additionalExtensions"`
		} `json:"keyless"`
		CTLog       map[string]any `json:"ctlog"`
		TrustedRoot *struct {
			Value      string `json:"value"`
			Expression any    `json:"expression"`
		} `json:"trustedRoot"`
		// Not judged here, and named when they are found.
		Certificate any `json:"certificate"`
		Source      any `json:"source"`
		TUF         any `json:"tuf"`
		Annotations any `json:"annotations"`
	} `json:"cosign"`
	Notary any `json:"notary"`
}

type imageAttestation struct {
	Name   string `json:"name"`
	InToto *struct {
		Type string `json:"type"`
	} `json:"intoto"`
	Referrer any `json:"referrer"`
}

// predicateTypes are the names that cosign has for types of statements.
// https://github.com/sigstore/cosign/blob/main/cmd/cosign/cli/options/predicate.go
var predicateTypes = map[string]string{
	"custom":           "https://cosign.sigstore.dev/attestation/v1",
	"cyclonedx":        "https://cyclonedx.org/bom",
	"link":             "https://in-toto.io/Link/v1",
	"openvex":          "https://openvex.dev/ns",
	"slsaprovenance":   "https://slsa.dev/provenance/v0.2",
	"slsaprovenance02": "https://slsa.dev/provenance/v0.2",
	"slsaprovenance1":  "https://slsa.dev/provenance/v1",
	"spdx":             "https://spdx.dev/Document",
	"spdxjson":         "https://spdx.dev/Document",
	"vuln":             "https://cosign.sigstore.dev/attestation/vuln/v1",
}

// compileImagePolicies reads policies.kyverno.io ImageValidatingPolicies and those of a namespace.
func compileImagePolicies(kinds *manifestKinds, files []policyFile) ([]part, []string, error) {
	var parts []part
	var notes []string
	var faults []error
	for _, each := range kinds.imagePolicies {
		read := &imagePolicy{}
		if strict, err := kjson.UnmarshalStrict(each.text, read); errors.Join(append(strict, err)...) != nil {
			faults = append(faults, each.fault("it says what is not judged here: %s", errors.Join(append(strict, err)...)))
			continue
		}
		compiling := &imageCompiling{each: each, read: read, files: files, trusts: kinds.trusts}
		made := compiling.policy()
		if faults = append(faults, compiling.faults...); len(compiling.faults) > 0 {
			continue
		}
		if !matchesCreate(read.Spec.MatchConstraints) {
			notes = append(notes, fmt.Sprintf("%s:%d: %s matches no CREATE: only the cluster can judge it",
				each.file, each.line, describe(each.id)))
		}
		var judging part = made
		if each.id.Kind == "NamespacedImageValidatingPolicy" {
			if each.id.Namespace == "" {
				faults = append(faults, each.fault("a NamespacedImageValidatingPolicy needs a namespace"))
			}
			judging = &namespacePart{judging, each.id.Namespace}
		}
		parts = append(parts, &podPart{judging, controllersMeant(read.Spec.MatchConstraints, read.Spec.Autogen)})
	}
	return parts, notes, errors.Join(faults...)
}

// imageCompiling is one policy while it is read.
type imageCompiling struct {
	each   *subject
	read   *imagePolicy
	files  []policyFile
	trusts bool
	faults []error

	env *celgo.Env
}

func (c *imageCompiling) fault(format string, args ...any) {
	c.faults = append(c.faults, c.each.fault(format, args...))
}

func (c *imageCompiling) unjudged(place string, given map[string]any) {
	for _, name := range sortedKeys(given) {
		if given[name] != nil && given[name] != "" && given[name] != false {
			c.fault("%s.%s is not judged here", place, name)
		}
	}
}

func (c *imageCompiling) policy() *imageRulePart {
	spec := &c.read.Spec
	made := &imageRulePart{name: c.each.id.Kind + " " + c.each.id.Name, asking: &imageAsking{},
		attestors: map[string]imageQuestion{}, attestations: map[string]string{},
		verifiesDigest: spec.Configurations.VerifyDigest == nil || *spec.Configurations.VerifyDigest,
		requires:       spec.Configurations.Required == nil || *spec.Configurations.Required,
		fails:          spec.FailurePolicy == nil || *spec.FailurePolicy == admissionregistration.Fail}
	if len(spec.ValidationActions) == 0 {
		// As in Kyverno.
		spec.ValidationActions = []admissionregistration.ValidationAction{admissionregistration.Deny}
	}
	defaultMatch(spec.MatchConstraints)
	made.definition = &admissionregistration.ValidatingAdmissionPolicy{ObjectMeta: c.read.ObjectMeta}
	made.definition.Spec.MatchConstraints, made.definition.Spec.FailurePolicy = spec.MatchConstraints, spec.FailurePolicy
	for _, action := range spec.ValidationActions {
		if made.actions = append(made.actions, actionOf(action)); actionOf(action) == "" {
			c.fault("unknown validationActions %q", action)
		}
	}
	if spec.MatchConstraints == nil || len(spec.MatchConstraints.ResourceRules) == 0 {
		c.fault("spec.matchConstraints is missing, so it would judge nothing")
	}
	if spec.FailurePolicy != nil && *spec.FailurePolicy != admissionregistration.Fail && *spec.FailurePolicy != admissionregistration.Ignore {
		c.fault("unknown failurePolicy %q", *spec.FailurePolicy)
	}
	if spec.Evaluation != nil && spec.Evaluation.Mode != "" && spec.Evaluation.Mode != "Kubernetes" {
		c.fault("the evaluation mode %s is not judged here", spec.Evaluation.Mode)
	}
	if controllers := controllersMeant(spec.MatchConstraints, spec.Autogen); !knownControllers(controllers) {
		c.fault("autogen.podControllers names kinds that are not known here: %v", controllers)
	}
	if len(spec.Validations) == 0 {
		c.fault("spec.validations is missing")
	}
	for at := range spec.Attestors {
		c.attestor(made, fmt.Sprintf("spec.attestors[%d]", at), &spec.Attestors[at])
	}
	for at, one := range spec.Attestations {
		if one.InToto == nil || one.InToto.Type == "" || one.Referrer != nil || one.Name == "" {
			c.fault("spec.attestations[%d] needs a name and intoto.type; nothing else is judged here", at)
			continue
		}
		made.attestations[one.Name] = cmp.Or(predicateTypes[one.InToto.Type], one.InToto.Type)
	}
	c.expressions(made)
	return made
}

func (c *imageCompiling) attestor(made *imageRulePart, place string, given *imageAttestor) {
	if given.Name == "" || given.Cosign == nil || given.Notary != nil {
		c.fault("%s needs a name and cosign; nothing else is judged here", place)
		return
	}
	cosign, place := given.Cosign, place+".cosign"
	c.unjudged(place, map[string]any{"certificate": cosign.Certificate, "source": cosign.Source, "tuf": cosign.TUF,
		"annotations": cosign.Annotations})
	question := imageQuestion{}
	switch {
	case cosign.Key != nil && cosign.Keyless == nil:
		c.unjudged(place+".key", map[string]any{"kms": cosign.Key.KMS, "expression": cosign.Key.Expression})
		if algorithm := cosign.Key.HashAlgorithm; algorithm != "" && algorithm != "sha256" {
			c.fault("%s.key.hashAlgorithm: only sha256 is judged here", place)
		}
		if cosign.CTLog["insecureIgnoreTlog"] != true {
			c.fault("%s.ctlog: no log is asked for signatures by keys here; say so by `ctlog: { insecureIgnoreTlog: true }`", place)
		}
		block, rest := pem.Decode([]byte(strings.TrimSpace(cosign.Key.Data)))
		if block == nil || len(strings.TrimSpace(string(rest))) > 0 {
			c.fault("%s.key.data must be one public key in PEM", place)
		} else if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			c.fault("%s.key.data must be one public key in PEM", place)
		}
		question.Key = cosign.Key.Data
	case cosign.Keyless != nil && cosign.Key == nil:
		c.keyless(&question, place, given)
	default:
		c.fault("%s needs key or keyless", place)
	}
	made.attestors[given.Name] = question
}

func (c *imageCompiling) keyless(question *imageQuestion, place string, given *imageAttestor) {
	keyless, cosign := given.Cosign.Keyless, given.Cosign
	c.unjudged(place+".keyless", map[string]any{"roots": keyless.Roots, "additionalExtensions": keyless.AdditionalExtensions})
	for _, name := range sortedKeys(cosign.CTLog) {
		// Which log counts is said by the trusted root.
		if name != "url" {
			c.unjudged(place+".ctlog", map[string]any{name: cosign.CTLog[name]})
		}
	}
	for at, one := range keyless.Identities {
		inner := fmt.Sprintf("%s.keyless.identities[%d]", place, at)
		c.unjudged(inner, map[string]any{"issuerRegExp": one.IssuerRegExp, "subjectRegExp": one.SubjectRegExp,
			"subjectExpression": one.SubjectExpression})
		if one.Issuer == "" || one.Subject == "" || strings.ContainsAny(one.Subject, "*?") {
			c.fault("%s needs an issuer and a subject without wildcards", inner)
		}
		question.Identities = append(question.Identities, imageIdentity{one.Issuer, one.Subject})
	}
	if len(keyless.Identities) == 0 {
		c.fault("%s.keyless.identities is missing, so anybody could sign", place)
	}
	switch {
	case cosign.TrustedRoot == nil && !c.trusts:
		c.fault("%s: nothing is fetched from Sigstore; name its trusted root, in trustedRoot or in the Policy, `images.kyverno.trustedRoot`", place)
	case cosign.TrustedRoot != nil:
		c.unjudged(place+".trustedRoot", map[string]any{"expression": cosign.TrustedRoot.Expression})
		if _, err := decode([]byte(cosign.TrustedRoot.Value)); err != nil {
			c.fault("%s.trustedRoot.value is no JSON: %s", place, err)
		}
		question.TrustedRoot = cosign.TrustedRoot.Value
	}
}

// imageReference picks images by a glob or by CEL over `ref`.
type imageReference struct {
	glob    *glob.Pattern
	program celgo.Program
}
