package main

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// policyInput is one Policy of the fleet repository: its files, as they are written.
type policyInput struct {
	Name   string       `json:"name"`
	Files  []policyFile `json:"files"`
	Images *imageRules  `json:"images"`
	// Only the schemas of Kubernetes and of custom kinds.
	Schema bool `json:"schema"`
	// A trusted root is named for the rules of Kyverno.
	Trusts bool `json:"trusts"`
	// Others of its files could not be read: it is compiled for what is wrong with these.
	Partial bool `json:"partial"`
}

type policyFile struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// judgeInput is what one render made, for one version of Kubernetes.
type judgeInput struct {
	// `1.35` or `1.35.4`; empty when it is not known.
	KubernetesVersion string         `json:"kubernetesVersion"`
	Objects           []judgedObject `json:"objects"`
	// To the questions of before.
	Answers []imageAnswer `json:"answers"`
}

type judgedObject struct {
	JSON string `json:"json"`
	File string `json:"file"`
}

// violation is one object that one rule does not allow. Actions: deny, warn, audit.
type violation struct {
	Action  string   `json:"action"`
	Rule    string   `json:"rule"`
	Object  objectID `json:"object"`
	File    string   `json:"file,omitempty"`
	Message string   `json:"message"`
}

// part is something a policy's files hold that judges objects.
type part interface {
	judge(ctx context.Context, subject *subject, world *world) ([]violation, error)
}

// policy is a Policy, compiled.
type policy struct {
	parts      []part
	namespaces []*subject
	// What people should know of it that is no fault.
	notes []string
}

const (
	// maxViolations bounds what one policy may say of one render; what is beyond is counted.
	maxViolations = 500
	maxMessage    = 2000
	// judgeTime is for one part and one render: far above what any honest rule takes.
	judgeTime = 20 * time.Second
)

// judgement is what a policy says, or what it has to know first.
type judgement struct {
	violations []violation
	notes      []string
	questions  []imageQuestion
}

// judgeAll lets every part see every object. A part that cannot judge is an error: it denies. While
// there are questions nothing else that was found counts.
func (p *policy) judgeAll(asked *judgeInput) (judgement, error) {
	ctx, cancel := context.WithTimeout(context.Background(), judgeTime)
	defer cancel()
	world, err := newWorld(asked.Objects, p.namespaces)
	if err != nil {
		return judgement{}, err
	}
	world.kubernetesVersion = asked.KubernetesVersion
	for _, one := range asked.Answers {
		world.answers[one.ID] = one
	}
	var found []violation
	var faults []error
	beyond := 0
	keep := func(each *subject, more []violation) {
		for _, one := range more {
			if len(found) >= maxViolations {
				beyond++
				continue
			}
			one.Object, one.File = each.id, each.file
			one.Message = shorten(one.Message)
			found = append(found, one)
		}
	}
	for _, each := range world.subjects {
		for _, part := range p.parts {
			more, err := part.judge(ctx, each, world)
			if ctx.Err() != nil {
				return judgement{}, faultf("timeout", "", 0, "judging took longer than %s", judgeTime)
			}
			faults = append(faults, err)
			keep(each, more)
		}
		keep(each, world.settle())
	}
	if open, err := world.open(); err != nil || len(open) > 0 {
		return judgement{questions: open}, errors.Join(append(faults, err)...)
	}
	notes := world.notes()
	if beyond > 0 {
		notes = append(notes, fmt.Sprintf("%d more violations are not listed", beyond))
	}
	slices.SortStableFunc(found, func(a, b violation) int {
		return cmp.Or(strings.Compare(a.Object.String(), b.Object.String()),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message))
	})
	return judgement{violations: found, notes: notes}, errors.Join(faults...)
}

func shorten(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + " …"
}

// policies keeps the compiled ones that were used last; the hub sends forgotten ones again.
type policies struct {
	byID  map[string]*list.Element
	order *list.List
	limit int
}

type heldPolicy struct {
	id     string
	policy *policy
}

func newPolicies(limit int) *policies {
	return &policies{map[string]*list.Element{}, list.New(), limit}
}

func (p *policies) get(id string) *policy {
	found, ok := p.byID[id]
	if !ok {
		return nil
	}
	p.order.MoveToFront(found)
	return found.Value.(heldPolicy).policy
}

func (p *policies) put(id string, compiled *policy) {
	if known, ok := p.byID[id]; ok {
		p.order.Remove(known)
	}
	p.byID[id] = p.order.PushFront(heldPolicy{id, compiled})
	for p.order.Len() > p.limit {
		last := p.order.Back()
		delete(p.byID, last.Value.(heldPolicy).id)
		p.order.Remove(last)
	}
}

func serveJudge(asked request, held *policies) answer {
	found := held.get(asked.ID)
	if found == nil {
		return answer{NeedPolicy: true}
	}
	made, err := found.judgeAll(asked.Judge)
	if err != nil {
		return answer{Errors: faultsOf(err)}
	}
	return answer{OK: true, Violations: made.violations, Warnings: made.notes, Questions: made.questions}
}

func servePolicy(asked request, held *policies) answer {
	compiled, err := compilePolicy(asked.Policy)
	if err != nil {
		return answer{Errors: faultsOf(err)}
	}
	held.put(asked.ID, compiled)
	return answer{OK: true, Warnings: compiled.notes}
}
