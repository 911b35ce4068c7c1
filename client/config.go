package client

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Config is what a session is opened with. Only Realm has to be set.
type Config struct {
	// Realm is what the session joins.
	Realm string
	// Serializer is what Connect speaks. Default: with WebSocket what the router prefers, else CBOR.
	Serializer wamp.Serializer
	// TLS configures wss and tcps connections. Default: the system's authorities, the URL's host name.
	TLS *tls.Config
	// MaxMessageSize is the size of the largest message that Connect's connection accepts, in bytes. Default: 1 MiB.
	MaxMessageSize int
	// OpenTimeout is how long Connect, and Join, may take to open the session. Default: 10 s.
	OpenTimeout time.Duration
	// Handlers is how many invocation handlers run at once. With 1 they run one after the other, in the order in
	// which the invocations came (CLI-09). Default: 256.
	Handlers int
	// Agent names the software to the router. Default: "tandem".
	Agent string
	// Logger gets what no caller can be told, such as the errors and panics of handlers. Default: nothing is logged.
	Logger *slog.Logger
}

const (
	defaultOpenTimeout = 10 * time.Second
	defaultHandlers    = 256
)

// complete returns the config with the defaults filled in.
func (c Config) complete() (Config, error) {
	if c.OpenTimeout < 0 || c.Handlers < 0 || c.MaxMessageSize < 0 {
		return c, errors.New("client: OpenTimeout, Handlers or MaxMessageSize is negative")
	}
	if c.OpenTimeout == 0 {
		c.OpenTimeout = defaultOpenTimeout
	}
	if c.Handlers == 0 {
		c.Handlers = defaultHandlers
	}
	if c.Agent == "" {
		c.Agent = "tandem"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// announced is what HELLO says that a session can do (CLI-01, PCR-15).
func announced() wamp.Roles {
	var r wamp.Roles
	r.Announce(wamp.RoleCaller,
		wamp.FeatureProgressiveCallResults,
		wamp.FeatureProgressiveCallInvocations,
		wamp.FeatureCallTimeout,
		wamp.FeatureCallCanceling,
		wamp.FeatureCallerIdentification,
		wamp.FeatureShardedRegistration,
		wamp.FeaturePayloadPassthruMode,
	)
	r.Announce(wamp.RoleCallee,
		wamp.FeatureProgressiveCallResults,
		wamp.FeatureProgressiveCallInvocations,
		wamp.FeatureCallTimeout,
		wamp.FeatureCallCanceling,
		wamp.FeatureCallerIdentification,
		wamp.FeatureCallTrustLevels,
		wamp.FeaturePatternBasedRegistration,
		wamp.FeatureSharedRegistration,
		wamp.FeatureShardedRegistration,
		wamp.FeatureRegistrationRevocation,
		wamp.FeatureCallReroute,
		wamp.FeaturePayloadPassthruMode,
	)
	r.Announce(wamp.RolePublisher,
		wamp.FeatureSubscriberBlackWhiteListing,
		wamp.FeaturePublisherExclusion,
		wamp.FeaturePublisherIdentification,
		wamp.FeatureShardedSubscription,
		wamp.FeaturePayloadPassthruMode,
	)
	r.Announce(wamp.RoleSubscriber,
		wamp.FeaturePublisherIdentification,
		wamp.FeaturePublicationTrustLevels,
		wamp.FeaturePatternBasedSubscription,
		wamp.FeatureShardedSubscription,
		wamp.FeatureSubscriptionRevocation,
		wamp.FeaturePayloadPassthruMode,
	)
	return r
}
