package config

import (
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/wamp"
)

// Config is what a configuration file says. Zero values mean the router's defaults.
type Config struct {
	Listeners []Listener
	Realms    []Realm
	Limits    Limits
}

// Listener is an address on which clients connect, with the protocols that are spoken there.
type Listener struct {
	Name      string
	Network   string // "tcp" or "unix"
	Address   string // host:port, or the path of the socket
	WebSocket bool   // at the path /ws
	RawSocket bool
	Origins   []string // of web pages that may connect, besides those of the same origin; "*" is any (WS-09)
	TLS       *TLS     // nil: plain
}

// TLS is the certificate of a listener.
type TLS struct {
	CertFile string
	KeyFile  string
}

// Realm is a realm and who may do what in it.
type Realm struct {
	Name          string
	URIs          wamp.URIRule
	AnonymousRole string // empty: nobody may join without authentication
	Roles         map[string]auth.Permissions

	DefaultCallTimeout time.Duration // of calls that come without one (TMO-11)
	MaxCallTimeout     time.Duration // of all calls

	Retention       Retention
	History         History
	SlowSubscribers SlowSubscribers // what becomes of events that a subscriber's queue has no room for (FLW-02)

	StrictRequestIDs       bool // requests must be numbered without gaps (IDS-06)
	ProgressNeedsCanceling bool // of callees (PCR-02)
	UnannouncedProgress    bool // calls in parts and progressive results of peers that did not announce them
	Sharding               bool // calls and publications may carry a shard key (SHD-08)
	SilentRevocation       bool // who loses a subscription to others is not told, whatever it announced (SRV-05)
}

// Retention bounds what a realm keeps for later subscribers.
type Retention struct {
	Off        bool // nothing is kept (RET-02)
	Events     int
	Size       int // of all of them, in bytes
	Replay     int // events for one subscriber to a pattern (RET-07)
	Restricted int // events of one topic that not everybody may have; less than 0: none (RET-05)
	Except     []TopicPattern
}

// TopicPattern is a topic, or all those that match a pattern.
type TopicPattern struct {
	Topic string
	Match wamp.MatchPolicy
}

// SlowSubscribers is a policy for subscribers that read more slowly than others publish.
type SlowSubscribers uint8

// The policies for slow subscribers.
const (
	Disconnect SlowSubscribers = iota // their sessions end
	DropNew                           // they lose the newest events
	DropOld                           // they lose the oldest events that wait for them
)

// Limits bounds what peers may use. Sizes are in bytes.
type Limits struct {
	MaxMessageSize int // of one message
	QueueSize      int // of what waits for one peer
	Connections    int // at a time
	PendingCalls   int // of one caller
	QueuedCalls    int // that wait for a free callee of one registration
	QueuedBytes    int // of these calls
	KeptBytes      int // of one caller's calls that wait or may be rerouted
	Registrations  int // of one session
	Subscriptions  int // of one session
}

// Development returns the configuration of a router for development: one realm in which everybody may do everything,
// at a TCP address and, unless the path is empty, a Unix socket.
func Development(address, unixPath, realm string) *Config {
	everything := auth.Permissions{Call: true, Register: true, Publish: true, Subscribe: true, Administer: true}
	c := &Config{
		Listeners: []Listener{{Name: "dev", Network: "tcp", Address: address, WebSocket: true, RawSocket: true}},
		Realms: []Realm{{
			Name:          realm,
			AnonymousRole: "anonymous",
			Roles:         map[string]auth.Permissions{"anonymous": everything},
		}},
	}
	if unixPath != "" {
		c.Listeners = append(c.Listeners,
			Listener{Name: "unix", Network: "unix", Address: unixPath, WebSocket: true, RawSocket: true})
	}
	return c
}
