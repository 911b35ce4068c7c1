package config

import (
	"cmp"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/wamp"
)

// Load reads the file. If anything in it is wrong the error is an *Error that says all of it.
func Load(file string) (*Config, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	return Parse(file, text)
}

// Parse reads the text of a configuration file; the name is for the error, as Load has it.
func Parse(file string, text []byte) (*Config, error) {
	var r reader
	c := new(Config)
	if root, ok := r.parse(text); ok {
		r.config(root, c)
	}
	unsafe := false
	if len(r.problems) == 0 {
		r.exposed(c)
		unsafe = len(r.problems) > 0
	}
	if len(r.problems) == 0 {
		return c, nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return nil, &Error{File: file, Problems: r.problems, Unsafe: unsafe}
}

func (r *reader) config(v value, c *Config) {
	before := len(r.problems)
	r.fields(v,
		field{"listeners", func(v value) { r.listeners(v, c) }},
		field{"realms", func(v value) { r.realms(v, c) }},
		field{"limits", func(v value) { r.limits(v, &c.Limits) }},
		field{"i_know", r.iKnow},
	)
	if len(r.problems) > before {
		return
	}
	if len(c.Listeners) == 0 {
		r.add(v, "no listeners", `say where clients connect, such as listeners: {main: {address: "127.0.0.1:8080"}}`)
	}
	if len(c.Realms) == 0 {
		r.add(v, "no realms", "say which realms there are, such as realms: {realm1: {anonymous: guest, roles: {guest: {allow: [call]}}}}")
	}
}

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
	found := len(r.problems)
	r.fields(v,
		field{"default", func(v value) { r.duration(v, &realm.DefaultCallTimeout) }},
		field{"max", func(v value) { r.duration(v, &realm.MaxCallTimeout) }},
	)
	most := realm.MaxCallTimeout
	if len(r.problems) == found && most > 0 && realm.DefaultCallTimeout > most {
		r.add(v, "the default is more than the maximum", "no call takes longer than the maximum, so the default can be left out")
	}
}

// retention reads the word off, or a mapping.
func (r *reader) retention(v value, retention *Retention) {
	if r.isText(v) {
		_, retention.Off = r.word(v, []string{"off"})
		return
	}
	if written(v.node) == "false" {
		r.wrong(v, "a mapping", "to retain nothing write off")
		return
	}
	r.fields(v,
		field{"events", func(v value) { r.count(v, &retention.Events) }},
		field{"size", func(v value) { r.size(v, &retention.Size) }},
		field{"replay", func(v value) { r.count(v, &retention.Replay) }},
		field{"restricted", func(v value) { r.restricted(v, retention) }},
		field{"except", func(v value) { r.notRetained(v, retention) }},
	)
}

// restricted reads a number of which 0 means none, and not what it is if nothing is said.
func (r *reader) restricted(v value, retention *Retention) {
	found := len(r.problems)
	r.wholeNumber(v, 0, &retention.Restricted)
	if len(r.problems) == found && retention.Restricted == 0 {
		retention.Restricted = -1
	}
}

func (r *reader) notRetained(v value, retention *Retention) {
	for _, item := range r.items(v) {
		var t TopicPattern
		r.topicPattern(item, &t)
		retention.Except = append(retention.Except, t)
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

func (r *reader) limits(v value, l *Limits) {
	r.fields(v,
		field{"message_size", func(v value) { r.messageSize(v, l) }},
		field{"queue_size", func(v value) { r.size(v, &l.QueueSize) }},
		field{"connections", func(v value) { r.count(v, &l.Connections) }},
		field{"pending_calls", func(v value) { r.count(v, &l.PendingCalls) }},
		field{"queued_calls", func(v value) { r.count(v, &l.QueuedCalls) }},
		field{"queued_bytes", func(v value) { r.size(v, &l.QueuedBytes) }},
		field{"kept_bytes", func(v value) { r.size(v, &l.KeptBytes) }},
		field{"registrations", func(v value) { r.count(v, &l.Registrations) }},
		field{"subscriptions", func(v value) { r.count(v, &l.Subscriptions) }},
	)
}

func (r *reader) messageSize(v value, l *Limits) {
	found := len(r.problems)
	r.size(v, &l.MaxMessageSize)
	if len(r.problems) == found && (l.MaxMessageSize < 512 || l.MaxMessageSize > 16<<20) {
		r.add(v, "must be between 512 bytes and 16MiB", "")
	}
}

// file reads the path of a file that must be there.
func (r *reader) file(v value, dst *string) {
	found := len(r.problems)
	r.text(v, dst)
	if len(r.problems) > found {
		return
	}
	f, err := os.Open(*dst)
	if err != nil {
		r.add(v, "cannot be read: "+err.Error(), relativeTo(*dst))
		return
	}
	_ = f.Close()
}

// relativeTo is a hint for paths that mean something else than a person thought.
func relativeTo(path string) string {
	dir, err := os.Getwd()
	if err != nil || filepath.IsAbs(path) {
		return ""
	}
	return "the working directory is " + dir
}
