package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

const maxUnstable = 20

// describeUnstable says which fields of which objects two renders of the same input disagree on.
func describeUnstable(first, again []object) []string {
	other := map[objectID]object{}
	for _, each := range again {
		id, _ := identify(each.value)
		other[id] = each
	}
	var words []string
	for _, each := range first {
		id, _ := identify(each.value)
		same, found := other[id]
		if !found {
			words = append(words, describe(id)+" is rendered under another name each time")
			continue
		}
		for _, path := range differences(each.value, same.value, "") {
			words = append(words, fmt.Sprintf("%s: %s is another value in each render (chance, certificates or the time); "+
				"pin it in values, or every new render is a change", describe(id), path))
		}
	}
	return words[:min(len(words), maxUnstable)]
}

// differences gives the paths of the smallest parts that differ, in order.
func differences(a, b any, path string) []string {
	left, isMap := a.(map[string]any)
	right, both := b.(map[string]any)
	if isMap && both {
		keys := slices.Collect(maps.Keys(left))
		for key := range right {
			if _, known := left[key]; !known {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		var found []string
		for _, key := range keys {
			at := key
			if path != "" {
				at = path + "." + key
			}
			found = append(found, differences(left[key], right[key], at)...)
		}
		return found
	}
	some, isList := a.([]any)
	others, bothLists := b.([]any)
	if isList && bothLists && len(some) == len(others) {
		var found []string
		for index := range some {
			found = append(found, differences(some[index], others[index], fmt.Sprintf("%s[%d]", path, index))...)
		}
		return found
	}
	if reflect.DeepEqual(a, b) {
		return nil
	}
	return []string{path}
}
