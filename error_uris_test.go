package tandem_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// specifiedURIs are the errors and reasons that the WAMP specification itself defines, and is right about.
var specifiedURIs = list(`
	wamp.close.close_realm wamp.close.goodbye_and_out wamp.close.system_shutdown wamp.close.killed
	wamp.error.protocol_violation wamp.error.no_such_realm wamp.error.no_such_role wamp.error.no_such_principal
	wamp.error.no_matching_auth_method wamp.error.authentication_denied wamp.error.authentication_failed
	wamp.error.authentication_required wamp.error.not_authorized wamp.error.invalid_uri wamp.error.no_such_procedure
	wamp.error.procedure_already_exists wamp.error.no_such_registration wamp.error.no_such_subscription
	wamp.error.invalid_argument wamp.error.canceled wamp.error.payload_size_exceeded wamp.error.authorization_failed
	wamp.error.timeout wamp.error.option_not_allowed wamp.error.option_disallowed.disclose_me
	wamp.error.network_failure wamp.error.unavailable wamp.error.no_available_callee wamp.error.feature_not_supported
	wamp.error.no_such_session`)

// otherURIs are those that only other implementations define, with what a requirement wants them for nevertheless.
var otherURIs = map[string]string{
	"wamp.close.normal":                      "what others say when they leave",
	"wamp.close.transport_lost":              "a client's own word, never on the wire",
	"wamp.error.cannot_authenticate":         "a client that has no answer to a challenge",
	"wamp.error.runtime_error":               "a handler that fails",
	"wamp.error.invalid_payload":             "a payload that the receiver's serializer cannot express",
	"wamp.error.unregistered":                "a procedure taken by force",
	"wamp.error.testament_error":             "a testament for an unknown scope",
	"wamp.error.history_unavailable":         "a topic without history",
	"crossbar.error.max_concurrency_reached": "callees that are all busy",
}

var wampURI = regexp.MustCompile(`^(wamp|crossbar)\.(error|close)\.`)

// TestERR01_OnlyKnownErrorsAreSent looks at every URI of an error in the source: there is no other way to make one.
func TestERR01_OnlyKnownErrorsAreSent(t *testing.T) {
	known := map[string]bool{}
	for _, uri := range specifiedURIs {
		known[uri] = true
	}
	found := 0
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, uri := range errorURIs(s) {
			found++
			if !known[uri] && otherURIs[uri] == "" {
				t.Errorf("%s: nobody wants %s", s.path, uri)
			}
			if s.path != "wamp/errors.go" {
				t.Errorf("%s: %s belongs into wamp/errors.go", s.path, uri)
			}
		}
	}
	if found == 0 {
		t.Error("no error was found")
	}
}

func errorURIs(s *source) (uris []string) {
	s.walk(func(n ast.Node) {
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return
		}
		if uri, err := strconv.Unquote(literal.Value); err == nil && wampURI.MatchString(uri) {
			uris = append(uris, uri)
		}
	})
	return uris
}
