package wamp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxURILength is the longest URI that is accepted, in bytes (URI-11).
const MaxURILength = 1024

// URIRule says which characters the components of a URI may have.
type URIRule uint8

// The rules of requirements section 2.3.
const (
	LooseURI  URIRule = iota // anything but white space, '.' and '#' (URI-12); the default (URI-05)
	StrictURI                // lower-case letters, digits and '_'
)

// ValidURI reports whether s is a URI of non-empty components, as for a call, a publication, an exact registration
// or subscription, a realm, an error or a reason (URI-01).
func (r URIRule) ValidURI(s string) bool {
	return r.valid(s, MatchExact)
}

// ValidPattern reports whether s is a URI or pattern that may be registered or subscribed to under the given match
// policy: a prefix may end in an empty component, a wildcard may have empty components anywhere (URI-02).
func (r URIRule) ValidPattern(s string, match MatchPolicy) bool {
	return r.valid(s, match)
}

func (r URIRule) valid(s string, match MatchPolicy) bool {
	if len(s) > MaxURILength {
		return false
	}
	allowed := &looseBytes
	if r == StrictURI {
		allowed = &strictBytes
	}
	begin, ascii := 0, true // where the component begins; whether all characters were ASCII
	for i := range len(s) {
		switch b := s[i]; {
		case b == '.':
			if i == begin && match != MatchWildcard {
				return false
			}
			begin = i + 1
		case b >= utf8.RuneSelf:
			ascii = false
		case !allowed[b]:
			return false
		}
	}
	lastEmpty := begin == len(s)
	return (!lastEmpty || match != MatchExact) && (ascii || r == LooseURI && validRunes(s))
}

// The ASCII characters that a component may have.
var looseBytes, strictBytes = asciiTable(looseByte), asciiTable(strictByte)

func asciiTable(allows func(byte) bool) (t [utf8.RuneSelf]bool) {
	for b := range t {
		t[b] = allows(byte(b))
	}
	return t
}

func strictByte(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' }

func looseByte(b byte) bool { return b != '#' && b != ' ' && (b < '\t' || b > '\r') }

func validRunes(s string) bool {
	for _, c := range s {
		if c == '#' || unicode.IsSpace(c) {
			return false
		}
	}
	return utf8.ValidString(s)
}

// Reserved reports whether the URI's first component is "wamp", which only the router itself may publish to and
// register (URI-06, URI-07).
func Reserved(uri string) bool {
	return strings.HasPrefix(uri, "wamp") && (len(uri) == 4 || uri[4] == '.')
}
