package serializer

import "github.com/tandemrouter/tandem/wamp"

// key is a key that options and details may have (requirements section 1.2).
type key uint8

// The keys of the protocol, and after them those that other implementations define.
const (
	unknownKey key = iota
	keyAcknowledge
	keyAgent
	keyAuthExtra
	keyAuthID
	keyAuthMethod
	keyAuthMethods
	keyAuthProvider
	keyAuthRole
	keyCaller
	keyCallerAuthID
	keyCallerAuthRole
	keyConcurrency
	keyDiscloseCaller
	keyDiscloseMe
	keyEligible
	keyEligibleAuthID
	keyEligibleAuthRole
	keyExclude
	keyExcludeAuthID
	keyExcludeAuthRole
	keyExcludeMe
	keyFeatures
	keyForceReregister
	keyForwardTimeout
	keyGetRetained
	keyInvoke
	keyLost
	keyMatch
	keyMessage
	keyMode
	keyNKey
	keyPPTCipher
	keyPPTKeyID
	keyPPTScheme
	keyPPTSerializer
	keyProcedure
	keyProgress
	keyPublisher
	keyPublisherAuthID
	keyPublisherAuthRole
	keyRKey
	keyRealm
	keyReason
	keyReceiveProgress
	keyRegistration
	keyRetain
	keyRetained
	keyRoles
	keyRunMode
	keySubscription
	keyTimeout
	keyTopic
	keyTrustLevel

	keyAcknowledgedDelivery
	keyEncAlgo
	keyEncKey
	keyEncSerializer
	keyForwardFor
	keySession
	keyTransactionHash

	numKeys
)

// Each key is a bit of a keySet.
var _ [64 - numKeys]struct{}

var keyNames = [numKeys]string{
	keyAcknowledge:       "acknowledge",
	keyAgent:             "agent",
	keyAuthExtra:         "authextra",
	keyAuthID:            "authid",
	keyAuthMethod:        "authmethod",
	keyAuthMethods:       "authmethods",
	keyAuthProvider:      "authprovider",
	keyAuthRole:          "authrole",
	keyCaller:            "caller",
	keyCallerAuthID:      "caller_authid",
	keyCallerAuthRole:    "caller_authrole",
	keyConcurrency:       "concurrency",
	keyDiscloseCaller:    "disclose_caller",
	keyDiscloseMe:        "disclose_me",
	keyEligible:          "eligible",
	keyEligibleAuthID:    "eligible_authid",
	keyEligibleAuthRole:  "eligible_authrole",
	keyExclude:           "exclude",
	keyExcludeAuthID:     "exclude_authid",
	keyExcludeAuthRole:   "exclude_authrole",
	keyExcludeMe:         "exclude_me",
	keyFeatures:          "features",
	keyForceReregister:   "force_reregister",
	keyForwardTimeout:    "forward_timeout",
	keyGetRetained:       "get_retained",
	keyInvoke:            "invoke",
	keyLost:              "_lost", // our own, as the underscore says
	keyMatch:             "match",
	keyMessage:           "message",
	keyMode:              "mode",
	keyNKey:              "nkey",
	keyPPTCipher:         "ppt_cipher",
	keyPPTKeyID:          "ppt_keyid",
	keyPPTScheme:         "ppt_scheme",
	keyPPTSerializer:     "ppt_serializer",
	keyProcedure:         "procedure",
	keyProgress:          "progress",
	keyPublisher:         "publisher",
	keyPublisherAuthID:   "publisher_authid",
	keyPublisherAuthRole: "publisher_authrole",
	keyRKey:              "rkey",
	keyRealm:             "realm",
	keyReason:            "reason",
	keyReceiveProgress:   "receive_progress",
	keyRegistration:      "registration",
	keyRetain:            "retain",
	keyRetained:          "retained",
	keyRoles:             "roles",
	keyRunMode:           "runmode",
	keySubscription:      "subscription",
	keyTimeout:           "timeout",
	keyTopic:             "topic",
	keyTrustLevel:        "trustlevel",

	keyAcknowledgedDelivery: "x_acknowledged_delivery",
	keyEncAlgo:              "enc_algo",
	keyEncKey:               "enc_key",
	keyEncSerializer:        "enc_serializer",
	keyForwardFor:           "forward_for",
	keySession:              "session",
	keyTransactionHash:      "transaction_hash",
}

// String returns the key as it stands on the wire.
func (k key) String() string { return keyNames[k] }

var keysByName = makeKeysByName()

func makeKeysByName() map[string]key {
	byName := make(map[string]key, numKeys)
	for k := unknownKey + 1; k < numKeys; k++ {
		byName[k.String()] = k
	}
	return byName
}

// encodedKeys has each key in each serializer; in JSON with the colon behind it.
var encodedKeys = makeEncodedKeys()

func makeEncodedKeys() (t [wamp.CBOR + 1][numKeys]string) {
	for s := wamp.JSON; s <= wamp.CBOR; s++ {
		for k := unknownKey + 1; k < numKeys; k++ {
			w := headWriter{serializer: s}
			w.name(k.String())
			t[s][k] = string(w.b)
		}
	}
	return t
}

// keySet is a set of keys.
type keySet uint64

// add adds the key. It returns false if the key was there before.
func (s *keySet) add(k key) bool {
	bit := keySet(1) << k
	if *s&bit != 0 {
		return false
	}
	*s |= bit
	return true
}
