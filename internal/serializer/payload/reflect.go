package payload

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// appendReflected appends a Go value of a type that appendValue does not know.
func (w *writer) appendReflected(v any, p place, depth int) error {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return w.put(&token{kind: kindNull, place: p})
	}
	if m, ok := v.(encoding.TextMarshaler); ok {
		return w.appendMarshaled(m, p)
	}
	switch rv.Kind() {
	case reflect.Pointer:
		if depth > maxDepth {
			return errTooDeep // pointers may lead in a circle
		}
		return w.appendValue(rv.Elem().Interface(), p, depth+1)
	case reflect.String:
		return w.appendString(rv.String(), p)
	case reflect.Slice, reflect.Array:
		return w.appendSequence(rv, p, depth)
	case reflect.Map:
		return w.appendMap(rv, p, depth)
	case reflect.Struct:
		return w.appendStruct(rv, p, depth)
	}
	t := token{place: p}
	if !t.setReflected(rv) {
		return cannotEncode(v)
	}
	return w.put(&t)
}

// setReflected makes the token the bool or number v.
func (t *token) setReflected(v reflect.Value) bool {
	switch {
	case v.CanInt():
		t.setSigned(v.Int())
	case v.CanUint():
		t.setUnsigned(v.Uint())
	case v.Kind() == reflect.Float32:
		t.setFloat32(float32(v.Float()))
	case v.Kind() == reflect.Float64:
		t.setFloat(v.Float())
	case v.Kind() == reflect.Bool:
		t.setBool(v.Bool())
	default:
		return false
	}
	return true
}

func (w *writer) appendMarshaled(m encoding.TextMarshaler, p place) error {
	text, err := m.MarshalText()
	if err != nil {
		return inexpressible(err.Error())
	}
	return w.appendString(string(text), p)
}

func (w *writer) appendSequence(v reflect.Value, p place, depth int) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return w.put(&token{kind: kindBinary, bytes: addressable(v).Bytes(), place: p})
	}
	return w.appendItems(kindList, v.Len(), p, depth, func(i int) error {
		return w.appendValue(v.Index(i).Interface(), itemPlace(i), depth+1)
	})
}

// addressable returns v, or a copy of it if v is an array, which has Bytes only with an address.
func addressable(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return v
	}
	array := reflect.New(v.Type()).Elem()
	array.Set(v)
	return array
}

func (w *writer) appendMap(v reflect.Value, p place, depth int) error {
	if v.Type().Key().Kind() != reflect.String {
		return cannotEncode(v.Interface())
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	return w.appendItems(kindMap, len(keys), p, depth, func(i int) error {
		return w.appendPair(keys[i].String(), v.MapIndex(keys[i]).Interface(), i, depth)
	})
}

func (w *writer) appendStruct(v reflect.Value, p place, depth int) error {
	fields := structFields(v.Type())
	if len(fields) == 0 && v.NumField() > 0 {
		return cannotEncode(v.Interface()) // what it means is not in its fields
	}
	var names []string
	var values []any
	for _, f := range fields {
		value, err := v.FieldByIndexErr(f.index)
		if err != nil || f.omitEmpty && isEmpty(value) || f.omitZero && value.IsZero() {
			continue // an error says that the field is in an embedded pointer that is nil
		}
		names, values = append(names, f.name), append(values, value.Interface())
	}
	return w.appendItems(kindMap, len(names), p, depth, func(i int) error {
		return w.appendPair(names[i], values[i], i, depth)
	})
}

// structField is a field of a struct that is sent.
type structField struct {
	name      string
	index     []int // for reflect.Value.FieldByIndexErr
	omitEmpty bool
	omitZero  bool
}

// structFieldsOf remembers the fields of struct types, of which a program has a fixed number.
var structFieldsOf sync.Map // reflect.Type -> []structField

func structFields(t reflect.Type) []structField {
	if known, ok := structFieldsOf.Load(t); ok {
		return known.([]structField)
	}
	var fields []structField
	var whole []int // the last embedded field that is sent as one or not at all; its own fields follow it
	for _, f := range reflect.VisibleFields(t) {
		if whole != nil && len(f.Index) > len(whole) && slices.Equal(f.Index[:len(whole)], whole) {
			continue
		}
		sent := newStructField(f)
		if f.Anonymous {
			if sent.name == "" && elemKind(f.Type) == reflect.Struct {
				continue
			}
			whole = f.Index
		}
		sent.name = cmp.Or(sent.name, f.Name)
		if f.IsExported() && f.Tag.Get("json") != "-" && !slices.ContainsFunc(fields, sent.sameName) {
			fields = append(fields, sent)
		}
	}
	structFieldsOf.Store(t, fields)
	return fields
}

// newStructField returns the field as its json tag describes it, without a name if the tag has none.
func newStructField(f reflect.StructField) structField {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return structField{
		name:      name,
		index:     f.Index,
		omitEmpty: hasOption(options, "omitempty"),
		omitZero:  hasOption(options, "omitzero"),
	}
}

func (f structField) sameName(other structField) bool { return f.name == other.name }

// elemKind returns the kind of t, or of what it points to.
func elemKind(t reflect.Type) reflect.Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind()
}

func hasOption(options, option string) bool {
	return slices.Contains(strings.Split(options, ","), option)
}

// isEmpty reports what omitempty of encoding/json asks: false, 0, nil, or something of length 0.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
