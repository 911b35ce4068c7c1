package serializer_test

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/wamp"
)

// vectorFile is a file of the specification's vectors for single messages.
type vectorFile struct {
	Message string
	Code    int
	Samples []vectorSample
}

// vectorSample has either the bytes of a message and what they mean, or a message of which only the options matter.
type vectorSample struct {
	Description string
	Attributes  map[string]any             `json:"expected_attributes"`
	Serializers map[string][]vectorVariant `json:"serializers"`
	Message     json.RawMessage            `json:"wmsg"`
	Error       *struct{ Contains string } `json:"expected_error"`
}

type vectorVariant struct {
	Hex string `json:"bytes_hex"`
}

// attributesOf has the names of the vectors for the elements behind the code.
var attributesOf = map[wamp.MessageType]string{
	wamp.TypeHello:         "realm roles",
	wamp.TypeWelcome:       "session_id roles",
	wamp.TypeAbort:         "details reason",
	wamp.TypeChallenge:     "method extra",
	wamp.TypeAuthenticate:  "signature extra",
	wamp.TypeGoodbye:       "details reason",
	wamp.TypeError:         "request_type request_id details error args kwargs",
	wamp.TypePublish:       "request_id options topic args kwargs",
	wamp.TypePublished:     "request_id publication_id",
	wamp.TypeSubscribe:     "request_id options topic",
	wamp.TypeSubscribed:    "request_id subscription_id",
	wamp.TypeUnsubscribe:   "request_id subscription_id",
	wamp.TypeUnsubscribed:  "request_id",
	wamp.TypeEvent:         "subscription publication details args kwargs",
	wamp.TypeCall:          "request_id options procedure args kwargs",
	wamp.TypeCancel:        "request_id options",
	wamp.TypeResult:        "request_id details args kwargs",
	wamp.TypeRegister:      "request_id options procedure",
	wamp.TypeRegistered:    "request_id registration_id",
	wamp.TypeUnregister:    "request_id registration_id",
	wamp.TypeUnregistered:  "request_id",
	wamp.TypeInvocation:    "request_id registration_id details args kwargs",
	wamp.TypeInterrupt:     "request_id options",
	wamp.TypeYield:         "request_id options args kwargs",
	wamp.TypeEventReceived: "publication_id",
}

// TestSER17Vectors reads the vectors from the folder that TANDEM_VECTORS names.
func TestSER17Vectors(t *testing.T) {
	folder := os.Getenv("TANDEM_VECTORS")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "vectors")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skipf("the published vectors are not in %s; TANDEM_VECTORS may name their folder", folder)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) { testVectors(t, path) })
	}
}

func testVectors(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file vectorFile
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, sample := range file.Samples {
		t.Run(sample.Description, func(t *testing.T) {
			sample.testBytes(t)
			if sample.Message != nil {
				sample.testOptions(t)
			}
		})
	}
}

// testBytes: every variant of the bytes means what is expected, and so do the bytes that we make of it.
func (v *vectorSample) testBytes(t *testing.T) {
	for name, variants := range v.Serializers {
		s, ok := wamp.ParseSerializer(name)
		if !ok {
			t.Fatalf("no serializer %q", name)
		}
		for _, variant := range variants {
			in, err := hex.DecodeString(variant.Hex)
			if err != nil {
				t.Fatal(err)
			}
			if v.Attributes["payload"] != nil { // bytes that are no list (E2E-03)
				wantViolation(t, s, in, "Arguments")
				continue
			}
			m := parse(t, s, in)
			maps.DeleteFunc(v.Attributes, func(_ string, value any) bool { return value == nil })
			if diff := cmp.Diff(v.Attributes, attributes(t, m)); diff != "" {
				t.Errorf("%v: %s", s, diff)
			}
			if diff := cmp.Diff(v.Attributes, attributes(t, parse(t, s, frame(t, s, m)))); diff != "" {
				t.Errorf("%v, after it was appended: %s", s, diff)
			}
		}
	}
}

// attributes returns what the vectors say of a message, taken from its JSON.
func attributes(t *testing.T, m wamp.Message) map[string]any {
	var elements []any
	if err := json.Unmarshal(frame(t, wamp.JSON, m), &elements); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{"message_type": elements[0]}
	for i, name := range strings.Fields(attributesOf[m.Type()]) {
		if i+1 < len(elements) {
			got[name] = elements[i+1]
		}
	}
	if details, ok := got["roles"].(map[string]any); ok {
		got["roles"] = bareRoles(details["roles"])
	}
	if m.Type() == wamp.TypeCancel || m.Type() == wamp.TypeInterrupt {
		delete(got["options"].(map[string]any), "mode") // which we always say
	}
	return got
}

// bareRoles leaves out that a role has no features.
func bareRoles(roles any) any {
	bare := map[string]any{}
	for role, details := range roles.(map[string]any) {
		if cmp.Equal(details, map[string]any{"features": map[string]any{}}) {
			details = map[string]any{}
		}
		bare[role] = details
	}
	return bare
}

// testOptions: options are refused or taken as expected, in every serializer.
func (v *vectorSample) testOptions(t *testing.T) {
	message, _, err := payload.Decode(&wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: v.Message})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range serializers {
		in := value(t, s, message)
		_, bare := message[len(message)-1].(string)
		switch {
		case v.Error != nil:
			wantViolation(t, s, in, v.Error.Contains)
		case bare && len(message) > 4: // arguments that are no list (E2E-03)
			wantViolation(t, s, in, "Arguments")
		default:
			m := parse(t, s, in)
			if diff := cmp.Diff(attributes(t, m), attributes(t, parse(t, s, frame(t, s, m)))); diff != "" {
				t.Errorf("%v: %s", s, diff)
			}
		}
	}
}
