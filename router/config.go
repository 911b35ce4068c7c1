package router

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// Config is what New makes a router from. Zero values mean the defaults.
type Config struct {
	Realms []RealmConfig
	Agent  string       // what WELCOME calls the router; default "tandem"
	Logger *slog.Logger // default: nothing is logged

	QueueLimit      int           // bytes that may wait for one peer; default 4 MiB
	MaxMessageSize  int           // of a message in an established session, in bytes; default 1 MiB, at most 16 MiB
	HelloTimeout    time.Duration // from the connection's start to WELCOME; default 5 s (SES-24)
	GoodbyeTimeout  time.Duration // how long the peer's GOODBYE, or its closing the connection, is waited for; default 5 s (SES-17)
	PingInterval    time.Duration // a peer that said nothing for so long is pinged; default 25 s, negative: never (WS-07)
	PingTimeout     time.Duration // a pinged peer that still says nothing for so long is dropped; default 10 s
	MaxConnections  int           // connections at a time; default 65,536
	maxHelloMessage int
}

// RealmConfig describes one realm.
type RealmConfig struct {
	Name          string
	URIs          wamp.URIRule    // which URIs are accepted (URI-05); default loose
	AnonymousRole string          // the role of anonymous sessions; empty: anonymous sessions are refused (ANO-01)
	Authorizer    auth.Authorizer // nil: everything is refused (AZN-08)

	MaxPendingCalls  int // of one caller; default as the dealer has it (FLW-08)
	MaxInvocations   int // pending, of one callee
	MaxQueuedCalls   int // that wait for a free callee of one registration (ROU-23)
	MaxQueuedBytes   int // of these calls
	MaxKeptBytes     int // of one caller's calls that wait or may be rerouted
	MaxRegistrations int // of one session; default 65,536
	MaxSubscriptions int // of one session; default 65,536

	// How long calls may take, in whole milliseconds (TMO-11): those that come without a timeout, and all.
	DefaultCallTimeout time.Duration // 0: as long as they want
	MaxCallTimeout     time.Duration // 0: as long as they say

	Retention       RetentionConfig
	History         HistoryConfig
	SlowSubscribers SlowSubscribers // what becomes of events that a subscriber's queue has no room for; default Disconnect

	StrictRequestIDs       bool // requests must be numbered without gaps (IDS-06)
	ProgressNeedsCanceling bool // progressive results only with callees that announced call_canceling (PCR-02)
	UnannouncedProgress    bool // callers may send calls in parts, and callees progressive results, without having announced it
	Sharding               bool // announce and do sharded registration and subscription (SHD-08, SSB-01)
	SilentRevocation       bool // subscribers are not told that they lose a subscription, whatever they announced (SRV-05)
	TrustLevels            bool // announce trust levels and pass on those that the authorizer gives (CTL-03)
}

// RetentionConfig says what a realm keeps for later subscribers. The oldest events go when there are too many.
type RetentionConfig struct {
	Off           bool // nothing is retained, and event_retention is not announced (RET-02)
	MaxEvents     int  // default 10,000
	MaxBytes      int  // that they take up, with what it costs to keep them; default 64 MiB
	MaxReplayed   int  // events for one SUBSCRIBE to a pattern; default 1000 (RET-07)
	MaxRestricted int  // events of one topic that not everybody may have; default 10, less than 0: none (RET-05)

	Except []TopicPattern // nothing of these is retained (RET-02)
}

// TopicPattern is a topic, or all those that match a pattern.
type TopicPattern struct {
	Topic string
	Match wamp.MatchPolicy
}

// HistoryConfig says which events a realm remembers for those who ask for them later (requirements 2.32). Without topics
// there is no history, and event_history is not announced.
type HistoryConfig struct {
	Topics    []HistoryTopic
	MaxBytes  int // of all events together; default 256 MiB. The oldest go
	MaxResult int // events in one answer; default 1,000 (EVH-15)

	// File is where the events are kept, of this realm alone. Empty: in memory, until the process ends.
	File string
	// Durable says that the PUBLISHED of an event with a history is not sent before the event is safe in the file.
	Durable bool
}

func (c *HistoryConfig) validate() error {
	if c.Durable && c.File == "" {
		return errors.New("it cannot be durable without a file")
	}
	negative := c.MaxBytes < 0 || c.MaxResult < 0
	for _, t := range c.Topics {
		negative = negative || t.MaxEvents < 0 || t.MaxBytes < 0 || t.MaxAge < 0
	}
	if negative {
		return errors.New("a limit is negative")
	}
	return nil
}

// HistoryTopic is a topic or pattern whose events are remembered. The oldest go when there are too many (EVH-16).
type HistoryTopic struct {
	Topic string
	Match wamp.MatchPolicy

	MaxEvents int           // default 1,000
	MaxBytes  int           // default 16 MiB
	MaxAge    time.Duration // default: none
}

// limit returns how many events the broker retains.
func (c *RetentionConfig) limit() int {
	if c.Off {
		return -1
	}
	return c.MaxEvents
}

// SlowSubscribers says what becomes of an EVENT for which the queue of a subscriber has no room, because the
// subscriber reads more slowly than others publish (FLW-02, PUB-18). Neither the publisher nor other subscribers notice.
type SlowSubscribers uint8

// The policies for slow subscribers. Where events are dropped they are counted, and the next event that fits tells the
// subscriber in its details how many it missed (wamp.EventDetails.Lost).
const (
	Disconnect SlowSubscribers = iota // the session ends with GOODBYE and a reason
	DropNew                           // the event is dropped
	DropOld                           // the oldest events that wait are dropped to make room for it
)

const (
	defaultMessageSize = 1 << 20
	largestMessageSize = 16 << 20
	helloMessageSize   = 64 << 10
	defaultPerSession  = 65_536 // registrations, and subscriptions
)

func (c *Config) setDefaults() {
	setDefault(&c.Agent, "tandem")
	setDefault(&c.QueueLimit, transport.DefaultQueueLimit)
	setDefault(&c.MaxMessageSize, defaultMessageSize)
	setDefault(&c.HelloTimeout, 5*time.Second)
	setDefault(&c.GoodbyeTimeout, 5*time.Second)
	setDefault(&c.PingInterval, 25*time.Second)
	setDefault(&c.PingTimeout, 10*time.Second)
	setDefault(&c.MaxConnections, 65_536)
	c.maxHelloMessage = min(helloMessageSize, c.MaxMessageSize)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) validate() error {
	var errs []error
	if c.QueueLimit < 0 || c.MaxConnections < 0 {
		errs = append(errs, errors.New("router: a limit is negative"))
	}
	if c.MaxMessageSize < 512 || c.MaxMessageSize > largestMessageSize {
		errs = append(errs, fmt.Errorf("router: MaxMessageSize %d is not between 512 bytes and 16 MiB", c.MaxMessageSize))
	}
	seen := make(map[string]bool)
	for i := range c.Realms {
		realm := &c.Realms[i]
		if err := realm.validate(); err != nil {
			errs = append(errs, fmt.Errorf("router: realm %q: %w", realm.Name, err))
		}
		if seen[realm.Name] {
			errs = append(errs, fmt.Errorf("router: realm %q is configured twice", realm.Name))
		}
		seen[realm.Name] = true
	}
	return errors.Join(errs...)
}

func (c *RealmConfig) validate() error {
	switch r := &c.Retention; {
	case !wamp.LooseURI.ValidURI(c.Name):
		return errors.New("its name is not a valid URI")
	case r.MaxEvents < 0 || r.MaxBytes < 0 || r.MaxReplayed < 0:
		return errors.New("a limit of what it retains is negative")
	case c.DefaultCallTimeout < 0 || c.MaxCallTimeout < 0:
		return errors.New("a call timeout is negative")
	case c.SlowSubscribers > DropOld:
		return errors.New("there is no such policy for slow subscribers")
	}
	if err := c.History.validate(); err != nil {
		return fmt.Errorf("its history: %w", err)
	}
	return nil
}
