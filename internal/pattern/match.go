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

// Covers reports whether rule, read as ruleKind, matches every URI that pattern,
// read as kind, can match, so that whoever may use rule gains nothing by
// subscribing to or registering pattern (AZN-05). Both must be well-formed.
// For an exact pattern it is the same as Matches.
func Covers(ruleKind Kind, rule string, kind Kind, pattern string) bool {
	switch kind {
	case Exact:
		return Matches(ruleKind, rule, pattern)
	case Prefix:
		// A prefix matches URIs of any number of components, which neither
		// a single URI nor a wildcard can contain.
		return ruleKind == Prefix && strings.HasPrefix(pattern, rule)
	case Wildcard:
		return coversWildcard(ruleKind, rule, pattern)
	}
	return false
}

func coversWildcard(ruleKind Kind, rule, pattern string) bool {
	switch ruleKind {
	case Exact:
		return rule == pattern && !hasBlank(pattern)
	case Prefix:
		// Past the head the URIs differ already in their next byte.
		return strings.HasPrefix(literalHead(pattern), rule)
	case Wildcard:
		agree, longer := overlay(rule, pattern)
		return agree && !longer
	}
	return false
}

// Reaches reports whether pattern, read as kind, can match a URI that is
// namespace or begins with namespace and a dot. The namespace is one or more
// whole components, such as "wamp" (R0, RPC-20).
func Reaches(kind Kind, pattern, namespace string) bool {
	switch kind {
	case Exact:
		return within(pattern, namespace)
	case Prefix:
		return strings.HasPrefix(namespace, pattern) || within(pattern, namespace)
	case Wildcard:
		agree, _ := overlay(pattern, namespace)
		return agree
	}
	return false
}

func within(uri, namespace string) bool {
	rest, ok := strings.CutPrefix(uri, namespace)
	return ok && (rest == "" || rest[0] == '.')
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

// literalHead returns what comes before the first empty component of a wildcard
// pattern, its dot included: all of a pattern that has none.
func literalHead(pattern string) string {
	if strings.HasPrefix(pattern, ".") {
		return ""
	}
	if i := strings.Index(pattern, ".."); i >= 0 {
		return pattern[:i+1]
	}
	return pattern // an empty last component leaves just its dot
}

// hasBlank reports whether a component is empty.
func hasBlank(uri string) bool {
	return uri == "" || uri[0] == '.' || uri[len(uri)-1] == '.' || strings.Contains(uri, "..")
}
