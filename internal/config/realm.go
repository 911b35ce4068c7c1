package config

import (
	"maps"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/wamp"
)

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

// SlowSubscribers is a policy for subscribers that read more slowly than others publish.
type SlowSubscribers uint8

// The policies for slow subscribers.
const (
	Disconnect SlowSubscribers = iota // their sessions end
	DropNew                           // they lose the newest events
	DropOld                           // they lose the oldest events that wait for them
)

func (r *reader) realms(v value, c *Config) {
	for _, e := range r.entries(v, "a mapping of names to realms", "such as realm1: {anonymous: guest, roles: {guest: {allow: [call]}}}") {
		if !wamp.LooseURI.ValidURI(e.key) {
			r.add(e.at, "is not a realm name", "components without white space and '#', joined by dots")
		}
		realm := Realm{Name: e.key, Roles: make(map[string]auth.Permissions)}
		r.realm(e.value, &realm)
		c.Realms = append(c.Realms, realm)
	}
}

func (r *reader) realm(v value, realm *Realm) {
	var anonymous value
	r.fields(v,
		field{"anonymous", func(v value) { anonymous = v; r.text(v, &realm.AnonymousRole) }},
		field{"uris", func(v value) { r.uris(v, realm) }},
		field{"request_ids", func(v value) { r.requestIDs(v, realm) }},
		field{"call_timeout", func(v value) { r.callTimeout(v, realm) }},
		field{"slow_subscribers", func(v value) { r.slowSubscribers(v, realm) }},
		field{"progress_needs_canceling", func(v value) { r.flag(v, &realm.ProgressNeedsCanceling) }},
		field{"unannounced_progress", func(v value) { r.flag(v, &realm.UnannouncedProgress) }},
		field{"retention", func(v value) { r.retention(v, &realm.Retention) }},
		field{"history", func(v value) { r.history(v, &realm.History) }},
		field{"sharding", func(v value) { r.flag(v, &realm.Sharding) }},
		field{"revocation_notify", func(v value) { r.revocationNotify(v, realm) }},
		field{"roles", func(v value) { r.roles(v, realm) }},
	)
	r.checkTopics(realm.URIs)
	if _, known := realm.Roles[realm.AnonymousRole]; realm.AnonymousRole != "" && !known {
		r.add(anonymous, "there is no role \""+realm.AnonymousRole+"\" in this realm", hintForRole(realm))
	}
}

func hintForRole(realm *Realm) string {
	if len(realm.Roles) == 0 {
		return "add it under roles"
	}
	return didYouMean(realm.AnonymousRole, slices.Sorted(maps.Keys(realm.Roles)))
}

func (r *reader) uris(v value, realm *Realm) {
	if i, ok := r.word(v, []string{"loose", "strict"}); ok {
		realm.URIs = wamp.URIRule(i)
	}
}

func (r *reader) requestIDs(v value, realm *Realm) {
	i, ok := r.word(v, []string{"lenient", "strict"})
	realm.StrictRequestIDs = ok && i == 1
}

func (r *reader) revocationNotify(v value, realm *Realm) {
	i, ok := r.word(v, []string{"announced", "off"})
	realm.SilentRevocation = ok && i == 1
}

func (r *reader) callTimeout(v value, realm *Realm) {
	ok := r.fields(v,
		field{"default", func(v value) { r.duration(v, &realm.DefaultCallTimeout) }},
		field{"max", func(v value) { r.duration(v, &realm.MaxCallTimeout) }},
	)
	most := realm.MaxCallTimeout
	if ok && most > 0 && realm.DefaultCallTimeout > most {
		r.add(v, "the default is more than the maximum", "no call takes longer than the maximum, so the default can be left out")
	}
}

func (r *reader) slowSubscribers(v value, realm *Realm) {
	if i, ok := r.word(v, []string{"disconnect", "drop_new", "drop_old"}); ok {
		realm.SlowSubscribers = SlowSubscribers(i)
	}
}

func (r *reader) roles(v value, realm *Realm) {
	for _, e := range r.entries(v, "a mapping of names to roles", "such as guest: {allow: [call, subscribe]}") {
		var p auth.Permissions
		r.fields(e.value,
			field{"allow", func(v value) { r.allow(v, &p) }},
			field{"disclose", func(v value) { r.disclose(v, &p) }},
			field{"trust_level", func(v value) { r.trustLevel(v, &p) }},
		)
		realm.Roles[e.key] = p
	}
}

func (r *reader) allow(v value, p *auth.Permissions) {
	flags := []*bool{&p.Call, &p.Register, &p.Publish, &p.Subscribe, &p.Administer}
	for _, item := range r.items(v) {
		if i, ok := r.word(item, []string{"call", "register", "publish", "subscribe", "administer"}); ok {
			*flags[i] = true
		}
	}
}

func (r *reader) disclose(v value, p *auth.Permissions) {
	if i, ok := r.word(v, []string{"on_request", "always", "never"}); ok {
		p.Disclose = wamp.Disclosure(i)
	}
}

func (r *reader) trustLevel(v value, p *auth.Permissions) {
	var level int
	r.wholeNumber(v, 0, &level)
	p.TrustLevel, p.HasTrustLevel = uint64(level), true
}
