package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// capabilities are OPA's without whatever answers differently each time or leaves the process.
var capabilities = sync.OnceValue(func() *ast.Capabilities {
	made := ast.CapabilitiesForThisVersion()
	made.Builtins = slices.DeleteFunc(made.Builtins, func(each *ast.Builtin) bool { return isRefusedBuiltin(each) })
	made.AllowNet = []string{}
	return made
})

func isRefusedBuiltin(each *ast.Builtin) bool {
	return each.Nondeterministic || strings.HasPrefix(each.Name, "providers.aws.") ||
		strings.HasPrefix(each.Name, "crypto.x509.parse_and_verify")
}

// refusedBuiltins are those names, to say why they are not there.
var refusedBuiltins = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, each := range ast.CapabilitiesForThisVersion().Builtins {
		if isRefusedBuiltin(each) {
			names[each.Name] = true
		}
	}
	return names
})

// parseRego reads both spellings of the language: today's, and that of before OPA 1.0.
func parseRego(file, text string) (*ast.Module, error) {
	module, err := ast.ParseModuleWithOpts(file, text, ast.ParserOptions{RegoVersion: ast.RegoV1, Capabilities: capabilities()})
	if err == nil {
		return module, nil
	}
	old, olderErr := ast.ParseModuleWithOpts(file, text, ast.ParserOptions{RegoVersion: ast.RegoV0, Capabilities: capabilities()})
	if olderErr == nil {
		return old, nil
	}
	return nil, err
}

// compileRego makes one program of modules. Errors tell places by where a module's first line is.
func compileRego(modules map[string]*ast.Module, origins map[string]origin) (*ast.Compiler, error) {
	compiler := ast.NewCompiler().WithCapabilities(capabilities()).WithEnablePrintStatements(false)
	compiler.Compile(modules)
	if compiler.Failed() {
		return nil, regoFaults(compiler.Errors, origins)
	}
	return compiler, nil
}

// origin is where a module was written: a file, or lines within a manifest.
type origin struct {
	file string
	// Lines before the module's first.
	above int
}

var undefinedFunction = regexp.MustCompile(`undefined function (\S+)`)

// regoFaults are OPA's errors, placed; origins are by the name a module was compiled under.
func regoFaults(err error, origins map[string]origin) error {
	var many ast.Errors
	if !errors.As(err, &many) {
		return faultf("invalid", "", 0, "Rego: %s", err)
	}
	var faults []error
	for _, one := range many {
		message := one.Message
		if found := undefinedFunction.FindStringSubmatch(message); found != nil && refusedBuiltins()[found[1]] {
			message = fmt.Sprintf("%s is not available: a policy judges its input alone, with no network, clock or chance", found[1])
		}
		place, line := origin{}, 0
		if one.Location != nil {
			place = origins[one.Location.File]
			line = place.above + one.Location.Row
		}
		faults = append(faults, faultf("invalid", place.file, line, "Rego: %s", message))
	}
	return errors.Join(faults...)
}

// regoQuery is one rule, ready to be asked.
type regoQuery struct {
	prepared rego.PreparedEvalQuery
	// What people call it: `data.main.deny`.
	name string
}

func prepareRego(compiler *ast.Compiler, name string, data map[string]any) (regoQuery, error) {
	options := []func(*rego.Rego){rego.Compiler(compiler), rego.Query(name)}
	if data != nil {
		options = append(options, rego.Store(inmem.NewFromObject(data)))
	}
	prepared, err := rego.New(options...).PrepareForEval(context.Background())
	return regoQuery{prepared, name}, err
}

// messages asks a rule about an input: what each element of its set says.
func (q regoQuery) messages(ctx context.Context, input any) ([]string, error) {
	value, err := ast.InterfaceToValue(input)
	if err != nil {
		return nil, err
	}
	answered, err := q.prepared.Eval(ctx, rego.EvalParsedInput(value))
	if err != nil {
		return nil, faultf("policy", "", 0, "%s: %s", q.name, err)
	}
	var found []string
	for _, result := range answered {
		for _, each := range result.Expressions {
			switch value := each.Value.(type) {
			case bool:
				if value {
					found = append(found, q.name+" holds")
				}
			case []any:
				for _, element := range value {
					found = append(found, messageOf(element))
				}
			case map[string]any:
				if len(value) > 0 {
					found = append(found, messageOf(value))
				}
			case nil:
			default:
				found = append(found, messageOf(value))
			}
		}
	}
	slices.Sort(found)
	return found, nil
}

func messageOf(element any) string {
	if text, ok := element.(string); ok {
		return text
	}
	if fields, ok := element.(map[string]any); ok {
		if text, ok := fields["msg"].(string); ok {
			return text
		}
	}
	text, err := encode(element)
	if err != nil {
		return fmt.Sprint(element)
	}
	return string(text)
}
