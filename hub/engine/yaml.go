package main

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	k8s "sigs.k8s.io/yaml"
)

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
			if at > start && bytes.HasPrefix(data[at:next], separator) {
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

var (
	separator     = []byte("---")
	byteOrderMark = []byte("\ufeff")
	lineOf        = regexp.MustCompile(`line (\d+): ?`)
)

// parseYAML reads one document whose first line is the file's given one.
func parseYAML(file string, line int, doc []byte) ([]object, error) {
	if head, _, _ := bytes.Cut(doc, []byte("\n")); bytes.HasPrefix(head, separator) {
		if rest := bytes.TrimSpace(head[len(separator):]); len(rest) > 0 && rest[0] != '#' {
			return nil, faultf("malformed", file, line, "only a comment may follow --- on its line, as kubectl has it; "+
				"here is %.40q", rest)
		}
	}
	text, err := k8s.YAMLToJSONStrict(doc)
	if err != nil && strings.Contains(err.Error(), "already set in map") && bytes.Contains(doc, []byte("<<")) {
		// A key may be given again over what `<<` brings; the nodes tell that from a key given twice.
		if nodes := parseNodes(doc); nodes != nil && keyGivenTwice(nodes) == nil {
			text, err = k8s.YAMLToJSON(doc)
		}
	}
	if err != nil {
		return nil, yamlFault(file, line, err).at(line, doc)
	}
	if err := checkNodes(file, line, doc); err != nil {
		return nil, err
	}
	value, err := decode(text)
	if err != nil {
		return nil, faultf("malformed", file, line, "%s", err)
	}
	if hasProto(value) {
		return nil, protoFault(file, line, doc)
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

// yamlFault moves the line out of the library's words, counted from the document's first.
func yamlFault(file string, line int, err error) *fault {
	message := strings.TrimPrefix(err.Error(), "error converting YAML to JSON: ")
	message = strings.TrimPrefix(message, "yaml: ")
	if found := lineOf.FindStringSubmatch(message); found != nil {
		within, _ := strconv.Atoi(found[1])
		line += max(within, 1) - 1
		message = strings.Replace(message, found[0], "", 1)
	}
	message = strings.TrimSpace(strings.TrimPrefix(message, "unmarshal errors:"))
	message = endless.ReplaceAllString(message, "$1 "+noNumber)
	if strings.HasSuffix(message, "that cannot start any token") {
		message += ": a tab does not indent, and @, ` and % begin nothing"
	}
	return faultf("malformed", file, line, "%s", message)
}

// noNumber is what JSON cannot hold, and so no object of Kubernetes.
const noNumber = "is not a number Kubernetes can hold"

var endless = regexp.MustCompile(`json: unsupported value: ([-+\w]+)`)

// at finds the line of what the library refuses without naming one.
func (f *fault) at(line int, doc []byte) *fault {
	culprits := map[string]string{
		"excessive aliasing": `(?m)(?:^|[\s\[,])\*\S`,
		"unknown anchor":     `(?m)(?:^|[\s\[,])\*\S`,
		noNumber:             `(?mi)(?:^|[\s\[,{])[-+]?\.(?:inf|nan)\b`,
	}
	for words, pattern := range culprits {
		if found := regexp.MustCompile(pattern).FindIndex(doc); found != nil && strings.Contains(f.Message, words) {
			f.Line = line + lineAt(doc, int64(found[1])) - 1
		}
	}
	return f
}

// checkText refuses what is no plain UTF-8 text. The libraries would drop a byte order mark, decode
// UTF-16 on the way and stop at some bytes without saying where.
func checkText(file string, data []byte) error {
	refuse := func(at int, format string, args ...any) error {
		return faultf("malformed", file, lineAt(data, int64(at)), format, args...)
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return refuse(0, "this is UTF-16; save the file as UTF-8")
	}
	if bytes.HasPrefix(data, byteOrderMark) {
		return refuse(0, "a byte order mark (U+FEFF); save the file as UTF-8 without it")
	}
	if at := bytes.Index(data, append([]byte("\n"), byteOrderMark...)); at >= 0 {
		return refuse(at+1, "a byte order mark (U+FEFF): two files were put together; leave it out")
	}
	if at := bytes.IndexByte(data, 0); at >= 0 {
		return refuse(at, "a NUL byte: not a text file")
	}
	for at := 0; at < len(data); {
		char, size := utf8.DecodeRune(data[at:])
		if char == utf8.RuneError && size == 1 {
			return refuse(at, "byte 0x%02x is not UTF-8", data[at])
		}
		if unicode.IsControl(char) && !strings.ContainsRune("\t\n\r\u0085", char) {
			return refuse(at, "control character U+%04X", char)
		}
		at += size
	}
	return nil
}

// plainTags say what the value is anyway. Any other makes something a cluster could not hold, or is
// dropped in silence.
var plainTags = map[string]bool{
	"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!map": true, "!!seq": true,
	"!!merge": true, "!": true, "": true,
}

// checkNodes looks at how a document is written, where a cheaper look says that it matters.
func checkNodes(file string, line int, doc []byte) error {
	tagged, unquoted := bytes.Contains(doc, []byte("!")), oddKey.Match(doc)
	if !tagged && !unquoted {
		return nil
	}
	nodes := parseNodes(doc)
	if nodes == nil {
		return nil // The other reader's word counts, and it found no fault.
	}
	if found := oddTag(nodes); found != nil {
		return faultf("malformed", file, line+found.Line-1, "the tag %s is not one of Kubernetes' YAML; write the value plainly",
			found.Tag)
	}
	if found := keyGivenTwice(nodes); found != nil {
		return faultf("malformed", file, line+found.Line-1, "key %q already set in map", found.Value)
	}
	return nil
}

// oddKey finds keys that may be no strings: 1 and "1" are two keys of YAML and one of JSON, and
// which of them would win is chance.
var oddKey = regexp.MustCompile(`(?mi)(?:^|[-{,?])[ \t]*(?:[-+.]?[0-9.][^\s:]*|yes|no|on|off|y|n|true|false|null|~)[ \t]*:`)

func parseNodes(doc []byte) *yaml.Node {
	var node yaml.Node
	if yaml.Unmarshal(doc, &node) != nil {
		return nil
	}
	return &node
}

func keyGivenTwice(node *yaml.Node) *yaml.Node {
	seen := map[string]bool{}
	for index, each := range node.Content {
		if found := keyGivenTwice(each); found != nil {
			return found
		}
		if node.Kind != yaml.MappingNode || index%2 == 1 || each.Kind != yaml.ScalarNode || each.Tag == "!!merge" {
			continue
		}
		if seen[each.Value] {
			return each
		}
		seen[each.Value] = true
	}
	return nil
}

func oddTag(node *yaml.Node) *yaml.Node {
	if node.Style&yaml.TaggedStyle != 0 && !plainTags[node.Tag] {
		return node
	}
	for _, each := range node.Content {
		if found := oddTag(each); found != nil {
			return found
		}
	}
	return nil
}

// hasProto looks for a key that JavaScript gives a meaning of its own; nothing in Kubernetes is
// called so, and whoever reads the object next should not have to be careful.
func hasProto(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, each := range value {
			if key == proto || hasProto(each) {
				return true
			}
		}
	case []any:
		for _, each := range value {
			if hasProto(each) {
				return true
			}
		}
	}
	return false
}

const proto = "__proto__"

func protoFault(file string, line int, text []byte) *fault {
	return faultf("malformed", file, line+max(lineWith(text, proto), 1)-1, "a key cannot be called %s", proto)
}
