package main

import (
	"errors"
	"fmt"
	"strings"

	kjson "sigs.k8s.io/json"
)

// kyvernoConditions are preconditions or what denies; nil holds always.
type kyvernoConditions struct {
	Any []kyvernoCondition `json:"any"`
	All []kyvernoCondition `json:"all"`
	// any: [] never holds, unlike an any that is not given.
	hasAny bool
}

type kyvernoCondition struct {
	Key      any    `json:"key"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
	Message  string `json:"message"`

	operator kyvernoOperator
}

// heldConditions is an answer, and what the conditions that gave it say.
type heldConditions struct {
	holds   bool
	message string
}

// conditions reads both ways to write them: any and all, and the old plain list, of which all must hold.
func (c *kyvernoCompiling) conditions(place string, given any) *kyvernoConditions {
	if given == nil {
		return nil
	}
	text, err := encode(given)
	if err != nil {
		c.fault("%s: %s", place, err)
		return nil
	}
	made := &kyvernoConditions{}
	var into any = made
	if _, isList := given.([]any); isList {
		into = &made.All
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err = errors.Join(append(strict, err)...); err != nil {
		c.fault("%s: %s", place, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	made.hasAny = made.Any != nil
	for _, list := range [][]kyvernoCondition{made.Any, made.All} {
		for at := range list {
			one := &list[at]
			known := false
			if one.operator, known = kyvernoOperators[strings.ToLower(one.Operator)]; !known {
				c.fault("%s: unknown operator %q", place, one.Operator)
			}
			c.text(place, one.Key, one.Value, one.Message)
			one.Key, one.Value = plainJSON(one.Key), plainJSON(one.Value)
		}
	}
	return made
}

func (c *kyvernoConditions) hold(known *kyvernoContext) (heldConditions, error) {
	if c == nil {
		return heldConditions{holds: true}, nil
	}
	anyHolds, allHold := !c.hasAny, true
	var held, failed []string
	for at := range c.Any {
		one := &c.Any[at]
		holds, err := one.holds(known)
		if err != nil {
			return heldConditions{}, err
		}
		if anyHolds = holds; holds {
			held = append(held, one.Message)
			break
		}
		failed = append(failed, one.Message)
	}
	for at := range c.All {
		one := &c.All[at]
		holds, err := one.holds(known)
		if err != nil {
			return heldConditions{}, err
		}
		if !holds {
			allHold, failed = false, append(failed, one.Message)
			break
		}
		held = append(held, one.Message)
	}
	if anyHolds && allHold {
		return heldConditions{true, joinNonEmpty(held, "; ")}, nil
	}
	return heldConditions{false, joinNonEmpty(failed, "; ")}, nil
}

func (c *kyvernoCondition) holds(known *kyvernoContext) (bool, error) {
	key, err := known.substitute(c.Key)
	if err != nil {
		return false, fmt.Errorf("the key of a condition: %w", err)
	}
	value, err := known.substitute(c.Value)
	if err != nil {
		return false, fmt.Errorf("the value of a condition: %w", err)
	}
	return c.operator(key, value), nil
}
