package pattern

import "strings"

// Kind says how a pattern is compared with a URI: the match policy of a
// registration or subscription (PBR-01, PBS-01). The zero value is Exact, which
// is what an absent match option means (ROU-06).
type Kind uint8

// The three match policies. No other value is a Kind: what takes one refuses it
// with ErrUnknownKind or matches nothing.
const (
	Exact    Kind = iota // the same bytes
	Prefix               // begins with the same bytes, component boundary or not
	Wildcard             // component by component, an empty one matches any
)

// Matches reports whether pattern, read as kind, matches uri, the URI of a call
// or publication (PBR-02, PBR-03, PBS-02). A URI with an empty component matches
// no wildcard. It agrees with what an [Index] holding only that pattern finds.
func Matches(kind Kind, pattern, uri string) bool {
	switch kind {
	case Exact:
		return pattern == uri
	case Prefix:
		return strings.HasPrefix(uri, pattern)
	case Wildcard:
		agree, longer := overlay(pattern, uri)
		return agree && !longer && !hasBlank(uri)
	}
	return false
}

// overlay lays a wildcard pattern over uri. They agree if each component of uri
// meets an equal or an empty one; longer says that the pattern has more of them.
func overlay(pattern, uri string) (agree, longer bool) {
	for more := true; more; {
		var p, u string
		p, pattern, longer = strings.Cut(pattern, ".")
		u, uri, more = strings.Cut(uri, ".")
		if p != "" && p != u || more && !longer {
			return false, false
		}
	}
	return true, longer
}

// hasBlank reports whether a component is empty.
func hasBlank(uri string) bool {
	return uri == "" || uri[0] == '.' || uri[len(uri)-1] == '.' || strings.Contains(uri, "..")
}
