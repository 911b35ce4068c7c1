package wamp

import "slices"

// MatchPolicy says how the URI of a registration or subscription is compared with a called or published URI.
type MatchPolicy uint8

// The match policies. Exact is the default (ROU-06).
const (
	MatchExact    MatchPolicy = iota
	MatchPrefix               // the URI begins with the pattern, character by character (PBR-02)
	MatchWildcard             // same number of components; an empty one in the pattern stands for any (PBR-03)
)

var matchNames = [...]string{"exact", "prefix", "wildcard"}

// String returns the word that stands on the wire.
func (p MatchPolicy) String() string { return matchNames[p] }

// ParseMatchPolicy returns the policy with the given word. ok is false for a word that the protocol does not define.
func ParseMatchPolicy(word string) (p MatchPolicy, ok bool) {
	i := slices.Index(matchNames[:], word)
	return MatchPolicy(i), i >= 0
}

// InvocationPolicy says which callee of a shared registration is invoked.
type InvocationPolicy uint8

// The invocation policies. Single is the default (ROU-06).
const (
	InvokeSingle     InvocationPolicy = iota
	InvokeFirst                       // the callee that registered first of those still there
	InvokeLast                        // the callee that registered last
	InvokeRoundRobin                  // in turn
	InvokeRandom                      // uniformly at random
)

var invokeNames = [...]string{"single", "first", "last", "roundrobin", "random"}

// String returns the word that stands on the wire.
func (p InvocationPolicy) String() string { return invokeNames[p] }

// ParseInvocationPolicy returns the policy with the given word. ok is false for a word that the protocol does not
// define.
func ParseInvocationPolicy(word string) (p InvocationPolicy, ok bool) {
	i := slices.Index(invokeNames[:], word)
	return InvocationPolicy(i), i >= 0
}

// CancelMode says what a cancellation does to the callee and when the caller is answered.
type CancelMode uint8

// The cancel modes. KillNoWait is what a Cancel without a mode means (CAN-06).
const (
	CancelKillNoWait CancelMode = iota // interrupt the callee, answer the caller at once
	CancelKill                         // interrupt the callee, answer the caller when the callee has answered
	CancelSkip                         // leave the callee alone, answer the caller at once
)

var cancelNames = [...]string{"killnowait", "kill", "skip"}

// String returns the word that stands on the wire.
func (m CancelMode) String() string { return cancelNames[m] }

// ParseCancelMode returns the mode with the given word. ok is false for a word that the protocol does not define.
func ParseCancelMode(word string) (m CancelMode, ok bool) {
	i := slices.Index(cancelNames[:], word)
	return CancelMode(i), i >= 0
}

// Disclosure says whether a caller's or publisher's identity may be told to callees and subscribers (CID-08, PID-03).
type Disclosure uint8

// The disclosure rules.
const (
	DiscloseOnRequest Disclosure = iota // if somebody who takes part asks for it
	DiscloseAlways
	DiscloseNever // asking for it is refused
)
