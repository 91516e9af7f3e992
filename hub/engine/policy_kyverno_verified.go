package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kyverno/kyverno/ext/wildcard"
)

// imageVerdict is what is known of one image: trusted with neither a reason nor something unasked.
type imageVerdict struct {
	// No registry was to be reached, so nothing is known.
	unasked bool
	reason  string
}

// verify holds the images of an object to a rule's verifyImages.
func (p *kyvernoPart) verify(each *subject, world *world) ([]violation, error) {
	known := kyvernoContextOf(each).with(p.context)
	if met, err := p.preconditions.hold(known); err != nil || !met.holds {
		return nil, err
	}
	run, err := runImages(each)
	if err != nil {
		return nil, err
	}
	var found []violation
	for _, image := range run {
		for at := range p.verifies {
			one := &p.verifies[at]
			if !wildcard.CheckPatterns(one.ImageReferences, image.text) || wildcard.CheckPatterns(one.SkipImageReferences, image.text) {
				continue
			}
			verdict, err := one.verify(image, known, world)
			switch action := p.overridden(one.action, each, world); {
			case err != nil:
				return found, fmt.Errorf("%s: %w", image.place, err)
			case verdict.reason != "":
				found = append(found, ofImage(action, p.name, image.place, verdict.reason))
			case verdict.unasked:
				found = append(found, ofImage("audit", p.name, image.place,
					"the signatures of "+image.text+" are asked for by the hub, in their registry; not here"))
			}
		}
	}
	return found, nil
}

func (v *kyvernoVerification) verify(image runImage, known *kyvernoContext, world *world) (imageVerdict, error) {
	if image.digest == "" {
		return imageVerdict{reason: image.text + " has no digest, so nothing tells what will run"}, nil
	}
	unasked := false
	for at := range v.Attestors {
		verdict := v.Attestors[at].signed(image, world)
		if verdict.reason != "" {
			verdict.reason = image.text + " is not signed as it must be: " + verdict.reason
			return verdict, nil
		}
		unasked = unasked || verdict.unasked
	}
	for at := range v.Attestations {
		verdict, err := v.Attestations[at].attested(image, known, world)
		if err != nil || verdict.reason != "" {
			return verdict, err
		}
		unasked = unasked || verdict.unasked
	}
	return imageVerdict{unasked: unasked}, nil
}

// signed counts who signed. All are asked at once, so that their registry is asked once.
func (s *kyvernoSigners) signed(image runImage, world *world) imageVerdict {
	return s.count(func(entry *kyvernoSigner) imageVerdict {
		if entry.Attestor != nil {
			return entry.Attestor.signed(image, world)
		}
		answer, _ := world.ask(entry.question(image))
		return imageVerdict{unasked: answer.Kind == "unasked", reason: answer.refusal()}
	})
}

func (s *kyvernoSigners) count(judge func(*kyvernoSigner) imageVerdict) imageVerdict {
	signed, unasked := 0, 0
	var reasons []string
	for at := range s.Entries {
		verdict := judge(&s.Entries[at])
		switch {
		case verdict.reason != "":
			if !slices.Contains(reasons, verdict.reason) {
				reasons = append(reasons, verdict.reason)
			}
		case verdict.unasked:
			unasked++
		default:
			signed++
		}
	}
	switch {
	case signed >= *s.Count:
		return imageVerdict{}
	case signed+unasked >= *s.Count:
		return imageVerdict{unasked: true}
	}
	return imageVerdict{reason: fmt.Sprintf("%d of %d that must (%s)", signed, *s.Count, strings.Join(reasons, "; "))}
}

func (e *kyvernoSigner) question(image runImage) imageQuestion {
	if e.Keys != nil {
		return imageQuestion{Image: image.text, Key: e.Keys.PublicKeys}
	}
	subject := strings.ReplaceAll(e.Keyless.Subject, "*", "**")
	return imageQuestion{Image: image.text, Identities: []imageIdentity{{Issuer: e.Keyless.Issuer, Subject: subject}}}
}

func (a imageAnswer) refusal() string {
	if a.Kind != "refused" {
		return ""
	}
	return a.Reason
}

// attested holds what trusted signers attested to conditions: all of it must fulfil them.
func (a *kyvernoAttested) attested(image runImage, known *kyvernoContext, world *world) (imageVerdict, error) {
	unasked := false
	for at := range a.Attestors {
		var broken error
		verdict := a.Attestors[at].count(func(entry *kyvernoSigner) imageVerdict {
			question := entry.question(image)
			question.PredicateType = a.Type
			answer, _ := world.ask(question)
			if answer.Kind != "trusted" {
				return imageVerdict{unasked: answer.Kind == "unasked", reason: answer.refusal()}
			}
			reason, err := a.unmet(answer.Statements, known)
			if err != nil {
				broken = err
				reason = err.Error()
			}
			return imageVerdict{reason: reason}
		})
		if verdict.reason != "" {
			return imageVerdict{reason: fmt.Sprintf("%s has no %s as it must be: %s", image.text, a.Type, verdict.reason)}, broken
		}
		unasked = unasked || verdict.unasked
	}
	return imageVerdict{unasked: unasked}, nil
}

// unmet tells why one of the statements does not fulfil the conditions, whose variables are the fields
// of its predicate.
func (a *kyvernoAttested) unmet(statements []string, known *kyvernoContext) (string, error) {
	for _, text := range statements {
		var statement struct {
			Predicate map[string]any `json:"predicate"`
		}
		if err := json.Unmarshal([]byte(text), &statement); err != nil || statement.Predicate == nil && len(a.conditions) > 0 {
			return "its predicate is no object", nil
		}
		inner := &kyvernoContext{maps.Clone(known.data), slices.Clone(known.pending)}
		maps.Copy(inner.data, statement.Predicate)
		for _, condition := range a.conditions {
			held, err := condition.hold(inner)
			if err != nil {
				return "", err
			}
			if !held.holds {
				return joinNonEmpty([]string{"its conditions do not hold", held.message}, ": "), nil
			}
		}
	}
	return "", nil
}
