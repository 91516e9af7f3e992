package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// object is one Kubernetes object on its way out, and where it was written.
type object struct {
	value map[string]any
	file  string
	line  int
}

// parseManifests reads every object of a file as kubectl would: YAML documents or JSON values,
// lists opened, empty documents left out, a key given twice refused.
func parseManifests(file string, data []byte) ([]object, error) {
	if strings.HasSuffix(file, ".json") {
		return parseJSON(file, data)
	}
	var objects []object
	var faults []error
	line := 1
	for doc := range documents(data) {
		found, err := parseYAML(file, line, doc)
		objects, faults = append(objects, found...), append(faults, err)
		line += bytes.Count(doc, []byte("\n"))
	}
	return objects, errors.Join(faults...)
}

// documents splits where kubectl does: at a line that begins with three dashes. The line stays
// with the document it opens, so that line numbers hold.
func documents(data []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		start, at := 0, 0
		for at < len(data) {
			end := bytes.IndexByte(data[at:], '\n')
			next := at + end + 1
			if end < 0 {
				next = len(data)
			}
			if at > start && bytes.HasPrefix(data[at:next], []byte("---")) {
				if !yield(data[start:at]) {
					return
				}
				start = at
			}
			at = next
		}
		yield(data[start:])
	}
}

var lineOf = regexp.MustCompile(`line (\d+): ?`)

func parseYAML(file string, line int, doc []byte) ([]object, error) {
	text, err := yaml.YAMLToJSONStrict(doc)
	if err != nil {
		return nil, yamlFault(file, line, err)
	}
	value, err := decode(text)
	if err != nil {
		return nil, faultf("malformed", file, line, "%s", err)
	}
	for offset, row := range strings.Split(string(doc), "\n") {
		row = strings.TrimSpace(row)
		if row != "" && !strings.HasPrefix(row, "#") && !strings.HasPrefix(row, "---") {
			line += offset
			break
		}
	}
	return flatten(value, file, line, 0)
}

func yamlFault(file string, line int, err error) *fault {
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	message = strings.TrimPrefix(message, "yaml: ")
	if found := lineOf.FindStringSubmatch(message); found != nil {
		within, _ := strconv.Atoi(found[1])
		line += max(within, 1) - 1
		message = strings.Replace(message, found[0], "", 1)
	}
	message = strings.TrimSpace(strings.TrimPrefix(message, "unmarshal errors:"))
	return faultf("malformed", file, line, "%s", message)
}

func parseJSON(file string, data []byte) ([]object, error) {
	var objects []object
	var faults []error
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var text json.RawMessage
		line := lineAt(data, decoder.InputOffset())
		if err := decoder.Decode(&text); errors.Is(err, io.EOF) {
			return objects, errors.Join(faults...)
		} else if err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) {
				line = lineAt(data, syntax.Offset)
			}
			return nil, faultf("malformed", file, line, "%s", err)
		}
		// Only this parser sees keys given twice, as the API server does.
		var checked any
		strict, err := kjson.UnmarshalStrict(text, &checked)
		if err == nil {
			err = errors.Join(strict...)
		}
		if err != nil {
			return nil, faultf("malformed", file, line, "%s", err)
		}
		value, err := decode(text)
		if err != nil {
			return nil, faultf("malformed", file, line, "%s", err)
		}
		found, err := flatten(value, file, line, 0)
		objects, faults = append(objects, found...), append(faults, err)
	}
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

const maxListDepth = 8

// flatten opens lists: `kind: List` and every typed list with items.
func flatten(value any, file string, line, depth int) ([]object, error) {
	if value == nil {
		return nil, nil
	}
	found, ok := value.(map[string]any)
	if !ok {
		return nil, faultf("invalid", file, line, "this document is not a Kubernetes object")
	}
	kind, _ := found["kind"].(string)
	items, isList := found["items"].([]any)
	if !strings.HasSuffix(kind, "List") || (!isList && kind != "List") {
		return []object{{found, file, line}}, nil
	}
	if depth >= maxListDepth {
		return nil, faultf("refused", file, line, "lists nested deeper than %d", maxListDepth)
	}
	var objects []object
	var faults []error
	for _, item := range items {
		more, err := flatten(item, file, line, depth+1)
		objects, faults = append(objects, more...), append(faults, err)
	}
	return objects, errors.Join(faults...)
}

// decode keeps numbers as they are written: no float ever touches an integer.
func decode(text []byte) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	return value, err
}

// encode writes the one spelling: keys sorted, nothing escaped for HTML.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
