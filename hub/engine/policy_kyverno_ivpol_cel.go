package main

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gobwas/glob"
	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// imageAsking is where functions of an expression find what they are asked about. One render is judged
// at a time, and one expression of it.
type imageAsking struct {
	rule  *imageRulePart
	world *world
	// Something was asked that has no answer yet, and something nobody could be asked.
	open, unasked bool
	// Images that are signed as an expression wanted, and those that are not.
	verified map[string]bool
	// Questions of this evaluation, by their id.
	asked map[string]bool
}

// imageEnvironment is Kubernetes' own CEL with what Kyverno's policies about images may use. Functions
// that ask a cluster, a registry or the clock are not there, so they do not compile.
func imageEnvironment(asking *imageAsking) (*celgo.Env, error) {
	variables := []celgo.EnvOption{
		celgo.Variable("images", celgo.MapType(celgo.StringType, celgo.ListType(celgo.StringType))),
		celgo.Variable("attestors", celgo.MapType(celgo.StringType, celgo.StringType)),
		celgo.Variable("attestations", celgo.MapType(celgo.StringType, celgo.StringType)),
	}
	for _, name := range []string{"object", "oldObject", "request", "namespaceObject", "variables"} {
		variables = append(variables, celgo.Variable(name, celgo.DynType))
	}
	names := celgo.ListType(celgo.DynType)
	functions := []celgo.EnvOption{
		celgo.Function("verifyImageSignatures", celgo.Overload("verify_image_signature_string_stringarray",
			[]*celgo.Type{celgo.StringType, names}, celgo.IntType, celgo.BinaryBinding(func(image, attestors ref.Val) ref.Val {
				return asking.count(image, attestors, "")
			}))),
		celgo.Function("verifyAttestationSignatures", celgo.Overload("verify_image_attestations_string_string_stringarray",
			[]*celgo.Type{celgo.StringType, celgo.StringType, names}, celgo.IntType, celgo.FunctionBinding(func(given ...ref.Val) ref.Val {
				return asking.countAttested(given[0], given[1], given[2])
			}))),
		celgo.Function("extractPayload", celgo.Overload("payload_string_string",
			[]*celgo.Type{celgo.StringType, celgo.StringType}, celgo.DynType, celgo.BinaryBinding(asking.payload))),
	}
	return extendCEL(append(variables, functions...)...)
}

var referenceEnvironment = sync.OnceValues(func() (*celgo.Env, error) {
	return extendCEL(celgo.Variable("ref", celgo.StringType))
})

func extendCEL(options ...celgo.EnvOption) (*celgo.Env, error) {
	base := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	extended, err := base.Extend(environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: options})
	if err != nil {
		return nil, err
	}
	return extended.StoredExpressionsEnv(), nil
}

// expressions compiles all CEL of a policy.
func (c *imageCompiling) expressions(made *imageRulePart) {
	spec := &c.read.Spec
	var err error
	if c.env, err = imageEnvironment(made.asking); err != nil {
		c.fault("%s", err)
		return
	}
	reference, err := referenceEnvironment()
	if err != nil {
		c.fault("%s", err)
		return
	}
	for at, one := range spec.References {
		place := fmt.Sprintf("spec.matchImageReferences[%d]", at)
		made.references = append(made.references, c.reference(place, one, reference))
	}
	for at, one := range spec.Variables {
		place := fmt.Sprintf("spec.variables[%d].expression", at)
		made.variables = append(made.variables, namedProgram{one.Name, c.program(c.env, place, one.Expression, nil)})
	}
	for at, one := range spec.MatchConditions {
		place := fmt.Sprintf("spec.matchConditions[%d].expression", at)
		made.conditions = append(made.conditions, c.program(c.env, place, one.Expression, celgo.BoolType))
	}
	for at, one := range spec.Extractors {
		place := fmt.Sprintf("spec.images[%d].expression", at)
		made.extractors = append(made.extractors, namedProgram{one.Name, c.program(c.env, place, one.Expression, nil)})
	}
	for at, one := range spec.AuditAnnotations {
		c.program(c.env, fmt.Sprintf("spec.auditAnnotations[%d].valueExpression", at), one.ValueExpression, nil)
	}
	for at, one := range spec.Validations {
		place := fmt.Sprintf("spec.validations[%d]", at)
		rule := imageValidation{program: c.program(c.env, place+".expression", one.Expression, celgo.BoolType), message: one.Message}
		if one.MessageExpression != "" {
			rule.told = c.program(c.env, place+".messageExpression", one.MessageExpression, celgo.StringType)
		}
		made.validations = append(made.validations, rule)
	}
}

func (c *imageCompiling) reference(place string, given imageReferenceRule, env *celgo.Env) imageReference {
	switch {
	case (given.Glob == "") == (given.Expression == ""):
		c.fault("%s needs one of glob and expression", place)
	case given.Glob != "":
		compiled, err := glob.Compile(given.Glob)
		if err != nil {
			c.fault("%s.glob: %s", place, err)
		}
		return imageReference{glob: compiled}
	}
	return imageReference{program: c.program(env, place+".expression", given.Expression, celgo.BoolType)}
}

// program compiles an expression; wanted is the type it must give, nil for any.
func (c *imageCompiling) program(env *celgo.Env, place, text string, wanted *celgo.Type) celgo.Program {
	read, issues := env.Compile(text)
	if issues.Err() != nil {
		c.faults = append(c.faults, c.each.faultAt(c.files, text, "%s: %s", place, issues.Err()))
		return nil
	}
	if given := read.OutputType(); wanted != nil && !given.IsExactType(wanted) && !given.IsExactType(celgo.DynType) {
		c.faults = append(c.faults, c.each.faultAt(c.files, text, "%s: it gives %s and must give %s", place, given, wanted))
		return nil
	}
	made, err := env.Program(read, celgo.CostLimit(celconfig.PerCallLimit),
		celgo.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		c.faults = append(c.faults, c.each.faultAt(c.files, text, "%s: %s", place, err))
	}
	return made
}

var errOpen = errors.New("an answer is awaited")

// count asks of whom an image is signed, or has an attestation of a type.
func (a *imageAsking) count(image, attestors ref.Val, predicateType string) ref.Val {
	text, isText := image.(types.String)
	list, isList := attestors.(traits.Lister)
	if !isText || !isList {
		return types.MaybeNoSuchOverloadErr(image)
	}
	if meant, err := a.rule.isMeant(string(text)); err != nil || !meant {
		if err != nil {
			return types.WrapErr(err)
		}
		// As in Kyverno: of an image that is not meant nobody's signature is counted.
		return types.Int(0)
	}
	signed, open, asked := 0, false, false
	for at := list.Iterator(); at.HasNext() == types.True; {
		name, isName := at.Next().(types.String)
		question, known := a.rule.attestors[string(name)]
		if !isName || !known {
			return types.NewErr("there is no attestor %q", string(name))
		}
		question.PredicateType = predicateType
		answer, there := a.find(string(text), question)
		asked = true
		switch {
		case !there:
			open = true
		case answer.Kind == "trusted":
			signed++
		case answer.Kind == "unasked":
			a.unasked = true
		}
	}
	if open {
		return types.WrapErr(errOpen)
	}
	if asked {
		a.verified[string(text)] = a.verified[string(text)] || signed > 0
	}
	return types.Int(signed)
}

// find puts a question of one image; one that has no digest cannot be asked.
func (a *imageAsking) find(image string, question imageQuestion) (imageAnswer, bool) {
	question.Image = image
	a.asked[question.digest()] = true
	answer, there := a.world.ask(question)
	a.open = a.open || !there
	return answer, there
}

func (a *imageAsking) countAttested(image, attestation, attestors ref.Val) ref.Val {
	name, isText := attestation.(types.String)
	predicateType, known := a.rule.attestations[string(name)]
	if !isText || !known {
		return types.NewErr("there is no attestation %q", string(name))
	}
	return a.count(image, attestors, predicateType)
}

// payload gives what was attested by an attestor that the policy asked before: the newest statement
// cannot be told from others, so there must be one.
func (a *imageAsking) payload(image, attestation ref.Val) ref.Val {
	text, isText := image.(types.String)
	name, isName := attestation.(types.String)
	predicateType, known := a.rule.attestations[string(name)]
	if !isText || !isName || !known {
		return types.NewErr("there is no attestation %q", string(name))
	}
	statements, open := map[string]bool{}, false
	for _, attestor := range sortedKeys(a.rule.attestors) {
		question := a.rule.attestors[attestor]
		question.PredicateType = predicateType
		question.Image = string(text)
		if !a.asked[question.digest()] {
			continue
		}
		answer, there := a.find(string(text), question)
		open = open || !there
		for _, one := range answer.Statements {
			statements[one] = true
		}
	}
	switch {
	case open:
		return types.WrapErr(errOpen)
	case len(statements) == 0:
		return types.NewErr("no attestor that was asked before attested %s of %s", predicateType, string(text))
	case len(statements) > 1:
		return types.NewErr("%d statements of %s are attested of %s: which one counts, nobody can tell", len(statements), predicateType, string(text))
	}
	for one := range statements {
		value, err := decode([]byte(one))
		if err != nil {
			return types.WrapErr(err)
		}
		return types.DefaultTypeAdapter.NativeToValue(plainJSON(value))
	}
	return types.NewErr("there is no statement")
}
