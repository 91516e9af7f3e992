package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	kjson "sigs.k8s.io/json"
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
	if err := checkText(file, data); err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, ".json") {
		return parseJSON(file, data)
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		// JSON under another name, perhaps several values without a separator; else YAML's flow style.
		if objects, err := parseJSON(file, data); err == nil {
			return objects, nil
		}
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
		if hasProto(value) {
			return nil, protoFault(file, line, text)
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
	if !isList {
		return nil, faultf("invalid", file, line, "a List without items")
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
