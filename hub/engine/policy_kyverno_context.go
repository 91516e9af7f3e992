package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kyverno/kyverno/pkg/config"
	"github.com/kyverno/kyverno/pkg/engine/jmespath"
	"github.com/kyverno/kyverno/pkg/engine/jsonutils"
	"github.com/kyverno/kyverno/pkg/engine/variables/regex"
	"github.com/kyverno/kyverno/pkg/utils/image"
)

// kyvernoEntry is a name that a rule gives to something it asks again.
type kyvernoEntry struct {
	Name     string `json:"name"`
	Variable *struct {
		Value    any    `json:"value"`
		JMESPath string `json:"jmesPath"`
		Default  any    `json:"default"`
	} `json:"variable"`
	ConfigMap *struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"configMap"`
	// Not judged here, and named when they are found.
	APICall         any `json:"apiCall"`
	ImageRegistry   any `json:"imageRegistry"`
	GlobalReference any `json:"globalReference"`

	// The ConfigMap.
	found any
}

// kyvernoContext is what the variables of a rule stand for. Entries are looked up when a query
// names them, as Kyverno does, so that one that fails where nobody asks it does no harm.
type kyvernoContext struct {
	data    map[string]any
	pending []kyvernoEntry
}

var kyvernoConfig = sync.OnceValue(func() config.Configuration { return config.NewDefaultConfiguration(true) })

var kyvernoFunctions = sync.OnceValue(func() jmespath.Interface { return jmespath.New(kyvernoConfig()) })

// kyvernoContextOf knows a request as the agent would make it.
func kyvernoContextOf(each *subject) *kyvernoContext {
	if each.variables != nil {
		return each.variables
	}
	data := map[string]any{"request": plainJSON(reviewOf(each)),
		"serviceAccountName": "groundswell-agent", "serviceAccountNamespace": "groundswell-system"}
	if found := kyvernoImages(each); len(found) > 0 {
		data["images"] = found
	}
	each.variables = &kyvernoContext{data: data}
	return each.variables
}

func (c *kyvernoContext) with(entries []kyvernoEntry) *kyvernoContext {
	if len(entries) == 0 {
		return c
	}
	return &kyvernoContext{maps.Clone(c.data), append(slices.Clone(c.pending), entries...)}
}

func (c *kyvernoContext) withElement(element any, at, depth int) *kyvernoContext {
	made := &kyvernoContext{maps.Clone(c.data), slices.Clone(c.pending)}
	for _, suffix := range []string{"", fmt.Sprint(depth)} {
		made.data["element"+suffix], made.data["elementIndex"+suffix] = element, float64(at)
	}
	return made
}

// query asks by JMESPath with Kyverno's own functions.
func (c *kyvernoContext) query(text string) (any, error) {
	text = strings.TrimSpace(text)
	for at := 0; at < len(c.pending); {
		entry := c.pending[at]
		if !names(text, entry.Name) {
			at++
			continue
		}
		c.pending = slices.Delete(c.pending, at, at+1)
		value, err := c.load(&entry)
		if err != nil {
			return nil, fmt.Errorf("the context entry %s: %w", entry.Name, err)
		}
		c.data[entry.Name] = value
		// Loading may have taken others from the list.
		at = 0
	}
	asked, err := kyvernoFunctions().Query(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no JMESPath: %w", text, err)
	}
	return asked.Search(c.data)
}

// names tells whether a query uses a name from the context: `x.y` uses x, and not y.
func names(query, name string) bool {
	matcher, err := regexp.Compile(`(?:\A|[^.0-9A-Za-z_])` + regexp.QuoteMeta(name) + `\b`)
	return err == nil && matcher.MatchString(query)
}

func (c *kyvernoContext) load(entry *kyvernoEntry) (any, error) {
	if entry.Variable == nil {
		return entry.found, nil
	}
	written, err := c.substitute(entry.Variable.JMESPath)
	if err != nil {
		return nil, err
	}
	path, isText := written.(string)
	if !isText {
		return nil, errors.New("its jmesPath is no text once its variables are put in")
	}
	otherwise, err := c.substitute(entry.Variable.Default)
	if err != nil {
		return nil, err
	}
	value, err := c.substitute(entry.Variable.Value)
	switch {
	case err != nil:
		return nil, err
	case path != "" && value != nil:
		var asked jmespath.Query
		if asked, err = kyvernoFunctions().Query(path); err == nil {
			value, err = asked.Search(value)
		}
	case path != "":
		value, err = c.query(path)
	}
	if err != nil && otherwise == nil {
		return nil, err
	}
	if err != nil || value == nil {
		value = otherwise
	}
	if value == nil {
		return nil, errors.New("it is nothing, and has no default")
	}
	return plainJSON(value), nil
}

// list asks for what a loop goes over.
func (c *kyvernoContext) list(text string) ([]any, error) {
	found, err := c.query(text)
	if err != nil {
		return nil, err
	}
	switch found := found.(type) {
	case []any:
		return found, nil
	case []map[string]any:
		elements := make([]any, len(found))
		for at, each := range found {
			elements[at] = each
		}
		return elements, nil
	default:
		return []any{found}, nil
	}
}

// maxSubstitutions bounds how often what a variable stands for may hold variables again.
const maxSubstitutions = 64

// substitute puts in what variables stand for, in keys and in values.
func (c *kyvernoContext) substitute(document any) (any, error) {
	return jsonutils.NewTraversal(document, jsonutils.OnlyForLeafsAndKeys(func(at *jsonutils.ActionData) (any, error) {
		text, isText := at.Element.(string)
		if !isText {
			return at.Element, nil
		}
		return c.substituteText(text)
	})).TraverseJSON()
}

func (c *kyvernoContext) substituteText(text string) (any, error) {
	for round := 0; ; round++ {
		found := regex.RegexVariables.FindAllString(text, -1)
		if len(found) == 0 {
			break
		}
		if round > maxSubstitutions {
			return nil, fmt.Errorf("variables stand for variables more than %d times", maxSubstitutions)
		}
		whole, last := text, false
		for _, one := range found {
			start := strings.Index(one, "{{")
			value, err := c.query(trimVariable(one[start:]))
			if err != nil {
				return nil, err
			}
			if whole == one[start:] {
				return value, nil
			}
			written, isText := value.(string)
			if !isText {
				encoded, err := json.Marshal(value)
				if err != nil {
					return nil, err
				}
				written = string(encoded)
			}
			if last = isLastRound(one[start:]); last {
				written = strings.ReplaceAll(written, "{{", `\{{`)
			}
			text = strings.Replace(text, one, one[:start]+written, 1)
		}
		if last {
			break
		}
	}
	return strings.ReplaceAll(text, `\{{`, "{{"), nil
}

// isLastRound tells whether a variable is written `{{- x }}`: what it stands for stays as it is.
func isLastRound(written string) bool {
	return strings.HasPrefix(strings.TrimSpace(strings.TrimPrefix(written, "{{")), "-")
}

func trimVariable(written string) string {
	inner := strings.TrimSpace(strings.NewReplacer("{{", "", "}}", "").Replace(written))
	return strings.TrimSpace(strings.TrimPrefix(inner, "-"))
}

// plainJSON has values in the shapes that Go's JSON gives them, numbers as float64: what Kyverno's
// functions expect.
func plainJSON(value any) any {
	text, err := encode(value)
	var made any
	if err != nil || json.Unmarshal(text, &made) != nil {
		return nil
	}
	return made
}

func visitStrings(value any, visit func(string)) {
	switch value := value.(type) {
	case string:
		visit(value)
	case []any:
		for _, each := range value {
			visitStrings(each, visit)
		}
	case map[string]any:
		for _, key := range sortedKeys(value) {
			visit(key)
			visitStrings(value[key], visit)
		}
	}
}

// kyvernoImages are a workload's images by the kind and the name of their container.
func kyvernoImages(each *subject) map[string]any {
	path := []string{"spec"}
	if each.gvk.Kind != "Pod" || each.gvk.Group != "" {
		path = nil
		for _, known := range podControllers {
			if known.kind == each.gvk.Group+"/"+each.gvk.Kind {
				path = append(slices.Clone(known.path), "spec")
			}
		}
	}
	if path == nil {
		return nil
	}
	var spec any = each.value
	for _, step := range path {
		fields, _ := spec.(map[string]any)
		spec = fields[step]
	}
	fields, _ := spec.(map[string]any)
	found := map[string]any{}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _ := fields[list].([]any)
		made := map[string]any{}
		for at, one := range containers {
			container, _ := one.(map[string]any)
			name, _ := container["name"].(string)
			written, _ := container["image"].(string)
			info, err := image.GetImageInfo(written, kyvernoConfig())
			if name == "" || err != nil {
				continue
			}
			parts, _ := plainJSON(info).(map[string]any)
			parts["jsonPointer"] = fmt.Sprintf("/%s/%s/%d/image", strings.Join(path, "/"), list, at)
			made[name] = parts
		}
		if len(made) > 0 {
			found[list] = made
		}
	}
	return found
}
