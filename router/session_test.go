package router_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSES08_WelcomeTellsTheSessionAndTheRoles(t *testing.T) {
	in(t, router.Config{Agent: "here"}, func(h *house) {
		p := h.connect().listen()
		p.say(hello("r"))
		m := hears1[*wamp.Welcome](p)
		d := m.Details
		if !m.Session.Valid() || d.Agent != "here" || d.Realm != "r" || d.AuthRole != "guest" || d.AuthMethod != "anonymous" {
			t.Errorf("WELCOME %+v", m)
		}
		if !d.Roles.Has(wamp.RoleBroker) || !d.Roles.Has(wamp.RoleDealer) {
			t.Errorf("roles %v", d.Roles.List())
		}
	})
}

func TestATH14_AnonymousAuthIDsDiffer(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		seen := map[string]bool{}
		for range 3 {
			p := h.connect().listen()
			p.say(hello("r"))
			seen[hears1[*wamp.Welcome](p).Details.AuthID] = true
		}
		if len(seen) != 3 {
			t.Errorf("authids %v", seen)
		}
	})
}

// Who writes an authid on a command line must not have it taken for a flag.
func TestATH14_AnonymousAuthIDsHaveNoDash(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		for range 200 {
			p := h.connect().listen()
			p.say(hello("r"))
			if authID := hears1[*wamp.Welcome](p).Details.AuthID; strings.HasPrefix(authID, "-") {
				t.Fatalf("authid %q", authID)
			}
		}
	})
}

// Every message that a peer may not send, in every state that it may be in.
func TestPER03_IllegalMessages(t *testing.T) {
	opening := map[string]wamp.Message{
		"SES-02 CALL":         &wamp.Call{Request: 1, Procedure: "a"},
		"SES-02 PUBLISH":      &wamp.Publish{Request: 1, Topic: "a"},
		"SES-02 GOODBYE":      &wamp.Goodbye{Reason: wamp.CloseRealm},
		"ATH-01 AUTHENTICATE": &wamp.Authenticate{},
		"PER-05 WELCOME":      &wamp.Welcome{Session: 1, Details: wamp.WelcomeDetails{}},
	}
	for name, m := range opening {
		t.Run("opening/"+name, func(t *testing.T) {
			in(t, router.Config{}, func(h *house) {
				p := h.connect().listen()
				p.say(m)
				p.hearsAbort(wamp.ErrProtocolViolation)
			})
		})
	}
	established := map[string]wamp.Message{
		"SES-22 HELLO":               hello("r"),
		"ATH-01 AUTHENTICATE":        &wamp.Authenticate{},
		"PER-05 WELCOME":             &wamp.Welcome{Session: 1},
		"PER-05 CHALLENGE":           &wamp.Challenge{AuthMethod: "x"},
		"PER-05 PUBLISHED":           &wamp.Published{Request: 1, Publication: 1},
		"PER-05 SUBSCRIBED":          &wamp.Subscribed{Request: 1, Subscription: 1},
		"PER-05 UNSUBSCRIBED":        &wamp.Unsubscribed{Request: 1},
		"PER-05 EVENT":               &wamp.Event{Subscription: 1, Publication: 1},
		"PER-05 RESULT":              &wamp.Result{Request: 1},
		"PER-05 REGISTERED":          &wamp.Registered{Request: 1, Registration: 1},
		"PER-05 UNREGISTERED":        &wamp.Unregistered{Request: 1},
		"PER-05 INVOCATION":          &wamp.Invocation{Request: 1, Registration: 1},
		"PER-05 INTERRUPT":           &wamp.Interrupt{Request: 1},
		"PER-04 YIELD never issued":  &wamp.Yield{Request: 1},
		"PER-03 ERROR of a CALL":     &wamp.Error{RequestType: wamp.TypeCall, Request: 1, URI: "a.b"},
		"PER-04 ERROR, never issued": &wamp.Error{RequestType: wamp.TypeInvocation, Request: 1, URI: "a.b"},
	}
	for name, m := range established {
		t.Run("established/"+name, func(t *testing.T) {
			in(t, router.Config{}, func(h *house) {
				healthy, p := h.join(), h.join()
				p.say(m)
				p.hearsAbort(wamp.ErrProtocolViolation)
				healthy.hearsNothing()
				if n := strings.Count(h.log.String(), "protocol violation"); n != 1 {
					t.Errorf("%d lines in the log:\n%s", n, h.log)
				}
			})
		})
	}
}

func TestPER01_NothingIsProcessedBehindAViolation(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		subscriber, p := h.join(), h.join()
		subscriber.subscribes("t")
		p.say(
			&wamp.Publish{Request: 1, Topic: "t"},
			&wamp.Yield{Request: 99}, // in another lane than PUBLISH
			&wamp.Publish{Request: 2, Topic: "t"},
		)
		p.hearsAbort(wamp.ErrProtocolViolation)
		hears1[*wamp.Event](subscriber)
	})
}

func TestSES11_AbortOfThePeerEndsItsSession(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		callee, caller := h.join(), h.join()
		callee.registers("p")
		callee.say(&wamp.Abort{Reason: "app.went.mad"})
		callee.hearsNothing()
		if !callee.hasEnded() {
			t.Error("the connection is still open")
		}
		caller.say(&wamp.Call{Request: 1, Procedure: "p"})
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrNoSuchProcedure)
	})
}

func TestSES14_GoodbyeIsAnswered(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.join()
		p.say(&wamp.Goodbye{Reason: "wamp.close.normal"}) // SES-18: any reason
		if m := hears1[*wamp.Goodbye](p); m.Reason != wamp.CloseGoodbyeAndOut {
			t.Errorf("GOODBYE %+v", m)
		}
		if p.hasEnded() {
			t.Error("the connection was closed at once")
		}
	})
}

func TestSES23_AnotherSessionOnTheSameConnection(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.join()
		first := p.id
		p.registers("p")
		p.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		p.hears()
		p.say(hello("r"))
		if second := hears1[*wamp.Welcome](p).Session; second == first {
			t.Error("the second session has the ID of the first")
		}
		p.say(&wamp.Call{Request: 1, Procedure: "p"}) // its registration is gone, and its counter begins anew
		p.hearsError(wamp.TypeCall, 1, wamp.ErrNoSuchProcedure)
	})
}

func TestSES27_AfterGoodbyeOnlyHelloMayCome(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.join()
		p.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		p.hears()
		p.say(&wamp.Call{Request: 1, Procedure: "p"})
		p.hearsNothing()
		if !p.hasEnded() {
			t.Error("the connection is still open")
		}
	})
}

func TestWS14_PeerThatStaysAfterGoodbyeIsDropped(t *testing.T) {
	in(t, router.Config{GoodbyeTimeout: 3 * time.Second}, func(h *house) {
		p := h.join()
		p.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		<-time.After(4 * time.Second)
		if !p.hasEnded() {
			t.Error("the connection is still open")
		}
	})
}

func TestSES24_PeerThatDoesNotSayHelloIsDropped(t *testing.T) {
	in(t, router.Config{HelloTimeout: 2 * time.Second}, func(h *house) {
		silent, welcomed := h.connect().listen(), h.join()
		<-time.After(3 * time.Second)
		if !silent.hasEnded() {
			t.Error("the silent connection is still open")
		}
		if welcomed.hasEnded() {
			t.Error("a session was dropped too")
		}
	})
}

func TestSES25_ShutdownSaysGoodbyeAndWaitsForTheAnswer(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.join()
		stopped := make(chan error, 1)
		go func() { stopped <- h.router.Shutdown(context.Background()) }()
		if m := hears1[*wamp.Goodbye](p); m.Reason != wamp.CloseSystemShutdown {
			t.Errorf("GOODBYE %+v", m)
		}
		p.say(&wamp.Call{Request: 1, Procedure: "p"}) // SES-15: ignored
		p.hearsNothing()
		select {
		case err := <-stopped:
			t.Errorf("the router did not wait for the answer: %v", err)
		default:
		}
		p.say(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
		p.hearsNothing() // SES-16
		p.drop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func TestSES25_ShutdownRefusesWhoHasNoSessionYet(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		silent, gone := h.connect().listen(), h.join()
		gone.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		hears1[*wamp.Goodbye](gone)
		if err := h.router.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if m := hears1[*wamp.Abort](silent); m.Reason != wamp.CloseSystemShutdown {
			t.Errorf("ABORT %+v", m)
		}
		gone.hearsNothing()
		if !silent.hasEnded() || !gone.hasEnded() {
			t.Error("a connection is still open")
		}
	})
}

func TestSES17_ShutdownDropsPeersThatDoNotAnswer(t *testing.T) {
	in(t, router.Config{GoodbyeTimeout: time.Second}, func(h *house) {
		p := h.join()
		if err := h.router.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if !p.hasEnded() {
			t.Error("the connection is still open")
		}
	})
}

func TestShutdownIsCutShortByItsContext(t *testing.T) {
	in(t, router.Config{GoodbyeTimeout: time.Hour}, func(h *house) {
		h.join()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := h.router.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown returned %v", err)
		}
	})
}

func TestREA01_RealmsAreIsolated(t *testing.T) {
	realms := []router.RealmConfig{
		{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}},
		{Name: "other", AnonymousRole: "guest", Authorizer: auth.AllowAll{}},
	}
	in(t, router.Config{Realms: realms}, func(h *house) {
		p := h.join()
		p.registers("p")
		p.subscribes("t")
		stranger := h.connect().listen()
		stranger.say(hello("other"))
		hears1[*wamp.Welcome](stranger)
		stranger.say(&wamp.Call{Request: 1, Procedure: "p"})
		stranger.hearsError(wamp.TypeCall, 1, wamp.ErrNoSuchProcedure)
		stranger.say(&wamp.Publish{Request: 2, Topic: "t"})
		p.hearsNothing()
	})
}

func TestREA04_RealmNamesAreURIs(t *testing.T) {
	for _, name := range []string{"realm1", "Shop-1_a@b.c", "0x52908400098527886E0F7030069857D2E4169EE7", "a.größe", "x"} {
		realms := []router.RealmConfig{{Name: name, AnonymousRole: "guest", Authorizer: auth.AllowAll{}}}
		in(t, router.Config{Realms: realms}, func(h *house) {
			p := h.connect().listen()
			p.say(hello(name))
			hears1[*wamp.Welcome](p)
		})
	}
}

func TestACK01_ACK02_AcknowledgedEventsAreNotOffered(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.connect().listen()
		p.say(hello("r", wamp.FeatureAcknowledgedEventDelivery))
		roles := hears1[*wamp.Welcome](p).Details.Roles
		if roles.Supports(wamp.RoleBroker, wamp.FeatureAcknowledgedEventDelivery) {
			t.Error("the router announces it")
		}
		p.say(&wamp.EventReceived{Publication: 1})
		p.hearsNothing()
		p.subscribes("t")
	})
}

func TestAZN08_RealmWithoutAuthorizerRefusesEverything(t *testing.T) {
	in(t, router.Config{Realms: []router.RealmConfig{{Name: "r", AnonymousRole: "guest"}}}, func(h *house) {
		p := h.join()
		p.say(&wamp.Register{Request: 1, Procedure: "p"})
		p.hearsError(wamp.TypeRegister, 1, wamp.ErrNotAuthorized)
		p.say(&wamp.Call{Request: 2, Procedure: "p"}) // RPC-18: not "no such procedure"
		p.hearsError(wamp.TypeCall, 2, wamp.ErrNotAuthorized)
	})
}

// A realm may be lenient towards peers that make progress without saying so (PCI-04, PCR-01), but what a peer has to
// understand it must have announced all the same.
func TestPCI04_PCR01_ProgressOfPeersThatDidNotAnnounceIt(t *testing.T) {
	realms := []router.RealmConfig{
		{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, UnannouncedProgress: true},
	}
	parts := &wamp.Call{Request: 1, Procedure: "p", Options: wamp.CallOptions{Progress: true, ReceiveProgress: true}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		callee, caller := h.join(), h.join()
		callee.registers("p")
		caller.say(parts)
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrFeatureNotSupported) // PCI-06: the callee takes no parts
		caller.say(&wamp.Call{Request: 2, Procedure: "p", Options: wamp.CallOptions{ReceiveProgress: true}})
		if m := hears1[*wamp.Invocation](callee); !m.Details.ReceiveProgress {
			t.Errorf("INVOCATION %+v", m)
		}
		callee.say(&wamp.Yield{Request: 1, Options: wamp.YieldOptions{Progress: true}}, &wamp.Yield{Request: 1})
		if heard := types(caller.hears()); !cmp.Equal(heard, []wamp.MessageType{wamp.TypeResult, wamp.TypeResult}) {
			t.Errorf("the caller heard %v", heard)
		}
	})
	in(t, router.Config{Realms: realms}, func(h *house) {
		callee, caller := h.join(wamp.FeatureProgressiveCallInvocations, wamp.FeatureCallCanceling), h.join()
		callee.registers("p")
		caller.say(parts)
		if m := hears1[*wamp.Invocation](callee); !m.Details.Progress {
			t.Errorf("INVOCATION %+v", m)
		}
	})
	in(t, router.Config{}, func(h *house) {
		caller := h.join()
		caller.say(parts)
		caller.hearsAbort(wamp.ErrProtocolViolation)
	})
}

// failing is an authorizer that cannot decide.
type failing struct{}

func (failing) Authorize(context.Context, *auth.Request) (auth.Decision, error) {
	return auth.Decision{}, errors.New("database down")
}

func TestAZN03_AuthorizerThatFails(t *testing.T) {
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: failing{}}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		p := h.join()
		p.say(&wamp.Subscribe{Request: 1, Topic: "t"})
		p.hearsError(wamp.TypeSubscribe, 1, wamp.ErrAuthorizationFailed)
		if !strings.Contains(h.log.String(), "database down") {
			t.Errorf("the log does not say why:\n%s", h.log)
		}
	})
}

func TestMaxConnections(t *testing.T) {
	in(t, router.Config{MaxConnections: 1}, func(h *house) {
		h.join()
		if late := h.connect().listen(); !late.hasEnded() {
			t.Error("a connection too many was taken")
		}
	})
}

func TestNewRefusesBadConfigurations(t *testing.T) {
	for name, c := range map[string]router.Config{
		"realm name":     {Realms: []router.RealmConfig{{Name: "a b"}}},
		"realm twice":    {Realms: []router.RealmConfig{{Name: "a"}, {Name: "a"}}},
		"message size":   {MaxMessageSize: 17 << 20},
		"negative limit": {QueueLimit: -1},
		"call timeout":   {Realms: []router.RealmConfig{{Name: "a", MaxCallTimeout: -1}}},
		"slow policy":    {Realms: []router.RealmConfig{{Name: "a", SlowSubscribers: 9}}},
	} {
		t.Run(name, func(t *testing.T) {
			if r, err := router.New(c); err == nil {
				_ = r.Shutdown(t.Context())
				t.Error("no error")
			}
		})
	}
}
