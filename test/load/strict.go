package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// Deepest nesting of anything that is signed.
const strictDepth = 64

// Largest integer that every reader of JSON takes alike.
const safest = 1<<53 - 1

var integer = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

// object is a JSON object; numbers in it are int64, or json.Number when they are beyond `safest`.
type object = map[string]any

// parseStrict reads JSON that every parser reads alike (proto/strict-json.ts): UTF-8 without a byte order
// mark, no member twice, integers only, no half of a surrogate pair, nesting bounded.
func parseStrict(data []byte) (any, error) {
	if !utf8.Valid(data) || bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return nil, errors.New("not UTF-8, or with a byte order mark")
	}
	if hasHalfPair(data) {
		return nil, errors.New("half of a surrogate pair")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	value, err := readValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something after the value")
	}
	return value, nil
}

// escape is any escape of JSON; those of UTF-16 code units with their digits.
var escape = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// hasHalfPair says whether an escape spells half of a surrogate pair: the decoder puts U+FFFD there.
func hasHalfPair(data []byte) bool {
	open, end := false, 0
	for _, at := range escape.FindAllIndex(data, -1) {
		unit := uint64(0)
		if at[1]-at[0] == 6 {
			unit, _ = strconv.ParseUint(string(data[at[0]+2:at[1]]), 16, 16)
		}
		isLow := unit >= 0xdc00 && unit <= 0xdfff
		if isLow != (open && at[0] == end) || open && !isLow {
			return true
		}
		open, end = unit >= 0xd800 && unit <= 0xdbff, at[1]
	}
	return open
}

func readValue(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if depth >= strictDepth {
			return nil, fmt.Errorf("nested deeper than %d", strictDepth)
		}
		if token == '{' {
			return readObject(decoder, depth+1)
		}
		return readList(decoder, depth+1)
	case json.Number:
		if !integer.MatchString(string(token)) {
			return nil, fmt.Errorf("%s is no integer", token)
		}
		value, err := strconv.ParseInt(string(token), 10, 64)
		if err != nil || value > safest || value < -safest {
			return token, nil
		}
		return value, nil
	}
	return token, nil
}

func readObject(decoder *json.Decoder, depth int) (any, error) {
	members := object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		key, ok := name.(string)
		if _, twice := members[key]; twice || !ok {
			return nil, fmt.Errorf("member %v is there twice", name)
		}
		if members[key], err = readValue(decoder, depth); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return members, err
}

func readList(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := readValue(decoder, depth)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := decoder.Token()
	return items, err
}

// hasExactly says whether a value is an object of these members and no other.
func hasExactly(value any, names ...string) (object, bool) {
	members, ok := value.(object)
	if !ok || len(members) != len(names) {
		return nil, false
	}
	for _, name := range names {
		if _, ok := members[name]; !ok {
			return nil, false
		}
	}
	return members, true
}

// decodeBase64 takes the one spelling of bytes in base64url: no padding, no bits beyond the last byte.
func decodeBase64(value any) ([]byte, bool) {
	text, ok := value.(string)
	if !ok || text == "" {
		return nil, false
	}
	for at := 0; at < len(text); at++ {
		// The decoder passes over line ends.
		if text[at] == '\n' || text[at] == '\r' {
			return nil, false
		}
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return decoded, err == nil
}
