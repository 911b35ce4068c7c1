package routing_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/wamp"
)

// The notation of transcripts writes a message as the name of its type and those of its fields that say something:
//
//	CALL request=1 receive_progress timeout=500 procedure=com.add payload=[1,2]
//
// Names are those of the protocol. A flag that is set stands alone, lists are separated by commas, values with
// spaces are quoted. A payload of peers is written as it is, for nobody looks into it; what the router itself reads or
// says stands in args=[...] and kwargs={...}, and the text of an ERROR that it makes is text="...".

// notedTypes are the messages that have a notation.
var notedTypes = []wamp.Message{
	&wamp.Abort{}, &wamp.Error{},
	&wamp.Publish{}, &wamp.Published{}, &wamp.Event{},
	&wamp.Subscribe{}, &wamp.Subscribed{}, &wamp.Unsubscribe{}, &wamp.Unsubscribed{},
	&wamp.Call{}, &wamp.Cancel{}, &wamp.Result{},
	&wamp.Register{}, &wamp.Registered{}, &wamp.Unregister{}, &wamp.Unregistered{},
	&wamp.Invocation{}, &wamp.Interrupt{}, &wamp.Yield{},
}

// notate writes a message.
func notate(m wamp.Message) string {
	line := []string{m.Type().String()}
	eachField(reflect.ValueOf(m).Elem(), func(key string, v reflect.Value) {
		if word := notateField(key, v); word != "" {
			line = append(line, word)
		}
	})
	return strings.Join(line, " ")
}

// messageFrom reads a message from its name and words, and takes the words that it understands away.
func messageFrom(name string, words *words) (wamp.Message, error) {
	for _, noted := range notedTypes {
		if noted.Type().String() == name {
			m := reflect.New(reflect.TypeOf(noted).Elem())
			err := readFields(m.Elem(), words)
			return m.Interface().(wamp.Message), err
		}
	}
	return nil, fmt.Errorf("%s has no notation", name)
}

func readFields(v reflect.Value, words *words) (err error) {
	eachField(v, func(key string, field reflect.Value) {
		if word, ok := words.take(key); ok && err == nil {
			if err = readField(field, word); err != nil {
				err = fmt.Errorf("%s: %w", key, err)
			}
		}
	})
	return err
}

// eachField visits the fields of a message, with those of its options or details among them. Structs behind a
// pointer are there only when one of their words is.
func eachField(v reflect.Value, visit func(key string, field reflect.Value)) {
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		switch {
		case name == "Extra" || name == "HasTrustLevel":
		case name == "TrustLevel":
			visit("trustlevel", v) // two fields, one word
		case field.Type() == reflect.TypeFor[*wamp.Passthru]():
			eachOptional(field, "ppt_", visit)
		case field.Type() == reflect.TypeFor[*wamp.Receivers]():
			eachOptional(field, "", visit)
		case field.Type() == reflect.TypeFor[wamp.Payload]():
			visit("payload", field)
			visit(textOr("args", v), field.FieldByName("Args"))
			visit("kwargs", field.FieldByName("Kwargs"))
		case field.Kind() == reflect.Struct:
			eachField(field, visit)
		default:
			visit(keyOf(name), field)
		}
	}
}

// textOr returns the key of the positional arguments of a message, which of an ERROR are a text.
func textOr(key string, message reflect.Value) string {
	if message.Type() == reflect.TypeFor[wamp.Error]() {
		return "text"
	}
	return key
}

// eachOptional visits the fields of the struct that the pointer points to, or would.
func eachOptional(pointer reflect.Value, prefix string, visit func(string, reflect.Value)) {
	target := reflect.New(pointer.Type().Elem())
	if !pointer.IsNil() {
		target = pointer
	}
	eachField(target.Elem(), func(key string, field reflect.Value) {
		visit(prefix+key, field)
	})
	if !target.Elem().IsZero() {
		pointer.Set(target)
	}
}

var oneWord = strings.NewReplacer("AuthID", "Authid", "AuthRole", "Authrole", "RKey", "Rkey", "NKey", "Nkey",
	"RunMode", "Runmode", "KeyID", "Keyid", "URI", "Uri", "RequestType", "Type")

// keyOf turns a field's name into a key of the protocol: ReceiveProgress into receive_progress.
func keyOf(name string) string {
	var key strings.Builder
	for i, r := range oneWord.Replace(name) {
		if unicode.IsUpper(r) && i > 0 {
			key.WriteByte('_')
		}
		key.WriteRune(unicode.ToLower(r))
	}
	return key.String()
}

func notateField(key string, v reflect.Value) string {
	switch x := v.Interface().(type) {
	case wamp.Payload:
		if x.Serializer == wamp.NoSerializer {
			return ""
		}
		return key + "=" + string(x.Raw)
	case wamp.List, wamp.Dict:
		return notateValues(key, v)
	case wamp.CancelMode:
		return key + "=" + x.String() // the zero value is a mode as well
	case fmt.Stringer:
		if v.IsZero() {
			return ""
		}
		return key + "=" + x.String()
	case []wamp.ID, []string:
		if v.IsNil() {
			return ""
		}
		return key + "=" + strings.ReplaceAll(strings.Trim(fmt.Sprint(x), "[]"), " ", ",")
	}
	switch {
	case key == "trustlevel":
		if !v.FieldByName("HasTrustLevel").Bool() {
			return ""
		}
		return fmt.Sprint(key, "=", v.FieldByName("TrustLevel"))
	case v.IsZero():
		return ""
	case v.Kind() == reflect.Bool:
		return key
	default:
		return key + "=" + quoted(fmt.Sprint(v))
	}
}

// notateValues writes arguments as JSON, without spaces but those in texts.
func notateValues(key string, v reflect.Value) string {
	if v.Len() == 0 {
		return ""
	}
	if key == "text" {
		return fmt.Sprintf("text=%q", v.Index(0))
	}
	text, err := json.Marshal(v.Interface())
	if err != nil {
		panic(err)
	}
	return key + "=" + string(text)
}

func quoted(s string) string {
	if strings.ContainsAny(s, ` "`) {
		return strconv.Quote(s)
	}
	return s
}

func readField(v reflect.Value, word string) error {
	switch p := v.Addr().Interface().(type) {
	case *wamp.Payload:
		*p = wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(word)}
	case *wamp.List:
		v, err := readValue(word)
		*p, _ = v.(wamp.List)
		return err
	case *wamp.Dict:
		v, err := readValue(word)
		*p, _ = v.(wamp.Dict)
		return err
	case *wamp.MessageType:
		return readEnum(p, word, messageTypeOf)
	case *wamp.MatchPolicy:
		return readEnum(p, word, wamp.ParseMatchPolicy)
	case *wamp.InvocationPolicy:
		return readEnum(p, word, wamp.ParseInvocationPolicy)
	case *wamp.CancelMode:
		return readEnum(p, word, wamp.ParseCancelMode)
	case *[]wamp.ID:
		*p = []wamp.ID{}
		for _, part := range splitList(word) {
			n, err := strconv.ParseUint(part, 10, 64)
			if err != nil {
				return err
			}
			*p = append(*p, wamp.ID(n))
		}
	case *[]string:
		*p = splitList(word)
	default:
		return readPlain(v, word)
	}
	return nil
}

// readValue reads JSON as the serializers do.
func readValue(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	err := decoder.Decode(&v)
	return decoded(v), err
}

func decoded(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		list := wamp.List{}
		for _, item := range v {
			list = append(list, decoded(item))
		}
		return list
	case map[string]any:
		dict := wamp.Dict{}
		for key, item := range v {
			dict[key] = decoded(item)
		}
		return dict
	default:
		return v
	}
}

func readPlain(v reflect.Value, word string) error {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(word == "")
	case reflect.String:
		v.SetString(word)
	case reflect.Uint64:
		n, err := strconv.ParseUint(word, 10, 64)
		v.SetUint(n)
		return err
	case reflect.Struct: // that with the trust level
		v.FieldByName("HasTrustLevel").SetBool(true)
		return readPlain(v.FieldByName("TrustLevel"), word)
	default:
		return fmt.Errorf("no notation for %v", v.Type())
	}
	return nil
}

func readEnum[T any](p *T, word string, parse func(string) (T, bool)) error {
	v, ok := parse(word)
	if !ok {
		return fmt.Errorf("unknown word %q", word)
	}
	*p = v
	return nil
}

func messageTypeOf(name string) (wamp.MessageType, bool) {
	for t := range wamp.MessageType(512) {
		if t.Known() && t.String() == name {
			return t, true
		}
	}
	return 0, false
}

func splitList(word string) []string {
	if word == "" {
		return []string{}
	}
	return strings.Split(word, ",")
}

// words are the key=value pairs of a line.
type words struct {
	list []word
}

type word struct{ key, value string }

// wordsOf splits a line at spaces that are not inside quotes.
func wordsOf(line string) (*words, error) {
	w := new(words)
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		end := strings.IndexAny(line, " =")
		if end < 0 || line[end] == ' ' {
			var key string
			key, line, _ = strings.Cut(line, " ")
			w.list = append(w.list, word{key: key})
			continue
		}
		key, value, rest := line[:end], "", line[end+1:]
		if quotedValue, err := strconv.QuotedPrefix(rest); err == nil && strings.HasPrefix(rest, `"`) {
			value, err = strconv.Unquote(quotedValue)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			line = rest[len(quotedValue):]
		} else {
			value, line, _ = strings.Cut(rest, " ")
		}
		w.list = append(w.list, word{key, value})
	}
	return w, nil
}

// take removes and returns the value of a key.
func (w *words) take(key string) (value string, ok bool) {
	for i, have := range w.list {
		if have.key == key {
			w.list = append(w.list[:i:i], w.list[i+1:]...)
			return have.value, true
		}
	}
	return "", false
}

func TestNotation_RoundTrip(t *testing.T) {
	for _, line := range []string{
		`ABORT message="what was wrong" reason=wamp.error.protocol_violation`,
		`ERROR type=CALL request=1 uri=com.e payload=[1,"x"]`,
		`PUBLISH request=3 acknowledge include_me exclude=1,2 eligible_authrole= topic=com.t payload=x`,
		`EVENT subscription=1 publication=2 publisher=3 publisher_authid=ann publisher_authrole=staff topic=a.b trustlevel=0`,
		`CALL request=1 receive_progress progress timeout=500 disclose_me ppt_scheme=mqtt ppt_keyid=k procedure=com.add payload=[1,2]`,
		`CALL request=1 procedure=wamp.registration.lookup args=["p",{"match":"prefix"}] kwargs={"n":[1,1.5,null]}`,
		`CANCEL request=1 mode=skip`,
		`REGISTER request=1 match=prefix invoke=roundrobin disclose_caller forward_timeout procedure=com.add`,
		`INTERRUPT request=1 mode=killnowait reason=wamp.error.canceled`,
	} {
		w, err := wordsOf(line)
		if err != nil {
			t.Fatal(err)
		}
		name := w.list[0].key
		m, err := messageFrom(name, &words{w.list[1:]})
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(line, notate(m)); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}
