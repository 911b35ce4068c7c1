package wamp

// Passthru says that a payload is opaque to the router, and how its bytes are to be understood (PPT-01). The router
// copies the four values and never looks at them.
type Passthru struct {
	Scheme     string // ppt_scheme, never empty
	Serializer string // ppt_serializer
	Cipher     string // ppt_cipher
	KeyID      string // ppt_keyid
}

// HelloDetails is what a client says of itself when it opens a session.
type HelloDetails struct {
	Roles       Roles
	Agent       string
	AuthMethods []string // in the client's order of preference; empty means anonymous (ATH-04)
	AuthID      string
	AuthRole    string
	AuthExtra   Dict
	Extra       Dict // keys that the protocol does not define
}

// WelcomeDetails is what the router says of itself and of the identity that it granted.
type WelcomeDetails struct {
	Roles        Roles
	Agent        string
	Realm        string
	AuthID       string
	AuthRole     string
	AuthMethod   string
	AuthProvider string
	AuthExtra    Dict
	Extra        Dict
}

// AbortDetails explains an Abort.
type AbortDetails struct {
	Message string // for a person
	Extra   Dict
}

// GoodbyeDetails explains a Goodbye.
type GoodbyeDetails struct {
	Message string // for a person
	Extra   Dict
}

// ErrorDetails accompanies an Error.
type ErrorDetails struct {
	PPT   *Passthru
	Extra Dict
}

// PublishOptions is what a publisher asks for.
type PublishOptions struct {
	Acknowledge bool // answer with Published or Error (PUB-06, PUB-07)
	IncludeMe   bool // the publisher may receive its own event: exclude_me=false on the wire (PEX-02)
	DiscloseMe  bool
	Retain      bool
	RKey        string
	Receivers   *Receivers // nil: no restriction
	PPT         *Passthru
	Extra       Dict
}

// Receivers restricts who gets an event (BWL-01, BWL-02). A list that is nil was absent; an eligible list that is
// present but empty means nobody (BWL-03).
type Receivers struct {
	Exclude         []ID
	ExcludeAuthID   []string
	ExcludeAuthRole []string

	Eligible         []ID
	EligibleAuthID   []string
	EligibleAuthRole []string
}

// SubscribeOptions is what a subscriber asks for.
type SubscribeOptions struct {
	Match       MatchPolicy
	GetRetained bool
	NKey        string
	Extra       Dict
}

// UnsubscribedDetails tells which subscription was revoked, and why.
type UnsubscribedDetails struct {
	Subscription ID
	Reason       string // a URI, or empty
}

// EventDetails is what the router says of a publication.
type EventDetails struct {
	Publisher         ID // 0: not disclosed
	PublisherAuthID   string
	PublisherAuthRole string
	Topic             string // the published URI, for subscriptions by pattern (PBS-04)
	TrustLevel        uint64 // valid if HasTrustLevel
	HasTrustLevel     bool
	Retained          bool
	Lost              uint64 // events that the receiver missed since the last one that it got; 0: none
	PPT               *Passthru
	Extra             Dict
}

// CallOptions is what a caller asks for.
type CallOptions struct {
	ReceiveProgress bool
	Progress        bool   // more parts of this call follow
	Timeout         uint64 // milliseconds; 0: none (TMO-01)
	DiscloseMe      bool
	RKey            string
	RunMode         string
	PPT             *Passthru
	Extra           Dict
}

// CancelOptions says how a call is to be canceled.
type CancelOptions struct {
	Mode CancelMode
}

// ResultDetails accompanies a Result.
type ResultDetails struct {
	Progress bool // more results follow
	PPT      *Passthru
	Extra    Dict
}

// RegisterOptions is what a callee asks for.
type RegisterOptions struct {
	Match           MatchPolicy
	Invoke          InvocationPolicy
	DiscloseCaller  bool
	ForwardTimeout  bool
	Concurrency     uint64 // invocations in flight for this callee; 0: no bound
	ForceReregister bool
	Extra           Dict
}

// UnregisteredDetails tells which registration was revoked, and why.
type UnregisteredDetails struct {
	Registration ID
	Reason       string // a URI, or empty
}

// InvocationDetails is what the router says of a call to the callee.
type InvocationDetails struct {
	Procedure       string // the called URI, for registrations by pattern (PBR-07)
	Caller          ID     // 0: not disclosed
	CallerAuthID    string
	CallerAuthRole  string
	ReceiveProgress bool
	Progress        bool   // more parts of this invocation follow
	Timeout         uint64 // milliseconds; 0: none
	TrustLevel      uint64 // valid if HasTrustLevel
	HasTrustLevel   bool
	PPT             *Passthru
	Extra           Dict
}

// InterruptOptions says how and why an invocation was canceled.
type InterruptOptions struct {
	Mode   CancelMode // CancelKill or CancelKillNoWait
	Reason string     // a URI, or empty
}

// YieldOptions accompanies a Yield.
type YieldOptions struct {
	Progress bool // more results follow
	PPT      *Passthru
	Extra    Dict
}
