package router_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

// asks calls a procedure of the router itself and returns what it answers: the arguments, or the error's URI.
func (p *peer) asks(procedure string, args ...any) any {
	p.house.Helper()
	return p.asksWith(nil, procedure, args...)
}

func (p *peer) asksWith(kwargs wamp.Dict, procedure string, args ...any) any {
	p.house.Helper()
	p.say(&wamp.Call{Request: 1000, Procedure: procedure, Payload: wamp.Payload{Args: args, Kwargs: kwargs}})
	for _, m := range p.hears() {
		switch m := m.(type) {
		case *wamp.Result:
			answer, _, err := payload.Decode(&m.Payload)
			if err != nil {
				p.house.Fatal(err)
			}
			return answer
		case *wamp.Error:
			return m.URI
		}
	}
	p.house.Fatalf("%s was not answered", procedure)
	return nil
}

// observer is a session that writes down the meta events of registrations.
func (h *house) observer() *peer {
	h.Helper()
	p := h.join()
	p.say(&wamp.Subscribe{Request: 1, Topic: "wamp.registration.", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}})
	hears1[*wamp.Subscribed](p)
	return p
}

// story returns what has been observed, a line for each event or reply.
func (p *peer) story() []string {
	p.house.Helper()
	var lines []string
	for _, m := range p.hears() {
		e, ok := m.(*wamp.Event)
		if !ok {
			lines = append(lines, m.Type().String())
			continue
		}
		args, _, err := payload.Decode(&e.Payload)
		if err != nil {
			p.house.Fatal(err)
		}
		what := strings.TrimPrefix(e.Details.Topic, "wamp.registration.")
		lines = append(lines, fmt.Sprintf("%s %v %v", what, args[0], idOf(args[1])))
	}
	return lines
}

// idOf returns the ID in the details of a registration, or the ID itself.
func idOf(v any) any {
	if details, ok := v.(wamp.Dict); ok {
		return details["id"]
	}
	return v
}

func (p *peer) expects(want ...string) {
	p.house.Helper()
	if diff := cmp.Diff(want, p.story()); diff != "" {
		p.house.Error(diff)
	}
}

func TestROU60_MetaEventsOfRegistrations(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o, a, b := h.observer(), h.join(), h.join()
		shared := wamp.RegisterOptions{Invoke: wamp.InvokeFirst}
		event := func(what string, who *peer, registration int) string {
			return fmt.Sprintf("%s %d %d", what, who.id, registration)
		}

		a.say(&wamp.Register{Request: 1, Procedure: "p", Options: shared})
		a.expects("REGISTERED")
		o.expects(event("on_create", a, 1), event("on_register", a, 1))

		b.say(&wamp.Register{Request: 1, Procedure: "p", Options: shared})
		b.expects("REGISTERED")
		o.expects(event("on_register", b, 1))

		b.say(&wamp.Register{Request: 2, Procedure: "p", Options: shared}) // ROU-08
		b.expects("ERROR")
		o.expects()

		a.say(&wamp.Unregister{Request: 2, Registration: 1})
		a.expects("UNREGISTERED")
		o.expects(event("on_unregister", a, 1))

		b.say(&wamp.Register{Request: 3, Procedure: "q"})
		b.say(&wamp.Unregister{Request: 4, Registration: 1})
		b.expects("REGISTERED", "UNREGISTERED")
		o.expects(event("on_create", b, 2), event("on_register", b, 2), event("on_unregister", b, 1), event("on_delete", b, 1))

		b.drop()
		o.expects(event("on_unregister", b, 2), event("on_delete", b, 2))
		o.expects()
	})
}

func TestRMA05_RMA14_TheReplyComesBeforeTheEvents(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o := h.observer()
		o.say(&wamp.Register{Request: 2, Procedure: "p"})
		o.expects("REGISTERED", fmt.Sprintf("on_create %d 1", o.id), fmt.Sprintf("on_register %d 1", o.id))
		o.say(&wamp.Unregister{Request: 3, Registration: 1})
		o.expects("UNREGISTERED", fmt.Sprintf("on_unregister %d 1", o.id), fmt.Sprintf("on_delete %d 1", o.id))
	})
}

func TestMTE02_MetaEventsHaveNoPublisher(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o, a := h.observer(), h.join()
		a.registers("p")
		seen := map[wamp.ID]bool{}
		for _, m := range o.hears() {
			e := m.(*wamp.Event)
			if e.Details.Publisher != 0 || !e.Publication.Valid() {
				t.Errorf("EVENT %+v", e)
			}
			seen[e.Publication] = true
		}
		if len(seen) != 2 {
			t.Errorf("%d publication IDs for two events", len(seen))
		}
	})
}

func TestRMA06_RegistrationDetails(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		created := time.Now().UTC().Format("2006-01-02T15:04:05.000Z") // MTE-04
		o, a := h.observer(), h.join()
		a.say(&wamp.Register{Request: 1, Procedure: "a..c", Options: wamp.RegisterOptions{
			Match: wamp.MatchWildcard, Invoke: wamp.InvokeRoundRobin, DiscloseCaller: true, // RMA-16
		}})
		want := wamp.Dict{"id": int64(1), "created": created, "uri": "a..c", "match": "wildcard", "invoke": "roundrobin"}
		first := o.hears()[0].(*wamp.Event)
		args, _, err := payload.Decode(&first.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wamp.List{int64(a.id), want}, args); diff != "" {
			t.Errorf("on_create: %s", diff)
		}
		if diff := cmp.Diff(wamp.List{want}, o.asks("wamp.registration.get", 1)); diff != "" {
			t.Errorf("get: %s", diff)
		}
	})
}

func TestRMA_Procedures(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		a, b := h.join(), h.join()
		register := func(p *peer, procedure string, match wamp.MatchPolicy) {
			p.say(&wamp.Register{Request: 1, Procedure: procedure,
				Options: wamp.RegisterOptions{Match: match, Invoke: wamp.InvokeLast}})
			hears1[*wamp.Registered](p)
		}
		register(a, "p.q", wamp.MatchExact)   // 1
		register(a, "p", wamp.MatchPrefix)    // 2
		register(b, "p", wamp.MatchPrefix)    // 2
		register(b, ".r", wamp.MatchWildcard) // 3
		prefix := wamp.Dict{"match": "prefix"}
		const noSuch, bad = wamp.ErrNoSuchRegistration, wamp.ErrInvalidArgument
		tests := []struct {
			id        string
			procedure string
			args      wamp.List
			want      any
		}{
			{"RMA-07", "list", nil, wamp.List{wamp.Dict{
				"exact": wamp.List{int64(1)}, "prefix": wamp.List{int64(2)}, "wildcard": wamp.List{int64(3)}}}},
			{"RMA-08 exact by default", "lookup", wamp.List{"p.q"}, wamp.List{int64(1)}},
			{"RMA-08", "lookup", wamp.List{"p", prefix}, wamp.List{int64(2)}},
			{"RMA-08 null options", "lookup", wamp.List{"p.q", nil}, wamp.List{int64(1)}},
			{"RMA-08 none", "lookup", wamp.List{"p"}, wamp.List{nil}},
			{"RMA-11 its own", "lookup", wamp.List{"wamp.registration.list"}, wamp.List{nil}},
			{"RMA-09 exact", "match", wamp.List{"p.q"}, wamp.List{int64(1)}},
			{"RMA-09 prefix", "match", wamp.List{"p.x"}, wamp.List{int64(2)}},
			{"RMA-09 wildcard", "match", wamp.List{"x.r"}, wamp.List{int64(3)}},
			{"RMA-09 none", "match", wamp.List{"x.y"}, wamp.List{nil}},
			{"RMA-11 its own", "match", wamp.List{"wamp.r"}, wamp.List{nil}},
			{"RMA-10 none", "get", wamp.List{99}, noSuch},
			{"RMA-12 in order", "list_callees", wamp.List{2}, wamp.List{wamp.List{int64(a.id), int64(b.id)}}},
			{"RMA-10 none", "list_callees", wamp.List{99}, noSuch},
			{"RMA-10", "count_callees", wamp.List{2}, wamp.List{int64(2)}},
			{"MET-06 a float", "count_callees", wamp.List{2.0}, wamp.List{int64(2)}},
			{"MET-02 not whole", "count_callees", wamp.List{2.5}, bad},
			{"MET-02 no argument", "count_callees", nil, bad},
			{"MET-02 a text", "get", wamp.List{"1"}, bad},
			{"MET-02 more than wanted", "count_callees", wamp.List{2, "more"}, wamp.List{int64(2)}},
			{"MET-02 match", "lookup", wamp.List{"p", wamp.Dict{"match": "fuzzy"}}, bad},
			{"MET-02 match", "lookup", wamp.List{"p", "prefix"}, bad},
			{"MET-02 no procedure", "match", nil, bad},
			{"RPC-20 unknown", "lock", nil, wamp.ErrNoSuchProcedure},
		}
		for _, test := range tests {
			if diff := cmp.Diff(test.want, a.asks("wamp.registration."+test.procedure, test.args...)); diff != "" {
				t.Errorf("%s: %s%v: %s", test.id, test.procedure, test.args, diff)
			}
		}
		a.say(&wamp.Unregister{Request: 2, Registration: 1})
		a.hears()
		if got := a.asks("wamp.registration.get", 1); got != noSuch { // ROU-62
			t.Errorf("get of a deleted registration: %v", got)
		}
	})
}

func TestRPC20_NoRegistrationGetsTheRoutersCalls(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		greedy, caller := h.join(), h.join()
		for i, o := range []struct {
			procedure string
			match     wamp.MatchPolicy
			refused   bool
		}{
			{"wamp.registration.list", wamp.MatchExact, true},
			{"wamp", wamp.MatchExact, true},
			{"wamp", wamp.MatchPrefix, true},
			{"wam", wamp.MatchPrefix, true},
			{"wamp.", wamp.MatchPrefix, true},
			{"wamp..list", wamp.MatchWildcard, true},
			{"", wamp.MatchPrefix, false}, // PBR-10
			{"..", wamp.MatchWildcard, false},
			{"wampum", wamp.MatchPrefix, false},
		} {
			greedy.say(&wamp.Register{Request: wamp.ID(i + 1), Procedure: o.procedure, Options: wamp.RegisterOptions{Match: o.match}})
			heard := greedy.hears()
			e, refused := heard[0].(*wamp.Error)
			if refused != o.refused || refused && e.URI != wamp.ErrInvalidURI {
				t.Errorf("registering %s %q: %+v", o.match, o.procedure, heard[0])
			}
		}
		if _, ok := caller.asks("wamp.registration.list").(wamp.List); !ok {
			t.Error("the router did not answer itself")
		}
		if got := caller.asks("wamp.nothing.here"); got != wamp.ErrNoSuchProcedure { // T-46
			t.Errorf("an unknown procedure: %v", got)
		}
		greedy.hearsNothing()
	})
}

func TestRRV_RemoveCallee(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o, admin := h.observer(), h.join()
		told, untold := h.join(wamp.FeatureRegistrationRevocation), h.join()
		for _, p := range []*peer{told, untold} {
			p.say(&wamp.Register{Request: 1, Procedure: "p", Options: wamp.RegisterOptions{Invoke: wamp.InvokeFirst}})
			hears1[*wamp.Registered](p)
		}
		o.hears()
		admin.say(&wamp.Call{Request: 1, Procedure: "p"})
		pending := hears1[*wamp.Invocation](told)

		reason := wamp.Dict{"reason": "com.myapp.enough"}
		if got := admin.asksWith(reason, "wamp.registration.remove_callee", 1, told.id); !cmp.Equal(got, wamp.List(nil)) {
			t.Errorf("RRV-06: %v", got)
		}
		m := hears1[*wamp.Unregistered](told) // RRV-01
		if m.Request != 0 || m.Details.Registration != 1 || m.Details.Reason != "com.myapp.enough" {
			t.Errorf("UNREGISTERED %+v", m)
		}
		o.expects(fmt.Sprintf("on_unregister %d 1", told.id)) // RRV-03

		told.say(&wamp.Yield{Request: pending.Request}) // RRV-05
		hears1[*wamp.Result](admin)

		if got := admin.asks("wamp.registration.remove_callee", 1, untold.id); !cmp.Equal(got, wamp.List(nil)) {
			t.Errorf("RRV-06: %v", got)
		}
		untold.hearsNothing() // RRV-02
		o.expects(fmt.Sprintf("on_unregister %d 1", untold.id), fmt.Sprintf("on_delete %d 1", untold.id))

		for _, test := range []struct {
			kwargs wamp.Dict
			args   wamp.List
			want   wamp.ErrorURI
		}{
			{nil, wamp.List{1, told.id}, wamp.ErrNoSuchRegistration},
			{nil, wamp.List{1}, wamp.ErrInvalidArgument},
			{nil, wamp.List{1, "x"}, wamp.ErrInvalidArgument},
			{wamp.Dict{"reason": "not a uri"}, wamp.List{1, told.id}, wamp.ErrInvalidURI},
		} {
			if got := admin.asksWith(test.kwargs, "wamp.registration.remove_callee", test.args...); got != test.want {
				t.Errorf("remove_callee%v: %v, want %s", test.args, got, test.want)
			}
		}
	})
}

// Every change of a registration is heard in the order in which it happened, however many make changes at once.
func TestRMA02_OrderUnderConcurrency(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o := h.observer()
		var busy []*peer
		for range 8 {
			busy = append(busy, h.join())
		}
		for round := range 20 {
			for _, p := range busy { // all at once: nobody waits for anybody
				p.queue.Lock()
				_ = p.queue.AppendLocked(&wamp.Register{Request: wamp.ID(2*round + 1), Procedure: "p"})
				_ = p.queue.AppendLocked(&wamp.Unregister{Request: wamp.ID(2*round + 2), Registration: wamp.ID(round + 1)})
				p.queue.Unlock()
			}
			for _, p := range busy {
				p.queue.Flush()
			}
			for _, p := range busy {
				p.hears()
			}
		}
		next := []string{"on_create", "on_register", "on_unregister", "on_delete"}
		for i, line := range o.story() {
			if what, _, _ := strings.Cut(line, " "); what != next[i%4] {
				t.Fatalf("event %d is %s, want %s", i, line, next[i%4])
			}
		}
	})
}

// strict is a realm that is strict about request IDs.
var strict = router.Config{Realms: []router.RealmConfig{
	{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, StrictRequestIDs: true},
}}

func TestIDS06_StrictRequestIDs(t *testing.T) {
	orderly := []wamp.Message{
		&wamp.Subscribe{Request: 1, Topic: "t"},
		&wamp.Publish{Request: 2, Topic: "t"}, // PUB-06: counts though it is not acknowledged
		&wamp.Call{Request: 3, Procedure: "none"},
		&wamp.Cancel{Request: 3}, // IDS-04
		&wamp.Register{Request: 4, Procedure: "p"},
	}
	in(t, strict, func(h *house) {
		p := h.join()
		p.say(orderly...)
		if heard := types(p.hears()); !cmp.Equal(heard, []wamp.MessageType{
			wamp.TypeSubscribed, wamp.TypeError, wamp.TypeRegistered}) {
			t.Errorf("heard %v", heard)
		}
	})
	for name, m := range map[string]wamp.Message{
		"a gap":        &wamp.Call{Request: 3, Procedure: "none"},
		"a repetition": &wamp.Subscribe{Request: 1, Topic: "u"},
		"a call again": &wamp.Call{Request: 1, Procedure: "none"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, strict, func(h *house) {
				p := h.join()
				p.say(&wamp.Subscribe{Request: 1, Topic: "t"})
				hears1[*wamp.Subscribed](p)
				p.say(m)
				p.hearsAbort(wamp.ErrProtocolViolation)
			})
		})
	}
}

func TestIDS09_TheNextSessionBeginsWith1(t *testing.T) {
	in(t, strict, func(h *house) {
		p := h.join()
		p.subscribes("t")
		p.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		p.hears()
		p.say(hello("r"))
		p.hears()
		p.subscribes("t")
	})
}

// a further part of a call has the ID of its first, in between others.
func TestPCI12_PartsAreInOrder(t *testing.T) {
	in(t, strict, func(h *house) {
		callee := h.join(wamp.FeatureProgressiveCallInvocations, wamp.FeatureCallCanceling)
		callee.registers("foo")
		caller := h.join(wamp.FeatureProgressiveCallInvocations)
		caller.say(
			&wamp.Call{Request: 1, Procedure: "foo", Options: wamp.CallOptions{Progress: true}},
			&wamp.Call{Request: 2, Procedure: "none"},
			&wamp.Call{Request: 1, Procedure: "foo"},
		)
		caller.hearsError(wamp.TypeCall, 2, wamp.ErrNoSuchProcedure)
		if heard := types(callee.hears()); !cmp.Equal(heard, []wamp.MessageType{wamp.TypeInvocation, wamp.TypeInvocation}) {
			t.Errorf("the callee heard %v", heard)
		}
		caller.say(&wamp.Call{Request: 4, Procedure: "none"})
		caller.hearsAbort(wamp.ErrProtocolViolation)
	})
}

func TestROU26_ForceNeedsItsOwnPermission(t *testing.T) {
	byRole := auth.Roles{"guest": {Register: true, Call: true, Subscribe: true}}
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: byRole}}
	force := &wamp.Register{Request: 9, Procedure: "p", Options: wamp.RegisterOptions{ForceReregister: true}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		first, second := h.join(), h.join()
		first.registers("p")
		second.say(force)
		second.hearsError(wamp.TypeRegister, 9, wamp.ErrNotAuthorized)
	})
	in(t, router.Config{}, func(h *house) { // where everything is allowed
		o, first, second := h.observer(), h.join(wamp.FeatureRegistrationRevocation), h.join()
		first.registers("p")
		o.hears()
		second.say(force)
		if m := hears1[*wamp.Registered](second); m.Registration != 2 {
			t.Errorf("REGISTERED %+v", m)
		}
		if m := hears1[*wamp.Unregistered](first); m.Details.Registration != 1 || m.Details.Reason != "wamp.error.unregistered" {
			t.Errorf("UNREGISTERED %+v", m) // ROU-25
		}
		o.expects(fmt.Sprintf("on_unregister %d 1", first.id), fmt.Sprintf("on_delete %d 1", first.id),
			fmt.Sprintf("on_create %d 2", second.id), fmt.Sprintf("on_register %d 2", second.id))
	})
}

func TestCTL01_CTL02_TrustLevels(t *testing.T) {
	byRole := auth.Roles{"guest": {Register: true, Call: true, TrustLevel: 3, HasTrustLevel: true}}
	for _, announced := range []bool{true, false} {
		realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: byRole, TrustLevels: announced}}
		in(t, router.Config{Realms: realms}, func(h *house) {
			callee, caller := h.join(), h.connect().listen()
			caller.say(hello("r"))
			welcome := hears1[*wamp.Welcome](caller)
			if welcome.Details.Roles.Supports(wamp.RoleDealer, wamp.FeatureCallTrustLevels) != announced {
				t.Errorf("announced: %v", !announced)
			}
			callee.registers("p")
			claim := wamp.CallOptions{Extra: wamp.Dict{"trustlevel": 9}} // CTL-02
			caller.say(&wamp.Call{Request: 1, Procedure: "p", Options: claim})
			d := hears1[*wamp.Invocation](callee).Details
			if d.HasTrustLevel != announced || announced && d.TrustLevel != 3 {
				t.Errorf("INVOCATION %+v", d)
			}
		})
	}
}

func TestSHD08_ShardingIsAnnouncedWhereItIsTurnedOn(t *testing.T) {
	call := &wamp.Call{Request: 1, Procedure: "p", Options: wamp.CallOptions{RunMode: "partition", RKey: "k"}}
	for _, enabled := range []bool{true, false} {
		realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{}, Sharding: enabled}}
		in(t, router.Config{Realms: realms}, func(h *house) {
			callee, caller := h.join(), h.connect().listen()
			caller.say(hello("r"))
			welcome := hears1[*wamp.Welcome](caller)
			if welcome.Details.Roles.Supports(wamp.RoleDealer, wamp.FeatureShardedRegistration) != enabled {
				t.Errorf("announced: %v", !enabled)
			}
			callee.registers("p")
			caller.say(call)
			if enabled {
				hears1[*wamp.Invocation](callee)
			} else {
				caller.hearsError(wamp.TypeCall, 1, wamp.ErrOptionNotAllowed)
			}
		})
	}
}

// Whoever is offered the meta API of registrations can subscribe to its events.
func TestRMA13_MetaEventsComeWithABroker(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		p := h.connect().listen()
		p.say(hello("r"))
		roles := hears1[*wamp.Welcome](p).Details.Roles
		if !roles.Supports(wamp.RoleDealer, wamp.FeatureRegistrationMetaAPI) || !roles.Has(wamp.RoleBroker) {
			t.Errorf("roles %v", roles.List())
		}
		p.subscribes("wamp.registration.on_create")
		h.join().registers("p")
		hears1[*wamp.Event](p)
	})
}

// A call in parts to the router gets one answer, however many parts come, and a request ID stands for one call.
func TestMET04_PCI06_CallsInPartsToTheRouterAreRefusedOnce(t *testing.T) {
	for _, procedure := range []string{"wamp.session.count", "wamp.subscription.get_events", "wamp.registration.list"} {
		in(t, router.Config{}, func(h *house) {
			p := h.join(wamp.FeatureProgressiveCallInvocations)
			parts := wamp.CallOptions{Progress: true}
			p.say(
				&wamp.Call{Request: 1, Procedure: procedure, Options: parts},
				&wamp.Call{Request: 1, Procedure: procedure, Options: parts},
				&wamp.Call{Request: 1, Procedure: procedure},
			)
			p.hearsError(wamp.TypeCall, 1, wamp.ErrFeatureNotSupported)
			p.hearsNothing()

			h.join().registers("p")
			p.say(&wamp.Call{Request: 2, Procedure: "p"}, &wamp.Call{Request: 2, Procedure: procedure})
			p.hearsAbort(wamp.ErrProtocolViolation) // IDS-08
		})
	}
}

func TestPCI04_PPT03_WhatWasNotAnnouncedEndsTheSession(t *testing.T) {
	for _, procedure := range []string{"wamp.session.count", "wamp.subscription.get_events", "wamp.registration.list"} {
		for _, o := range []wamp.CallOptions{{Progress: true}, {PPT: &wamp.Passthru{Scheme: "x_custom"}}} {
			in(t, router.Config{}, func(h *house) {
				p := h.join()
				p.say(&wamp.Call{Request: 1, Procedure: procedure, Options: o})
				p.hearsAbort(wamp.ErrProtocolViolation)
			})
		}
	}
}
