package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	kyvernoimage "github.com/kyverno/kyverno/pkg/utils/image"
)

// imageQuestion is what a rule has to know of an image that is in a registry: whether it is signed, or
// what is attested of it, by one signer. The hub asks for it; nothing here reaches a network.
type imageQuestion struct {
	ID string `json:"id"`
	// With its digest.
	Image string `json:"image"`
	// A public key in PEM, or identities of which one is enough.
	Key        string          `json:"key,omitempty"`
	Identities []imageIdentity `json:"identities,omitempty"`
	// Who vouches for identities, when the policy itself says it: a Sigstore trusted root, as JSON.
	TrustedRoot string `json:"trustedRoot,omitempty"`
	// Of an attestation; a signature is asked for when it is empty.
	PredicateType string `json:"predicateType,omitempty"`
}

// imageIdentity is who a certificate names; `**` in a subject stands for anything.
type imageIdentity struct {
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// imageAnswer is what the hub found.
type imageAnswer struct {
	ID string `json:"id"`
	// trusted, refused, or unasked where no registry is to be reached.
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	// Statements of in-toto, each as JSON.
	Statements []string `json:"statements"`
}

// signatureRule names what a signature may change another time: the hub goes by it.
const signatureRule = "signatures"

// ofImage is something that a rule says of what is in a registry.
func ofImage(action, rule, place, said string) violation {
	return violation{Action: action, Rule: signatureRule, Message: joinNonEmpty([]string{rule, place, said}, ": ")}
}

// maxQuestions bounds what one policy may ask about one render.
const maxQuestions = 1000

func (q imageQuestion) digest() string {
	q.ID = ""
	// Texts alone: it cannot fail.
	text, _ := json.Marshal(q)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ask gives the answer to a question; one that is not there yet is put to the hub.
func (w *world) ask(question imageQuestion) (imageAnswer, bool) {
	question.ID = question.digest()
	if found, ok := w.answers[question.ID]; ok {
		return found, true
	}
	w.questions[question.ID] = question
	return imageAnswer{}, false
}

// open are the questions that have no answer yet, in an order of their own.
func (w *world) open() ([]imageQuestion, error) {
	if len(w.questions) > maxQuestions {
		return nil, faultf("too_large", "", 0, "it asks more than %d questions about images", maxQuestions)
	}
	var found []imageQuestion
	for _, id := range sortedKeys(w.questions) {
		found = append(found, w.questions[id])
	}
	return found, nil
}

// runImage is a container's image as Kyverno names it, with registry and tag or digest.
type runImage struct {
	place string
	text  string
	// Empty when none is written.
	digest string
}

// runImages are the images of an object's containers, by their place.
func runImages(each *subject) ([]runImage, error) {
	written := images(each.value, "")
	var found []runImage
	for _, place := range sortedKeys(written) {
		info, err := kyvernoimage.GetImageInfo(written[place], kyvernoConfig())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", place, err)
		}
		found = append(found, runImage{place, info.String(), info.Digest})
	}
	return slices.Clip(found), nil
}
