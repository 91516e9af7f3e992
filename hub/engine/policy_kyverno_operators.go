package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/blang/semver/v4"
	"github.com/go-logr/logr"
	"github.com/kyverno/kyverno/ext/wildcard"
	"github.com/kyverno/kyverno/pkg/engine/operator"
	"github.com/kyverno/kyverno/pkg/engine/pattern"
	"k8s.io/apimachinery/pkg/api/resource"
)

// kyvernoOperator compares the key of a condition with its value. Kyverno's own operators come with
// its client of a cluster and its registries; these are the same by the table in
// test/vectors/policy/kyverno.json, which its own code answered.
type kyvernoOperator func(key, value any) bool

// kyvernoOperators are by their names in small letters.
var kyvernoOperators = map[string]kyvernoOperator{
	"equal": equals, "equals": equals,
	"notequal": differs, "notequals": differs,
	"in":       func(key, value any) bool { return isInList(key, value, oldIn) },
	"notin":    func(key, value any) bool { return isInList(key, value, oldNotIn) },
	"anyin":    func(key, value any) bool { return isInList(key, value, anyIn) },
	"allin":    func(key, value any) bool { return isInList(key, value, allIn) },
	"anynotin": func(key, value any) bool { return isInList(key, value, anyNotIn) },
	"allnotin": func(key, value any) bool { return isInList(key, value, allNotIn) },

	"greaterthan":         ordered(func(order int) bool { return order > 0 }),
	"greaterthanorequals": ordered(func(order int) bool { return order >= 0 }),
	"lessthan":            ordered(func(order int) bool { return order < 0 }),
	"lessthanorequals":    ordered(func(order int) bool { return order <= 0 }),

	"durationgreaterthan":         lasting(func(order int) bool { return order > 0 }),
	"durationgreaterthanorequals": lasting(func(order int) bool { return order >= 0 }),
	"durationlessthan":            lasting(func(order int) bool { return order < 0 }),
	"durationlessthanorequals":    lasting(func(order int) bool { return order <= 0 }),
}

func equals(key, value any) bool {
	same, comparable := isSame(key, value)
	return comparable && same
}

// differs is no plain opposite: a key of no known type, null among them, differs from nothing.
func differs(key, value any) bool {
	switch key.(type) {
	case bool, float64, string, map[string]any, []any:
	default:
		return false
	}
	if text, isText := key.(string); isText && value == "" {
		// Kyverno asks for this before it reads quantities.
		return !wildcard.Match("", text)
	}
	same, comparable := isSame(key, value)
	return !comparable || !same
}

func isSame(key, value any) (same, comparable bool) {
	switch key := key.(type) {
	case bool:
		other, ok := value.(bool)
		return ok && key == other, ok
	case float64:
		switch other := value.(type) {
		case float64:
			return key == other, true
		case string:
			number, err := strconv.ParseFloat(other, 64)
			return err == nil && number == key, err == nil
		}
	case string:
		if left, right, ok := durations(key, value); ok {
			return left == right, true
		}
		other, ok := value.(string)
		if !ok {
			return false, false
		}
		if left, err := resource.ParseQuantity(key); err == nil {
			right, err := resource.ParseQuantity(other)
			return err == nil && left.Equal(right), err == nil
		}
		return wildcard.Match(other, key), true
	case map[string]any:
		other, ok := value.(map[string]any)
		return ok && reflect.DeepEqual(key, other), ok
	case []any:
		other, ok := value.([]any)
		return ok && reflect.DeepEqual(key, other), ok
	}
	return false, false
}

// durations reads both sides as durations when one of them is written as one; plain numbers are seconds.
func durations(key, value any) (left, right time.Duration, ok bool) {
	read := func(from any) (time.Duration, bool) {
		text, isText := from.(string)
		found, err := time.ParseDuration(text)
		return found, isText && err == nil && text != "0"
	}
	left, hasLeft := read(key)
	right, hasRight := read(value)
	if !hasLeft && !hasRight {
		return 0, 0, false
	}
	if number, isNumber := key.(float64); !hasLeft && isNumber {
		left, hasLeft = time.Duration(number)*time.Second, true
	}
	if number, isNumber := value.(float64); !hasRight && isNumber {
		right, hasRight = time.Duration(number)*time.Second, true
	}
	return left, right, hasLeft && hasRight
}

// membership is how the keys have to stand to the list.
type membership int

const (
	anyIn membership = iota
	allIn
	anyNotIn
	allNotIn
	oldIn
	oldNotIn
)

func isInList(key, value any, how membership) bool {
	switch key := key.(type) {
	case string:
		return isOneInList(key, value, how)
	case float64, bool:
		return isOneInList(fmt.Sprint(key), value, how)
	case []any:
		keys := make([]string, len(key))
		for at, each := range key {
			keys[at] = fmt.Sprint(each)
		}
		return areInList(keys, value, how)
	default:
		return false
	}
}

func alike(one, other string) bool { return wildcard.Match(one, other) || wildcard.Match(other, one) }

func isOneInList(key string, value any, how membership) bool {
	negated := how == anyNotIn || how == allNotIn || how == oldNotIn
	switch value := value.(type) {
	case []any:
		return slices.ContainsFunc(value, func(each any) bool { return alike(fmt.Sprint(each), key) }) != negated
	case string:
		if wildcard.Match(value, key) {
			return !negated
		}
		isOld := how == oldIn || how == oldNotIn
		if !isOld && operator.GetOperatorFromStringPattern(value) == operator.InRange {
			return pattern.Validate(logr.Discard(), key, value) != negated
		}
		list, ok := readList(value, isOld)
		return ok && slices.Contains(list, key) != negated
	default:
		return false
	}
}

// readList reads a JSON list of texts; what is no JSON at all is a list of itself, unless strict.
func readList(text string, strict bool) ([]string, bool) {
	if !strict && !json.Valid([]byte(text)) {
		return []string{text}, true
	}
	var list []string
	err := json.Unmarshal([]byte(text), &list)
	return list, err == nil
}

func areInList(keys []string, value any, how membership) bool {
	var list []string
	isOld := how == oldIn || how == oldNotIn
	switch value := value.(type) {
	case []any:
		for _, each := range value {
			text, isText := each.(string)
			if isOld && !isText {
				return false
			}
			if !isText {
				text = fmt.Sprint(each)
			}
			list = append(list, text)
		}
	case float64, bool:
		if how != anyIn && how != anyNotIn {
			return false
		}
		list = []string{fmt.Sprint(value)}
	case string:
		if len(keys) == 1 && keys[0] == value {
			return how == anyIn || how == allIn || isOld
		}
		if !isOld && operator.GetOperatorFromStringPattern(value) == operator.InRange {
			return areInRange(keys, value, how)
		}
		var ok bool
		if list, ok = readList(value, isOld); !ok {
			return false
		}
	default:
		return false
	}
	has := func(key string) bool {
		return slices.ContainsFunc(list, func(each string) bool { return alike(key, each) })
	}
	hasExactly := func(key string) bool { return slices.Contains(list, key) }
	switch how {
	case anyIn:
		return slices.ContainsFunc(keys, has)
	case allIn:
		return !slices.ContainsFunc(keys, func(key string) bool { return !has(key) })
	case anyNotIn:
		return slices.ContainsFunc(keys, func(key string) bool { return !has(key) })
	case allNotIn:
		return !slices.ContainsFunc(keys, has)
	case oldIn:
		return !slices.ContainsFunc(keys, func(key string) bool { return !hasExactly(key) })
	default:
		return slices.ContainsFunc(keys, func(key string) bool { return !hasExactly(key) })
	}
}

func areInRange(keys []string, value string, how membership) bool {
	within := func(key string) bool { return pattern.Validate(logr.Discard(), key, value) }
	switch how {
	case anyIn:
		return slices.ContainsFunc(keys, within)
	case allIn:
		return !slices.ContainsFunc(keys, func(key string) bool { return !within(key) })
	case anyNotIn:
		outside := strings.Replace(value, "-", "!-", 1)
		return slices.ContainsFunc(keys, func(key string) bool { return pattern.Validate(logr.Discard(), key, outside) })
	default:
		return !slices.ContainsFunc(keys, within)
	}
}

// ordered compares durations, quantities, numbers and versions, in this order; what is none of
// them is in no order.
func ordered(fits func(order int) bool) kyvernoOperator {
	return func(key, value any) bool {
		order, ok := orderOf(key, value)
		return ok && fits(order)
	}
}

func orderOf(key, value any) (int, bool) {
	if number, isNumber := key.(float64); isNumber {
		return orderOfNumber(number, value)
	}
	text, isText := key.(string)
	if !isText {
		return 0, false
	}
	if left, right, ok := durations(key, value); ok {
		return cmp.Compare(left, right), true
	}
	other, otherIsText := value.(string)
	if otherIsText {
		left, leftErr := resource.ParseQuantity(text)
		right, rightErr := resource.ParseQuantity(other)
		if leftErr == nil && rightErr == nil {
			return left.Cmp(right), true
		}
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		return orderOfNumber(number, value)
	}
	left, leftErr := semver.Parse(text)
	right, rightErr := semver.Parse(other)
	return left.Compare(right), otherIsText && leftErr == nil && rightErr == nil
}

func orderOfNumber(number float64, value any) (int, bool) {
	if other, isNumber := value.(float64); isNumber {
		return orderOfFloats(number, other)
	}
	if left, right, ok := durations(number, value); ok {
		return cmp.Compare(left, right), true
	}
	text, isText := value.(string)
	other, err := strconv.ParseFloat(text, 64)
	if !isText || err != nil {
		return 0, false
	}
	return orderOfFloats(number, other)
}

func orderOfFloats(one, other float64) (int, bool) {
	return cmp.Compare(one, other), !math.IsNaN(one) && !math.IsNaN(other)
}

// lasting compares durations alone; plain numbers are seconds.
func lasting(fits func(order int) bool) kyvernoOperator {
	read := func(from any) (time.Duration, bool) {
		switch from := from.(type) {
		case float64:
			return time.Duration(from) * time.Second, true
		case string:
			found, err := time.ParseDuration(from)
			return found, err == nil
		default:
			return 0, false
		}
	}
	return func(key, value any) bool {
		left, hasLeft := read(key)
		right, hasRight := read(value)
		return hasLeft && hasRight && fits(cmp.Compare(left, right))
	}
}
