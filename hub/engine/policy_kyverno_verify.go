package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// kyvernoVerification is one entry of a rule's verifyImages. Every field that is not listed is a fault.
type kyvernoVerification struct {
	Type                string            `json:"type"`
	FailureAction       string            `json:"failureAction"`
	Image               string            `json:"image"`
	ImageReferences     []string          `json:"imageReferences"`
	SkipImageReferences []string          `json:"skipImageReferences"`
	Attestors           []kyvernoSigners  `json:"attestors"`
	Attestations        []kyvernoAttested `json:"attestations"`
	// The old way to write one attestor.
	Key     string `json:"key"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	// Images have their digests here, or nothing can be said of them.
	MutateDigest any `json:"mutateDigest"`
	VerifyDigest any `json:"verifyDigest"`
	// About what a cluster remembers of images, and how it reaches registries.
	Required                 any `json:"required"`
	UseCache                 any `json:"useCache"`
	CosignOCI11              any `json:"cosignOCI11"`
	ImageRegistryCredentials any `json:"imageRegistryCredentials"`
	// Not judged here, and named when they are found.
	Repository           any `json:"repository"`
	Roots                any `json:"roots"`
	Annotations          any `json:"annotations"`
	AdditionalExtensions any `json:"additionalExtensions"`
	Validate             any `json:"validate"`

	action string
}

// kyvernoSigners are attestors of which count must have signed; all when it is not given.
type kyvernoSigners struct {
	Count   *int            `json:"count"`
	Entries []kyvernoSigner `json:"entries"`
}

type kyvernoSigner struct {
	Keys               *kyvernoKeys    `json:"keys"`
	Keyless            *kyvernoKeyless `json:"keyless"`
	Attestor           *kyvernoSigners `json:"attestor"`
	SignatureAlgorithm string          `json:"signatureAlgorithm"`
	// Not judged here, and named when they are found.
	Certificates any `json:"certificates"`
	Annotations  any `json:"annotations"`
	Repository   any `json:"repository"`
}

type kyvernoKeys struct {
	PublicKeys         string         `json:"publicKeys"`
	SignatureAlgorithm string         `json:"signatureAlgorithm"`
	Rekor              map[string]any `json:"rekor"`
	// Of certificates, which a key has none of.
	CTLog any `json:"ctlog"`
	// Not judged here, and named when they are found.
	KMS    any `json:"kms"`
	Secret any `json:"secret"`
}

type kyvernoKeyless struct {
	Issuer  string         `json:"issuer"`
	Subject string         `json:"subject"`
	Rekor   map[string]any `json:"rekor"`
	CTLog   map[string]any `json:"ctlog"`
	// Not judged here, and named when they are found.
	IssuerRegExp         any `json:"issuerRegExp"`
	SubjectRegExp        any `json:"subjectRegExp"`
	Roots                any `json:"roots"`
	AdditionalExtensions any `json:"additionalExtensions"`
}

type kyvernoAttested struct {
	Name          string           `json:"name"`
	Type          string           `json:"type"`
	PredicateType string           `json:"predicateType"`
	Attestors     []kyvernoSigners `json:"attestors"`
	Conditions    []any            `json:"conditions"`

	conditions []*kyvernoConditions
}

// verifications reads a rule's verifyImages.
func (c *kyvernoCompiling) verifications(made *kyvernoPart) {
	made.context = c.entries(c.read.Context)
	made.preconditions = c.conditions("preconditions", c.read.Preconditions)
	made.verifies = c.read.VerifyImages
	for at := range made.verifies {
		one := &made.verifies[at]
		place := fmt.Sprintf("verifyImages[%d]", at)
		c.unjudged(place, map[string]any{"repository": one.Repository, "roots": one.Roots, "annotations": one.Annotations,
			"additionalExtensions": one.AdditionalExtensions, "validate": one.Validate})
		if one.Type != "" && one.Type != "Cosign" && one.Type != "SigstoreBundle" {
			c.fault("%s.type: signatures of %s are not judged here", place, one.Type)
		}
		if one.Image != "" {
			one.ImageReferences = append(one.ImageReferences, one.Image)
		}
		if len(one.ImageReferences) == 0 {
			c.fault("%s.imageReferences is missing", place)
		}
		written := one.FailureAction
		if written == "" {
			written = c.policy.Spec.ValidationFailureAction
		}
		one.action = c.action(written)
		if one.Key != "" {
			one.Attestors = append(one.Attestors, kyvernoSigners{Entries: []kyvernoSigner{{Keys: &kyvernoKeys{PublicKeys: one.Key}}}})
		} else if one.Issuer != "" || one.Subject != "" {
			keyless := &kyvernoKeyless{Issuer: one.Issuer, Subject: one.Subject}
			one.Attestors = append(one.Attestors, kyvernoSigners{Entries: []kyvernoSigner{{Keyless: keyless}}})
		}
		if len(one.Attestors)+len(one.Attestations) == 0 && one.VerifyDigest == false {
			c.fault("%s asks for no attestors, attestations or digests, so it would judge nothing", place)
		}
		c.signers(place+".attestors", one.Attestors, true)
		for at := range one.Attestations {
			c.attested(fmt.Sprintf("%s.attestations[%d]", place, at), &one.Attestations[at])
		}
	}
}

func (c *kyvernoCompiling) attested(place string, given *kyvernoAttested) {
	if given.Type == "" {
		given.Type = given.PredicateType
	}
	if given.Type == "" {
		c.fault("%s.type is missing", place)
	}
	if len(given.Attestors) == 0 {
		// Kyverno would take what anybody attested.
		c.fault("%s.attestors is missing, so anybody could attest it", place)
	}
	c.signers(place+".attestors", given.Attestors, false)
	for at, condition := range given.Conditions {
		given.conditions = append(given.conditions, c.conditions(fmt.Sprintf("%s.conditions[%d]", place, at), condition))
	}
}

func (c *kyvernoCompiling) unjudged(place string, given map[string]any) {
	for _, name := range sortedKeys(given) {
		if given[name] != nil && given[name] != "" {
			c.fault("%s.%s is not judged here", place, name)
		}
	}
}

// signers reads attestors; those of signatures may be nested, and have several keys in one entry.
func (c *kyvernoCompiling) signers(place string, sets []kyvernoSigners, nests bool) {
	for at := range sets {
		c.signerSet(fmt.Sprintf("%s[%d]", place, at), &sets[at], nests, 0)
	}
}

// maxNesting is for attestors within attestors.
const maxNesting = 8

func (c *kyvernoCompiling) signerSet(place string, set *kyvernoSigners, nests bool, depth int) {
	var entries []kyvernoSigner
	for at, entry := range set.Entries {
		inner := fmt.Sprintf("%s.entries[%d]", place, at)
		c.unjudged(inner, map[string]any{"certificates": entry.Certificates, "annotations": entry.Annotations,
			"repository": entry.Repository})
		if entry.SignatureAlgorithm != "" && entry.SignatureAlgorithm != "sha256" {
			c.fault("%s.signatureAlgorithm: only sha256 is judged here", inner)
		}
		switch {
		case entry.Keys != nil && entry.Keyless == nil && entry.Attestor == nil:
			keys := c.keys(inner+".keys", entry.Keys)
			if len(keys) > 1 && !nests {
				c.fault("%s.keys: one key each, for what is attested", inner)
			}
			entries = append(entries, keys...)
		case entry.Keyless != nil && entry.Keys == nil && entry.Attestor == nil:
			c.keyless(inner+".keyless", entry.Keyless)
			entries = append(entries, entry)
		case entry.Attestor != nil && entry.Keys == nil && entry.Keyless == nil && nests && depth < maxNesting:
			c.signerSet(inner+".attestor", entry.Attestor, nests, depth+1)
			entries = append(entries, entry)
		default:
			c.fault("%s needs one of keys and keyless, or for signatures an attestor", inner)
		}
	}
	set.Entries = entries
	switch {
	case len(entries) == 0:
		c.fault("%s.entries is missing", place)
	case set.Count == nil || *set.Count == 0:
		all := len(entries)
		set.Count = &all
	case *set.Count < 0 || *set.Count > len(entries):
		c.fault("%s.count must be 1 to %d", place, len(entries))
	}
}

// keys makes an entry of each key, as Kyverno does: the count is of keys.
func (c *kyvernoCompiling) keys(place string, given *kyvernoKeys) (found []kyvernoSigner) {
	c.unjudged(place, map[string]any{"kms": given.KMS, "secret": given.Secret})
	if given.SignatureAlgorithm != "" && given.SignatureAlgorithm != "sha256" {
		c.fault("%s.signatureAlgorithm: only sha256 is judged here", place)
	}
	if given.Rekor["ignoreTlog"] != true {
		c.fault("%s.rekor: no log is asked for signatures by keys here; say so by `rekor: { ignoreTlog: true }`", place)
	}
	rest := []byte(strings.TrimSpace(given.PublicKeys))
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil || block.Type != "PUBLIC KEY" {
			c.fault("%s.publicKeys: a %s is no public key", place, block.Type)
		}
		found = append(found, kyvernoSigner{Keys: &kyvernoKeys{PublicKeys: string(pem.EncodeToMemory(block))}})
	}
	if len(found) == 0 || len(strings.TrimSpace(string(rest))) > 0 {
		c.fault("%s.publicKeys must hold keys in PEM: what a cluster, a vault or a variable holds cannot be asked here", place)
	}
	return found
}

func (c *kyvernoCompiling) keyless(place string, given *kyvernoKeyless) {
	c.unjudged(place, map[string]any{"issuerRegExp": given.IssuerRegExp, "subjectRegExp": given.SubjectRegExp,
		"roots": given.Roots, "additionalExtensions": given.AdditionalExtensions})
	// Which log counts is said by the trusted root.
	c.unjudged(place+".rekor", map[string]any{"pubkey": given.Rekor["pubkey"], "ignoreTlog": trueOf(given.Rekor["ignoreTlog"])})
	c.unjudged(place+".ctlog", map[string]any{"pubkey": given.CTLog["pubkey"], "tsaCertChain": given.CTLog["tsaCertChain"],
		"ignoreSCT": trueOf(given.CTLog["ignoreSCT"])})
	if given.Issuer == "" || given.Subject == "" {
		c.fault("%s needs issuer and subject, or anybody could sign", place)
	}
	if strings.ContainsAny(given.Issuer, "*?{") || strings.ContainsAny(given.Subject, "?{") {
		c.fault("%s: of wildcards only * in subject is judged here", place)
	}
	if !c.kinds.trusts {
		c.fault("%s: nothing is fetched from Sigstore; name its trusted root in the Policy, `images.kyverno.trustedRoot`", place)
	}
}

func trueOf(given any) any {
	if given == false {
		return nil
	}
	return given
}
