package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/wamp"
)

const whole = `
listeners:
  public:
    address: "127.0.0.1:8080"
    origins: ["https://app.example.com"]
  local:
    address: unix:/run/tandem.sock
    protocols: [rawsocket]
realms:
  shop:
    anonymous: guest
    uris: strict
    request_ids: strict
    call_timeout: {default: 30s, max: 1h30m}
    slow_subscribers: drop_old
    progress_needs_canceling: true
    unannounced_progress: true
    sharding: true
    retention: {events: 500, size: 8MiB, replay: 100, restricted: 0, except: [{topic: com.shop.tick., match: prefix}]}
    revocation_notify: off
    history:
      topics: [{topic: com.shop.orders, events: 5000, size: 1MiB, age: 24h}, {topic: com.shop., match: prefix}]
      size: 64MiB
      result: 200
      file: shop.events
      durable: true
    roles:
      guest: {allow: [call, subscribe], disclose: never}
      42: {allow: [register, administer], trust_level: 0}
limits:
  message_size: 2MiB
  queue_size: 65536
  connections: 10_000
  pending_calls: 100
  queued_bytes: 1MiB
  kept_bytes: 64KiB
`

func TestParse(t *testing.T) {
	got, err := config.Parse("tandem.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Listeners: []config.Listener{
			{Name: "public", Network: "tcp", Address: "127.0.0.1:8080", WebSocket: true, RawSocket: true, Origins: []string{"https://app.example.com"}},
			{Name: "local", Network: "unix", Address: "/run/tandem.sock", RawSocket: true},
		},
		Realms: []config.Realm{{
			Name: "shop", URIs: wamp.StrictURI, AnonymousRole: "guest",
			DefaultCallTimeout: 30 * time.Second, MaxCallTimeout: 90 * time.Minute,
			SlowSubscribers:  config.DropOld,
			StrictRequestIDs: true, ProgressNeedsCanceling: true, UnannouncedProgress: true, Sharding: true,
			Retention: config.Retention{
				Events: 500, Size: 8 << 20, Replay: 100, Restricted: -1,
				Except: []config.TopicPattern{{Topic: "com.shop.tick.", Match: wamp.MatchPrefix}},
			},
			SilentRevocation: true,
			History: config.History{
				Topics: []config.HistoryTopic{
					{Topic: "com.shop.orders", Events: 5000, Size: 1 << 20, Age: 24 * time.Hour},
					{Topic: "com.shop.", Match: wamp.MatchPrefix},
				},
				Size: 64 << 20, Result: 200, File: "shop.events", Durable: true,
			},
			Roles: map[string]auth.Permissions{
				"guest": {Call: true, Subscribe: true, Disclose: wamp.DiscloseNever},
				"42":    {Register: true, Administer: true, HasTrustLevel: true},
			},
		}},
		Limits: config.Limits{MaxMessageSize: 2 << 20, QueueSize: 65536, Connections: 10_000, PendingCalls: 100,
			QueuedBytes: 1 << 20, KeptBytes: 64 << 10},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRET02_RetentionCanBeOff(t *testing.T) {
	for _, word := range []string{"off", `"off"`} {
		got, err := config.Parse("f", []byte("listeners: {main: {address: \":0\"}}\nrealms: {r: {retention: "+word+"}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(config.Retention{Off: true}, got.Realms[0].Retention); diff != "" {
			t.Errorf("%s: %s", word, diff)
		}
	}
}

func TestLoadReadsTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tandem.yaml")
	if err := os.WriteFile(file, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(file); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(file + ".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file gave %v", err)
	}
}

// The broken files are short, so each names only what it needs to break.
func TestProblems(t *testing.T) {
	const listeners = "listeners: {main: {address: \"127.0.0.1:0\"}}\n"
	const realms = "realms: {realm1: {}}\n"
	tests := map[string]struct{ text, want string }{
		"nothing":            {"", `f:1:1: the file says nothing (it needs listeners and realms; "tandem init" prints a file to begin with)`},
		"not YAML":           {"listeners: [", "f:1:12: sequence end token ']' not found (the file is not valid YAML)"},
		"a list":             {"- a", "f:1:1: is a list, not a mapping (its keys are listeners, realms, limits, i_know)"},
		"unknown key":        {listeners + realms + "limit: 3\n", `f:3:1: limit: unknown key (did you mean "limits"?)`},
		"far from any key":   {listeners + realms + "zzzzzzzz: 3\n", "f:3:1: zzzzzzzz: unknown key (known here: listeners, realms, limits, i_know)"},
		"duplicate key":      {listeners + listeners + realms, "f:2:1: listeners: is there twice, first in line 1 (keep one of them)"},
		"no realms":          {listeners, "f:1:1: no realms (say which realms there are, such as realms: {realm1: {anonymous: guest, roles: {guest: {allow: [call]}}}})"},
		"bad address":        {"listeners: {main: {address: nonsense}}\n" + realms, `f:1:29: listeners.main.address: is not an address (write host:port, such as "127.0.0.1:8080", or "unix:" and a path)`},
		"port out of range":  {"listeners: {main: {address: \"127.0.0.1:99999\"}}\n" + realms, `f:1:29: listeners.main.address: "99999" is not a port (it is a number from 0, for any free one, to 65535)`},
		"no address":         {"listeners:\n  main:\n    protocols: [websocket]\n" + realms, `f:3:5: listeners.main: no address (write address: "127.0.0.1:8080", or "unix:" and a path)`},
		"unknown protocol":   {"listeners: {main: {address: \":1\", protocols: [websockets]}}\n" + realms, `f:1:47: listeners.main.protocols[0]: unknown word "websockets" (did you mean "websocket"?)`},
		"no protocol":        {"listeners: {main: {address: \":1\", protocols: []}}\n" + realms, "f:1:46: listeners.main.protocols: no protocol (write [websocket], [rawsocket] or both)"},
		"tls without key":    {"listeners: {main: {address: \":1\", tls: {}}}\n" + realms, "f:1:40: listeners.main.tls: needs both cert and key (the paths of two PEM files)"},
		"realm name":         {listeners + "realms:\n  \"a b\": {}\n", `f:3:3: realms."a b": is not a realm name (components without white space and '#', joined by dots)`},
		"no such role":       {listeners + "realms: {r: {anonymous: guest}}\n", `f:2:25: realms.r.anonymous: there is no role "guest" in this realm (add it under roles)`},
		"uris":               {listeners + "realms: {r: {uris: strikt}}\n", `f:2:20: realms.r.uris: unknown word "strikt" (did you mean "strict"?)`},
		"action":             {listeners + "realms: {r: {roles: {g: {allow: [calls]}}}}\n", `f:2:34: realms.r.roles.g.allow[0]: unknown word "calls" (did you mean "call"?)`},
		"request IDs":        {listeners + "realms: {r: {request_ids: exact}}\n", `f:2:27: realms.r.request_ids: unknown word "exact" (known here: lenient, strict)`},
		"revocation":         {listeners + "realms: {r: {revocation_notify: never}}\n", `f:2:33: realms.r.revocation_notify: unknown word "never" (known here: announced, off)`},
		"flag":               {listeners + "realms: {r: {sharding: yes please}}\n", "f:2:24: realms.r.sharding: is a text, not true or false"},
		"retention":          {listeners + "realms: {r: {retention: none}}\n", `f:2:25: realms.r.retention: unknown word "none" (known here: off)`},
		"retained events":    {listeners + "realms: {r: {retention: {events: 0}}}\n", "f:2:34: realms.r.retention.events: must be between 1 and 2147483647 (leave the key out for the default)"},
		"restricted events":  {listeners + "realms: {r: {retention: {restricted: -1}}}\n", "f:2:38: realms.r.retention.restricted: must be between 0 and 2147483647 (leave the key out for the default)"},
		"not retained":       {listeners + "realms: {r: {retention: {except: [{topic: a..b}]}}}\n", `f:2:36: realms.r.retention.except[0]: "a..b" is not a topic to match as exact in this realm`},
		"nothing excepted":   {listeners + "realms: {r: {retention: {except: [{match: prefix}]}}}\n", `f:2:36: realms.r.retention.except[0]: no topic (write topic: com.example.orders, or a pattern and match: prefix; topic: "" with it is all topics)`},
		"history without":    {listeners + "realms: {r: {history: {topics: [{match: prefix}]}}}\n", `f:2:34: realms.r.history.topics[0]: no topic (write topic: com.example.orders, or a pattern and match: prefix; topic: "" with it is all topics)`},
		"history of nothing": {listeners + "realms: {r: {history: {size: 1MiB}}}\n", `f:2:24: realms.r.history: no topics (say what is to be remembered, such as topics: [{topic: com.example.orders}])`},
		"history in memory":  {listeners + "realms: {r: {history: {topics: [{topic: a}], durable: true}}}\n", "f:2:55: realms.r.history.durable: needs a file (what is only in memory is gone with the process)"},
		"history topic":      {listeners + "realms: {r: {history: {topics: [{topic: A}]}, uris: strict}}\n", `f:2:34: realms.r.history.topics[0]: "A" is not a topic to match as exact in this realm`},
		"history of wamp":    {listeners + "realms: {r: {history: {topics: [{topic: wamp., match: prefix}]}}}\n", "f:2:34: realms.r.history.topics[0]: topics of the router itself have no history"},
		"history twice":      {listeners + "realms: {r: {history: {topics: [{topic: a}, {match: exact, topic: a}]}}}\n", `f:2:46: realms.r.history.topics[1]: exact "a" is listed twice`},
		"history match":      {listeners + "realms: {r: {history: {topics: [{topic: a, match: prefixed}]}}}\n", `f:2:51: realms.r.history.topics[0].match: unknown word "prefixed" (did you mean "prefix"?)`},
		"history file":       {listeners + "realms: {r: {history: {topics: [{topic: a}], file: \"\"}}}\n", "f:2:52: realms.r.history.file: is empty (leave the key out to keep events in memory)"},
		"shared history":     {listeners + "realms: {r: {history: {topics: [{topic: a}], file: f}}, s: {history: {topics: [{topic: a}], file: ./f}}}\n", "f:2:99: realms.s.history.file: is the file of another realm too (give each realm a file of its own)"},
		"shared elsewhere":   {listeners + "realms: {r: {history: {topics: [{topic: a}], file: f}}, s: {history: {topics: [{topic: a}], file: ../config/f}}}\n", "f:2:99: realms.s.history.file: is the file of another realm too (give each realm a file of its own)"},
		"retention switch":   {listeners + "realms: {r: {retention: false}}\n", "f:2:25: realms.r.retention: is true or false, not a mapping (to retain nothing write off)"},
		"trust level":        {listeners + "realms: {r: {roles: {g: {trust_level: -1}}}}\n", "f:2:39: realms.r.roles.g.trust_level: must be between 0 and 2147483647 (leave the key out for the default)"},
		"time":               {listeners + "realms: {r: {call_timeout: {default: soon}}}\n", `f:2:38: realms.r.call_timeout.default: "soon" is not a time (write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none)`},
		"time without unit":  {listeners + "realms: {r: {call_timeout: {max: 5}}}\n", `f:2:34: realms.r.call_timeout.max: "5" is not a time (write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none)`},
		"time too short":     {listeners + "realms: {r: {call_timeout: {max: 0s}}}\n", "f:2:34: realms.r.call_timeout.max: must be at least 1ms (write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none)"},
		"default over max":   {listeners + "realms: {r: {call_timeout: {default: 2s, max: 1s}}}\n", "f:2:29: realms.r.call_timeout: the default is more than the maximum (no call takes longer than the maximum, so the default can be left out)"},
		"disclose":           {listeners + "realms: {r: {roles: {g: {disclose: sometimes}}}}\n", `f:2:36: realms.r.roles.g.disclose: unknown word "sometimes" (known here: on_request, always, never)`},
		"size without unit":  {listeners + realms + "limits: {message_size: 3MB}\n", `f:3:24: limits.message_size: "3MB" is not a size (write bytes, or a number with KiB, MiB or GiB, such as 64KiB)`},
		"size out of range":  {listeners + realms + "limits: {message_size: 32MiB}\n", "f:3:24: limits.message_size: must be between 512 bytes and 16MiB"},
		"count":              {listeners + realms + "limits: {connections: 0}\n", "f:3:23: limits.connections: must be between 1 and 2147483647 (leave the key out for the default)"},
		"type":               {listeners + realms + "limits: {connections: many}\n", "f:3:23: limits.connections: is a text, not a whole number"},
		"empty value":        {listeners + "realms:\n", "f:2:9: realms: is empty, not a mapping of names to realms (are its keys indented deeper than it is? such as realm1: {anonymous: guest, roles: {guest: {allow: [call]}}})"},
		"slow subscribers":   {listeners + "realms: {r: {slow_subscribers: drop}}\n", `f:2:32: realms.r.slow_subscribers: unknown word "drop" (known here: disconnect, drop_new, drop_old)`},
		"all at once": {
			"listeners: {main: {adress: \":1\"}}\nrealms: {r: {uri: strict}}\n",
			"f:1:20: listeners.main.adress: unknown key (did you mean \"address\"?)\nf:2:14: realms.r.uri: unknown key (did you mean \"uris\"?)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("f", []byte(test.text))
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != test.want {
				t.Errorf("\n got %s\nwant %s", err, test.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("listeners: &a {main: *a}"))
	f.Add([]byte("realms: {<<: 3, r: !!binary x}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = config.Parse("f", text) // must not panic
	})
}
