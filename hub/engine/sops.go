package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// sopsLeaf is one value of a file, as SOPS walks it: the document it stands in, the keys that lead
// to it, and its bytes as text.
type sopsLeaf struct {
	Document int      `json:"document"`
	Path     []string `json:"path"`
	Text     string   `json:"text"`
}

// sopsFile goes with each encrypted document. The MAC of SOPS is over all values of the file in the
// order they are written, which nothing that was rendered keeps; so what it is over is written down
// before anything is rendered, and the agent, which alone has the key, checks the MAC against it.
type sopsFile struct {
	Document int        `json:"document"`
	Leaves   []sopsLeaf `json:"leaves"`
}

const maxSopsLeaves = 10_000

var (
	sopsKey      = regexp.MustCompile(`(?m)^sops:[ \t]*\r?$`)
	sopsValue    = regexp.MustCompile(`^ENC\[AES256_GCM,data:[^,]*,iv:[^,]*,tag:[^,]*,type:[a-z]+\]$`)
	errNotWalked = errors.New("SOPS would not walk this")
)

// witnessSops writes into the `sops` member of each encrypted document what its MAC is over. A file
// that SOPS did not write, or that does not parse, is left as it is: who reads it will say so.
func witnessSops(name string, data []byte) []byte {
	extension := path.Ext(name)
	if extension != ".yaml" && extension != ".yml" {
		return data
	}
	// A search for bytes costs next to nothing, and most files have none.
	if !bytes.Contains(data, []byte("sops:")) || !sopsKey.Match(data) {
		return data
	}
	var places []*yaml.Node
	var leaves []sopsLeaf
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for document := 0; ; document++ {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(node.Content) != 1 || node.Content[0].Kind != yaml.MappingNode {
			return data
		}
		place, err := walkSops(node.Content[0], document, &leaves)
		if err != nil {
			return data
		}
		places = append(places, place)
	}
	rows := strings.SplitAfter(string(data), "\n")
	for document, place := range places {
		if place == nil {
			continue
		}
		text, err := encode(sopsFile{document, leaves})
		if err != nil {
			return data
		}
		// In the place of the version, which nobody needs: so no line gets another number.
		rows[place.Line-1] = fmt.Sprintf("%switness: '%s'\n", strings.Repeat(" ", place.Column-1),
			strings.ReplaceAll(string(text), "'", "''"))
	}
	return []byte(strings.Join(rows, ""))
}

// walkSops gathers a document's values and returns the key `version` below its `sops`.
func walkSops(root *yaml.Node, document int, leaves *[]sopsLeaf) (place *yaml.Node, err error) {
	for at := 0; at+1 < len(root.Content); at += 2 {
		key, value := root.Content[at], root.Content[at+1]
		if key.Value != "sops" {
			if err := gatherLeaves(value, document, []string{key.Value}, leaves); err != nil {
				return nil, err
			}
			continue
		}
		if value.Kind != yaml.MappingNode || value.Style&yaml.FlowStyle != 0 {
			continue
		}
		for below := 0; below+1 < len(value.Content); below += 2 {
			if value.Content[below].Value == "version" && value.Content[below+1].Kind == yaml.ScalarNode {
				place = value.Content[below]
			}
		}
	}
	return place, nil
}

func gatherLeaves(node *yaml.Node, document int, keys []string, leaves *[]sopsLeaf) error {
	switch node.Kind {
	case yaml.MappingNode:
		for at := 0; at+1 < len(node.Content); at += 2 {
			key := node.Content[at]
			if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
				return errNotWalked
			}
			below := append(keys[:len(keys):len(keys)], key.Value)
			if err := gatherLeaves(node.Content[at+1], document, below, leaves); err != nil {
				return err
			}
		}
		return nil
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if err := gatherLeaves(item, document, keys, leaves); err != nil {
				return err
			}
		}
		return nil
	case yaml.ScalarNode:
		text, isNull, err := sopsText(node)
		if err != nil || isNull {
			return err
		}
		if len(*leaves) >= maxSopsLeaves {
			return errNotWalked
		}
		*leaves = append(*leaves, sopsLeaf{document, keys, text})
		return nil
	default:
		return errNotWalked
	}
}

// sopsText spells a value as sops.ToBytes does (getsops/sops v3.13).
func sopsText(node *yaml.Node) (text string, isNull bool, err error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return "", false, err
	}
	switch value := value.(type) {
	case nil:
		return "", true, nil
	case string:
		return value, false, nil
	case int:
		return strconv.Itoa(value), false, nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), false, nil
	case bool:
		if value {
			return "True", false, nil
		}
		return "False", false, nil
	case time.Time:
		text, err := value.MarshalText()
		return string(text), false, err
	default:
		return "", false, errNotWalked
	}
}

// refuseLooseSops names values that SOPS encrypted and that nobody can open any more: they came
// out of their file, whose `sops` member says how.
func refuseLooseSops(each object) error {
	if _, whole := each.value["sops"]; whole {
		return nil
	}
	if key, found := findSopsValue(each.value, ""); found {
		id, _ := identify(each.value)
		return faultf("invalid", each.file, each.line, "%s: %s is encrypted by SOPS, but its `sops` member is not here: "+
			"encrypt a whole Secret manifest, not a file that a generator or a chart reads", describe(id), key)
	}
	return nil
}

func findSopsValue(value any, at string) (string, bool) {
	switch value := value.(type) {
	case string:
		return at, strings.HasPrefix(value, "ENC[AES256_GCM,") && sopsValue.MatchString(value)
	case []any:
		for index, item := range value {
			if key, found := findSopsValue(item, fmt.Sprintf("%s[%d]", at, index)); found {
				return key, true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if key, found := findSopsValue(value[name], strings.TrimPrefix(at+"."+name, ".")); found {
				return key, true
			}
		}
	}
	return "", false
}
