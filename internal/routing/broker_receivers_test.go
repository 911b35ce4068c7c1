package routing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// crew is a realm in which ann (1, staff), bob (2, staff) and cat (3, guest) hold subscription 1, and boss (4,
// chief), who holds it too, publishes.
func crew(t *testing.T) (p *pubsub, boss *routing.Session) {
	p = newPubSub(t)
	for _, name := range []string{"ann", "bob", "cat", "boss"} {
		boss = p.join(name)
		boss.AuthRole = map[string]string{"cat": "guest", "boss": "chief"}[name]
		if boss.AuthRole == "" {
			boss.AuthRole = "staff"
		}
		p.subscribe(boss, "com.shop.sold", wamp.MatchExact)
	}
	p.forget()
	return p, boss
}

// receivers publishes as boss and returns the names of those who got the event.
func receivers(t *testing.T, o wamp.PublishOptions) string {
	p, boss := crew(t)
	p.publish(boss, "com.shop.sold", o)
	var names []string
	for _, line := range p.sent {
		name, event, _ := strings.Cut(line, " ")
		if want := "EVENT subscription=1 publication=1001"; event != want { // BWL-08
			t.Errorf("%s got %q, want %q", name, event, want)
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func TestBWL01_BWL02_Lists(t *testing.T) {
	tests := []struct {
		name  string
		lists wamp.Receivers
		want  string
	}{
		{"BWL-01 exclude", wamp.Receivers{Exclude: []wamp.ID{1}}, "bob cat"},
		{"BWL-01 exclude_authid", wamp.Receivers{ExcludeAuthID: []string{"bob"}}, "ann cat"},
		{"BWL-01 exclude_authrole", wamp.Receivers{ExcludeAuthRole: []string{"staff"}}, "cat"},
		{"BWL-01 eligible", wamp.Receivers{Eligible: []wamp.ID{1, 3}}, "ann cat"},
		{"BWL-01 eligible_authid", wamp.Receivers{EligibleAuthID: []string{"cat"}}, "cat"},
		{"BWL-01 eligible_authrole", wamp.Receivers{EligibleAuthRole: []string{"staff"}}, "ann bob"},

		{"BWL-02 every whitelist", wamp.Receivers{
			Eligible: []wamp.ID{1, 2, 3}, EligibleAuthID: []string{"bob", "cat"}, EligibleAuthRole: []string{"staff"},
		}, "bob"},
		{"BWL-02 any blacklist", wamp.Receivers{
			Exclude: []wamp.ID{1}, ExcludeAuthID: []string{"bob"}, ExcludeAuthRole: []string{"guest"},
		}, ""},
		{"BWL-02 blacklist over whitelist", wamp.Receivers{
			Eligible: []wamp.ID{1, 2}, ExcludeAuthID: []string{"ann"},
		}, "bob"},

		{"BWL-03 A-29 empty eligible", wamp.Receivers{Eligible: []wamp.ID{}}, ""},
		{"BWL-03 A-29 empty eligible_authid", wamp.Receivers{EligibleAuthID: []string{}}, ""},
		{"BWL-03 A-29 empty eligible_authrole", wamp.Receivers{EligibleAuthRole: []string{}}, ""},
		{"BWL-03 A-29 one empty whitelist of two", wamp.Receivers{
			Eligible: []wamp.ID{1}, EligibleAuthID: []string{},
		}, ""},
		{"BWL-04 empty blacklists", wamp.Receivers{
			Exclude: []wamp.ID{}, ExcludeAuthID: []string{}, ExcludeAuthRole: []string{},
		}, "ann bob cat"},
		{"no list", wamp.Receivers{}, "ann bob cat"},

		{"BWL-05 publisher on a whitelist", wamp.Receivers{Eligible: []wamp.ID{1, 4}}, "ann"},
		{"BWL-07 unknown in blacklists", wamp.Receivers{
			Exclude: []wamp.ID{99}, ExcludeAuthID: []string{"dan"}, ExcludeAuthRole: []string{"cook"},
		}, "ann bob cat"},
		{"BWL-07 unknown in whitelists", wamp.Receivers{
			Eligible: []wamp.ID{99, 2}, EligibleAuthID: []string{"dan", "bob"}, EligibleAuthRole: []string{"cook", "staff"},
		}, "bob"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := receivers(t, wamp.PublishOptions{Receivers: &test.lists}); got != test.want {
				t.Errorf("received by %q, want %q", got, test.want)
			}
			long := lengthened(test.lists)
			if got := receivers(t, wamp.PublishOptions{Receivers: &long}); got != test.want {
				t.Errorf("with long lists: received by %q, want %q", got, test.want)
			}
		})
	}
}

// lengthened returns the lists that have entries with a hundred more, of sessions that do not exist.
func lengthened(r wamp.Receivers) wamp.Receivers {
	for i := range 100 {
		id, word := wamp.ID(1000+i), fmt.Sprint("nobody", i)
		for _, ids := range []*[]wamp.ID{&r.Eligible, &r.Exclude} {
			if len(*ids) > 0 {
				*ids = append([]wamp.ID{id}, *ids...)
			}
		}
		for _, words := range []*[]string{&r.EligibleAuthID, &r.EligibleAuthRole, &r.ExcludeAuthID, &r.ExcludeAuthRole} {
			if len(*words) > 0 {
				*words = append([]string{word}, *words...)
			}
		}
	}
	return r
}

func TestBWL05_ListsAndTheIncludedPublisher(t *testing.T) {
	tests := []struct {
		lists wamp.Receivers
		want  string
	}{
		{wamp.Receivers{}, "ann bob cat boss"},
		{wamp.Receivers{Eligible: []wamp.ID{4}}, "boss"},
		{wamp.Receivers{Eligible: []wamp.ID{1}}, "ann"},
		{wamp.Receivers{ExcludeAuthRole: []string{"chief"}}, "ann bob cat"},
	}
	for _, test := range tests {
		if got := receivers(t, wamp.PublishOptions{IncludeMe: true, Receivers: &test.lists}); got != test.want {
			t.Errorf("%+v: received by %q, want %q", test.lists, got, test.want)
		}
	}
}

func TestBWL09_ListsHoldForEveryMatchingSubscription(t *testing.T) {
	p := newPubSub(t)
	ann, bob, cat := p.join("ann"), p.join("bob"), p.join("cat")
	for _, s := range []*routing.Session{ann, bob} {
		p.subscribe(s, "com.shop.sold", wamp.MatchExact)
		p.subscribe(s, "com.", wamp.MatchPrefix)
		p.subscribe(s, "com..sold", wamp.MatchWildcard)
	}
	p.subscribe(bob, "com.shop", wamp.MatchPrefix)
	p.forget()
	p.publish(cat, "com.shop.sold", wamp.PublishOptions{Receivers: &wamp.Receivers{Exclude: []wamp.ID{2}}})
	p.expect(
		"ann EVENT subscription=1 publication=1001",
		"ann EVENT subscription=2 publication=1001 topic=com.shop.sold",
		"ann EVENT subscription=3 publication=1001 topic=com.shop.sold")
}

func TestPID01_PID03_PID04_Disclosure(t *testing.T) {
	const disclosed, hidden = " publisher=2/bob/staff", ""
	tests := []struct {
		rule wamp.Disclosure
		asks bool
		want string
	}{
		{wamp.DiscloseOnRequest, false, hidden}, // PID-04
		{wamp.DiscloseOnRequest, true, disclosed},
		{wamp.DiscloseAlways, false, disclosed}, // PID-03
		{wamp.DiscloseAlways, true, disclosed},
		{wamp.DiscloseNever, false, hidden},
	}
	for _, test := range tests {
		p := newPubSub(t)
		alice, bob := p.join("alice"), p.join("bob")
		p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
		p.forget()
		p.grant.Disclose = test.rule
		p.publish(bob, "com.shop.sold", wamp.PublishOptions{DiscloseMe: test.asks})
		p.expect("alice EVENT subscription=1 publication=1001" + test.want)
	}
}

// PID-06: what a publisher claims to be is not told. PTL-02: nor how far it says it can be trusted. BWL-08: nor is
// any option that the protocol does not define (MSG-10).
func TestPID06_PTL02_MSG10_ClaimsAreNotForwarded(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(bob, "com.shop.sold", wamp.PublishOptions{
		Extra: wamp.Dict{"publisher": 99, "publisher_authid": "root", "trustlevel": 9, "_mine": true},
	})
	p.expect("alice EVENT subscription=1 publication=1001")
}

func TestPTL01_TrustLevelComesFromTheGrant(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()
	for level := range uint64(2) {
		p.grant.HasTrustLevel, p.grant.TrustLevel = true, level
		p.publish(bob, "com.shop.sold", wamp.PublishOptions{})
	}
	p.expect(
		"alice EVENT subscription=1 publication=1001 trustlevel=0",
		"alice EVENT subscription=1 publication=1002 trustlevel=1")
}

var passthru = wamp.PublishOptions{
	Acknowledge: true,
	PPT:         &wamp.Passthru{Scheme: "x_own", Serializer: "cbor", Cipher: "aes256gcm", KeyID: "k1"},
}

// PPT-07: the subscriber has not announced the feature.
func TestPPT02_PPT07_PassthruIsCopied(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	bob.Roles.Announce(wamp.RolePublisher, wamp.FeaturePayloadPassthruMode)
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.forget()
	payload := wamp.Payload{Serializer: wamp.JSON, Elements: 1, Raw: []byte(`["\u0000AAEC"]`)}
	p.publishPayload(bob, "com.shop.sold", passthru, payload)
	p.expect(
		"bob PUBLISHED publication=1001",
		`alice EVENT subscription=1 publication=1001 ppt={x_own cbor aes256gcm k1} payload=["\u0000AAEC"]`)
}

func TestPPT03_PER01_PassthruWithoutAnnouncement(t *testing.T) {
	p := newPubSub(t)
	alice, bob := p.join("alice"), p.join("bob")
	bob.Roles.Announce(wamp.RoleSubscriber, wamp.FeaturePayloadPassthruMode) // another role's does not count
	p.subscribe(alice, "com.shop.sold", wamp.MatchExact)
	p.subscribe(bob, "com.shop.sold", wamp.MatchExact)
	p.forget()
	p.publish(bob, "com.shop.sold", passthru)
	p.expect("bob ABORT wamp.error.protocol_violation")
	if !p.violated {
		t.Error("the shell is not told")
	}
}
