package conformance

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/tandemrouter/tandem/wamp"
)

// vars is what a case knows by name: IDs that it has learnt, and texts that it was given.
type vars map[string]any

// compare returns an error that says where a value that was received differs from the one that is wanted.
func (v vars) compare(want, got any) error {
	if diff := v.match("message", want, got); diff != "" {
		return fmt.Errorf("got %s: %s", format(got), diff)
	}
	return nil
}

// distinct returns an error if two of the variables have the same value.
func (v vars) distinct(names []string) error {
	seen := map[any]string{}
	for _, name := range names {
		value, err := v.given(variable(strings.TrimPrefix(name, "$")))
		if err != nil {
			return err
		}
		if same, found := seen[value]; found {
			return fmt.Errorf("%s and %s are both %s", same, name, format(value))
		}
		seen[value] = name
	}
	return nil
}

// match says where a value that was received differs from the one that is wanted, or nothing if it does not. A
// variable without a value takes the ID that stands in its place (IDS-01, SER-06).
func (v vars) match(at string, want, got any) string {
	switch want := want.(type) {
	case anything, others:
		return ""
	case variable:
		return v.matchVariable(at, want, got)
	case wamp.List:
		return v.matchList(at, want, got)
	case wamp.Dict:
		return v.matchDict(at, want, got)
	case undefined:
		return v.match(at, nil, got)
	}
	full, err := v.fill(want)
	switch {
	case err != nil:
		return at + ": " + err.Error()
	case !equal(full, got):
		return fmt.Sprintf("%s: got %s, want %s", at, format(got), format(full))
	}
	return ""
}

func (v vars) matchVariable(at string, name variable, got any) string {
	if known, ok := v[string(name)]; ok {
		if !equal(known, got) {
			return fmt.Sprintf("%s: got %s, want $%s, which is %s", at, format(got), name, format(known))
		}
		return ""
	}
	id, ok := got.(int64)
	if !ok || !wamp.ID(id).Valid() {
		return fmt.Sprintf("%s: got %s, want an ID to be $%s", at, format(got), name)
	}
	v[string(name)] = id
	return ""
}

func (v vars) matchList(at string, want wamp.List, got any) string {
	list, ok := got.(wamp.List)
	if !ok {
		return fmt.Sprintf("%s: got %s, want a list", at, format(got))
	}
	if n := len(want); n > 0 && want[n-1] == any(others{}) && len(list) >= n-1 {
		want, list = want[:n-1], list[:n-1]
	}
	if len(want) != len(list) {
		return fmt.Sprintf("%s: got %d elements, want %d", at, len(list), len(want))
	}
	for i := range want {
		if diff := v.match(fmt.Sprintf("%s[%d]", at, i), want[i], list[i]); diff != "" {
			return diff
		}
	}
	return ""
}

func (v vars) matchDict(at string, want wamp.Dict, got any) string {
	dict, ok := got.(wamp.Dict)
	if !ok {
		return fmt.Sprintf("%s: got %s, want a dictionary", at, format(got))
	}
	_, more := want[restKey]
	for _, key := range sortedKeys(dict) {
		if _, wanted := want[key]; !wanted && !more {
			return fmt.Sprintf("%s: got %q: %s, which is not wanted", at, key, format(dict[key]))
		}
	}
	for _, key := range sortedKeys(want) {
		value, there := dict[key]
		if !there && key != restKey {
			return fmt.Sprintf("%s: %q is missing", at, key)
		}
		if diff := v.match(at+"."+key, want[key], value); diff != "" {
			return diff
		}
	}
	return ""
}

func sortedKeys(dict wamp.Dict) []string { return slices.Sorted(maps.Keys(dict)) }

func equal(a, b any) bool {
	x, isFloat := a.(float64)
	y, both := b.(float64)
	if isFloat && both {
		return x == y || math.IsNaN(x) && math.IsNaN(y)
	}
	return reflect.DeepEqual(a, b)
}

// fill returns the value with its variables and repetitions carried out.
func (v vars) fill(value any) (any, error) {
	switch value := value.(type) {
	case variable:
		return v.given(value)
	case repeated:
		return v.repeat(value)
	case undefined:
		return placeholder, nil
	case wamp.List:
		return v.fillList(value)
	case wamp.Dict:
		return v.fillDict(value)
	case anything, others:
		return nil, fmt.Errorf("%s can only be received", format(value))
	}
	return value, nil
}

// given returns what was asked for, or the value of the variable.
func (v vars) given(value any) (any, error) {
	name, ok := value.(variable)
	if !ok {
		return value, nil
	}
	known, ok := v[string(name)]
	if !ok {
		return nil, fmt.Errorf("$%s has no value yet", name)
	}
	return known, nil
}

func (v vars) fillList(list wamp.List) (any, error) {
	full := make(wamp.List, len(list))
	for i := range list {
		var err error
		if full[i], err = v.fill(list[i]); err != nil {
			return nil, err
		}
	}
	return full, nil
}

func (v vars) fillDict(dict wamp.Dict) (any, error) {
	full := make(wamp.Dict, len(dict))
	for key, value := range dict {
		var err error
		if full[key], err = v.fill(value); err != nil {
			return nil, err
		}
	}
	return full, nil
}

func (v vars) repeat(r repeated) (string, error) {
	text, err := v.given(r.text)
	if err != nil {
		return "", err
	}
	times, err := v.given(r.times)
	n, isNumber := times.(int)
	if err != nil || !isNumber || n < 0 {
		return "", fmt.Errorf("%s is no number of times", format(r.times))
	}
	return strings.Repeat(fmt.Sprint(text), n), nil
}

// fillBytes returns the bytes that the parts stand for.
func (v vars) fillBytes(parts []repeated) ([]byte, error) {
	var all []byte
	for _, part := range parts {
		text, err := v.repeat(part)
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}
