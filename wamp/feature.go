package wamp

import "slices"

// Role is a part that a peer plays in a session.
type Role uint8

// The roles. A client announces the first four, a router the last two.
const (
	RolePublisher Role = iota
	RoleSubscriber
	RoleCaller
	RoleCallee
	RoleBroker
	RoleDealer
	numRoles
)

var roleNames = [numRoles]string{"publisher", "subscriber", "caller", "callee", "broker", "dealer"}

// String returns the word that stands on the wire.
func (r Role) String() string { return roleNames[r] }

// ParseRole returns the role with the given word.
func ParseRole(word string) (r Role, ok bool) {
	i := slices.Index(roleNames[:], word)
	return Role(i), i >= 0
}

// Feature is an advanced feature that a role may announce (requirements section 2.12).
type Feature uint8

// The features.
const (
	FeatureProgressiveCallResults Feature = iota
	FeatureProgressiveCallInvocations
	FeatureCallTimeout
	FeatureCallCanceling
	FeatureCallerIdentification
	FeatureCallTrustLevels
	FeatureRegistrationMetaAPI
	FeaturePatternBasedRegistration
	FeatureSharedRegistration
	FeatureShardedRegistration
	FeatureRegistrationRevocation
	FeatureCallReroute
	FeatureTestamentMetaAPI
	FeatureSessionMetaAPI
	FeaturePayloadPassthruMode
	FeatureSubscriberBlackWhiteListing
	FeaturePublisherExclusion
	FeaturePublisherIdentification
	FeaturePublicationTrustLevels
	FeatureSubscriptionMetaAPI
	FeaturePatternBasedSubscription
	FeatureShardedSubscription
	FeatureEventHistory
	FeatureEventRetention
	FeatureSubscriptionRevocation
	FeatureAcknowledgedEventDelivery
	numFeatures
)

var featureNames = [numFeatures]string{
	"progressive_call_results", "progressive_call_invocations", "call_timeout", "call_canceling",
	"caller_identification", "call_trustlevels", "registration_meta_api", "pattern_based_registration",
	"shared_registration", "sharded_registration", "registration_revocation", "call_reroute", "testament_meta_api",
	"session_meta_api", "payload_passthru_mode", "subscriber_blackwhite_listing", "publisher_exclusion",
	"publisher_identification", "publication_trustlevels", "subscription_meta_api", "pattern_based_subscription",
	"sharded_subscription", "event_history", "event_retention", "subscription_revocation",
	"x_acknowledged_event_delivery",
}

// String returns the key under which the feature is announced.
func (f Feature) String() string { return featureNames[f] }

// ParseFeature returns the feature with the given key. It also knows the two misspellings that the specification's
// text carries.
func ParseFeature(key string) (f Feature, ok bool) {
	switch key {
	case "call_cancelling":
		return FeatureCallCanceling, true
	case "shareded_subscriptions":
		return FeatureShardedSubscription, true
	}
	i := slices.Index(featureNames[:], key)
	return Feature(i), i >= 0
}

// Roles is a set of roles, each with the features that it announces. The zero value is the empty set. Roles is a
// value: it can be copied and compared.
type Roles struct {
	announced uint8
	features  [numRoles]uint32
}

// Announce adds the role and the features to the set.
func (r *Roles) Announce(role Role, features ...Feature) {
	r.announced |= 1 << role
	for _, f := range features {
		r.features[role] |= 1 << f
	}
}

// Has reports whether the role is announced.
func (r *Roles) Has(role Role) bool { return r.announced&(1<<role) != 0 }

// Supports reports whether the role is announced with the feature (FEA-02).
func (r *Roles) Supports(role Role, f Feature) bool { return r.features[role]&(1<<f) != 0 }

// Features returns the features that the role announces, in a fixed order.
func (r *Roles) Features(role Role) []Feature {
	var list []Feature
	for f := range numFeatures {
		if r.Supports(role, f) {
			list = append(list, f)
		}
	}
	return list
}

// List returns the announced roles in a fixed order.
func (r *Roles) List() []Role {
	var list []Role
	for role := range numRoles {
		if r.Has(role) {
			list = append(list, role)
		}
	}
	return list
}

// HasClientRole reports whether any role of a client is announced (SES-04).
func (r *Roles) HasClientRole() bool { return r.announced&0x0f != 0 }

// HasRouterRole reports whether any role of a router is announced (SES-08).
func (r *Roles) HasRouterRole() bool { return r.announced&0x30 != 0 }
