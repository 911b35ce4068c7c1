package router_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/serializer/payload"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

// watches subscribes to everything below a URI.
func (p *peer) watches(prefix string) *peer {
	p.house.Helper()
	p.say(&wamp.Subscribe{Request: 1, Topic: prefix, Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}})
	p.hears()
	return p
}

// diary returns a line for each message that has come, with what matters of it.
func (p *peer) diary() []string {
	p.house.Helper()
	var lines []string
	for _, m := range p.hears() {
		switch m := m.(type) {
		case *wamp.Event:
			lines = append(lines, fmt.Sprint(m.Details.Topic, p.argsOf(m.Payload)))
		case *wamp.Result:
			lines = append(lines, fmt.Sprint("RESULT ", m.Request, p.argsOf(m.Payload)))
		case *wamp.Error:
			lines = append(lines, fmt.Sprint("ERROR ", m.Request, " ", m.URI))
		case *wamp.Goodbye:
			lines = append(lines, strings.TrimSpace(fmt.Sprint("GOODBYE ", m.Reason, " ", m.Details.Message)))
		default:
			lines = append(lines, m.Type().String())
		}
	}
	return lines
}

// argsOf returns positional arguments, with the IDs of what would be details.
func (p *peer) argsOf(encoded wamp.Payload) wamp.List {
	args, _, err := payload.Decode(&encoded)
	if err != nil {
		p.house.Fatal(err)
	}
	for i, arg := range args {
		if details, ok := arg.(wamp.Dict); ok && details["session"] != nil {
			args[i] = details["session"]
		} else {
			args[i] = idOf(arg)
		}
	}
	return args
}

func (p *peer) writes(want ...string) {
	p.house.Helper()
	if diff := cmp.Diff(want, p.diary()); diff != "" {
		p.house.Errorf("session %d: %s", p.id, diff)
	}
}

// ask is a CALL of a procedure of the router.
func ask(request wamp.ID, procedure string, args ...any) *wamp.Call {
	return &wamp.Call{Request: request, Procedure: procedure, Payload: wamp.Payload{Args: args}}
}

func TestSMA17_OnJoinComesAfterWelcome(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o := h.join().watches("wamp.session.")
		p := h.connect().listen()
		p.say(hello("r"), &wamp.Subscribe{Request: 1, Topic: "wamp.session.on_join"}) // at once, and yet not in time for itself
		heard := p.hears()
		if got := types(heard); !cmp.Equal(got, []wamp.MessageType{wamp.TypeWelcome, wamp.TypeSubscribed}) {
			t.Fatalf("heard %v", got)
		}
		o.writes(fmt.Sprintf("wamp.session.on_join[%d]", heard[0].(*wamp.Welcome).Session))
	})
}

func TestSMA08_SMA13_Kill(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o, admin, victim, bystander := h.join().watches("wamp.session."), h.join(), h.join(), h.join().watches("news")
		victim.registers("p")
		admin.say(&wamp.Call{Request: 1, Procedure: "p"})
		hears1[*wamp.Invocation](victim)
		o.hears()

		kill := ask(2, "wamp.session.kill", victim.id)
		kill.Payload.Kwargs = wamp.Dict{"reason": "com.enough", "message": "so long"}
		admin.say(kill, ask(3, "wamp.session.get", victim.id), &wamp.Call{Request: 4, Procedure: "p"}, ask(5, "wamp.session.count"))
		admin.writes("RESULT 2 []", "ERROR 1 wamp.error.canceled", "ERROR 3 wamp.error.no_such_session",
			"ERROR 4 wamp.error.no_such_procedure", "RESULT 5 [3]")
		victim.writes("GOODBYE com.enough so long")
		o.writes(fmt.Sprintf("wamp.session.on_leave[%d %s %s]", victim.id, victim.authID, "guest"))

		victim.say(&wamp.Register{Request: 2, Procedure: "q"}, &wamp.Yield{Request: 1},
			&wamp.Publish{Request: 3, Topic: "news", Options: wamp.PublishOptions{Acknowledge: true}}, ask(4, "wamp.session.count"))
		victim.hearsNothing() // SES-15
		bystander.hearsNothing()
		victim.say(&wamp.Goodbye{Reason: wamp.CloseGoodbyeAndOut})
		if !victim.hasEnded() {
			t.Error("the connection of the killed is still open")
		}
		o.hearsNothing()
		admin.hearsNothing()
	})
}

func TestSMA08_KilledWithoutReason(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		admin, first, second := h.join(), h.join(), h.join()
		admin.say(ask(1, "wamp.session.kill", first.id), ask(2, "wamp.session.kill_by_authrole", "guest"))
		admin.writes("RESULT 1 []", "RESULT 2 [1]")
		first.writes("GOODBYE wamp.close.killed")
		second.writes("GOODBYE wamp.close.killed")
		admin.say(ask(3, "wamp.session.kill", admin.id))
		admin.writes("ERROR 3 wamp.error.no_such_session") // SMA-07
	})
}

// Two sessions that kill one another at the same time: neither waits for the other, and at most one of them survives.
func TestSMA07_MutualKill(t *testing.T) {
	for range 50 {
		in(t, router.Config{}, func(h *house) {
			a, b := h.join(), h.join()
			for _, p := range []*peer{a, b} {
				victim := a.id + b.id - p.id
				p.queue.Lock()
				_ = p.queue.AppendLocked(ask(1, "wamp.session.kill", victim))
				p.queue.Unlock()
			}
			a.queue.Flush()
			b.queue.Flush()
			killed := 0
			for _, p := range []*peer{a, b} {
				for _, m := range p.hears() {
					if m.Type() == wamp.TypeGoodbye {
						killed++
					}
				}
			}
			if killed == 0 {
				t.Error("nobody was killed")
			}
		})
	}
}

func TestSMA11_SMA12_KillAllIsQuiet(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		admin := h.join().watches("")
		callee, heir := h.join(), h.join()
		callee.registers("p")
		callee.subscribes("t")
		callee.asks("wamp.session.add_testament", "will")
		heir.subscribes("will")
		admin.say(&wamp.Call{Request: 2, Procedure: "p"})
		hears1[*wamp.Invocation](callee)
		admin.hears()

		admin.say(ask(3, "wamp.session.kill_all"), ask(4, "wamp.registration.list_callees", 1), ask(5, "wamp.session.count"))
		admin.writes("RESULT 3 [2]", "ERROR 2 wamp.error.canceled", "ERROR 4 wamp.error.no_such_registration", "RESULT 5 [1]")
		callee.writes("GOODBYE wamp.close.killed")
		heir.writes("GOODBYE wamp.close.killed")
	})
}

// What a session leaves behind, in the order of its end, whatever that is.
func TestTES07_TES12_HowASessionEnds(t *testing.T) {
	for name, end := range map[string]func(admin, p *peer){
		"GOODBYE":         func(_, p *peer) { p.say(&wamp.Goodbye{Reason: wamp.CloseRealm}) }, // TES-08
		"ABORT":           func(_, p *peer) { p.say(&wamp.Abort{Reason: "com.enough"}) },
		"violation":       func(_, p *peer) { p.say(&wamp.Published{Request: 1, Publication: 1}) },
		"connection lost": func(_, p *peer) { p.drop() },
		"kill":            func(admin, p *peer) { admin.asks("wamp.session.kill", p.id) },
		"kill_by_authid":  func(admin, p *peer) { admin.asks("wamp.session.kill_by_authid", p.authID) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, router.Config{}, func(h *house) {
				admin, p := h.join(), h.join()
				p.registers("p")
				p.subscribes("t")
				p.asks("wamp.session.add_testament", "will.last", wamp.List{"last"})
				p.say(&wamp.Call{Request: 9, Procedure: "wamp.session.add_testament", Payload: wamp.Payload{
					Args: wamp.List{"will.first", wamp.List{"first"}}, Kwargs: wamp.Dict{"scope": "detached"}}})
				p.hears()
				o := h.join().watches("")
				end(admin, p)
				o.writes("will.first[first]", "will.last[last]",
					fmt.Sprintf("wamp.registration.on_unregister[%d 1]", p.id), fmt.Sprintf("wamp.registration.on_delete[%d 1]", p.id),
					fmt.Sprintf("wamp.subscription.on_unsubscribe[%d 1]", p.id), fmt.Sprintf("wamp.subscription.on_delete[%d 1]", p.id),
					fmt.Sprintf("wamp.session.on_leave[%d %s guest]", p.id, p.authID))
				p.drop()
				o.hearsNothing()
			})
		})
	}
}

// Sessions end in any order then: if some of the many were not quiet, the observer would most likely still be there.
func TestTES07_NoTestamentsOnShutdown(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o := h.join().watches("")
		for range 30 {
			h.join().asks("wamp.session.add_testament", "will")
		}
		o.hears()
		ctx, cancel := context.WithCancel(context.Background())
		go func() { _ = h.router.Shutdown(ctx) }()
		synctest.Wait()
		o.writes("GOODBYE wamp.close.system_shutdown the router shuts down")
		cancel()
	})
}

// changeable is a law under which publishing, or to say who publishes, may become forbidden.
type changeable struct{ forbidden, secret atomic.Bool }

func (c *changeable) Authorize(_ context.Context, r *auth.Request) (auth.Decision, error) {
	d := auth.Decision{Allowed: r.Action != auth.ActionPublish || !c.forbidden.Load()}
	if c.secret.Load() {
		d.Disclose = wamp.DiscloseNever
	}
	return d, nil
}

func TestTES11_TheAuthorizerIsAskedAgain(t *testing.T) {
	law := new(changeable)
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: law}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		o, early, late := h.join().watches("will"), h.join(), h.join()
		early.asks("wamp.session.add_testament", "will")
		late.asks("wamp.session.add_testament", "will")
		early.drop()
		o.writes("will[]")
		law.forbidden.Store(true)
		if got := late.asks("wamp.session.add_testament", "will"); got != wamp.ErrNotAuthorized {
			t.Errorf("adding what is forbidden: %v", got)
		}
		late.drop()
		o.hearsNothing()
		if n := strings.Count(h.log.String(), "testament dropped"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, h.log)
		}
	})
}

func TestTES11_DisclosureIsForbiddenMeanwhile(t *testing.T) {
	law := new(changeable)
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: law}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		o, p := h.join().watches("will"), h.join()
		p.asksWith(wamp.Dict{"publish_options": wamp.Dict{"disclose_me": true}}, "wamp.session.add_testament", "will.disclosed")
		p.asks("wamp.session.add_testament", "will.anonymous")
		law.secret.Store(true)
		p.drop()
		o.writes("will.anonymous[]")
		o.hearsNothing()
		const why = "identity must not be disclosed"
		if log := h.log.String(); strings.Count(log, "testament dropped") != 1 || !strings.Contains(log, why) {
			t.Errorf("want one line that says why:\n%s", log)
		}
	})
}

// A testament is kept long after the message that brought it, and has nothing of its memory.
func TestTES01_TestamentOutlivesItsMessage(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		o, p := h.join().watches("will"), h.join()
		p.asks("wamp.session.add_testament", "will.a", wamp.List{[]byte("bytes"), "text"}, wamp.Dict{"key": "value"})
		for i := range 50 {
			p.say(&wamp.Publish{Request: wamp.ID(i + 1), Topic: "other", Payload: wamp.Payload{Args: wamp.List{strings.Repeat("x", 3000)}}})
		}
		p.drop()
		m := hears1[*wamp.Event](o)
		args, kwargs, err := payload.Decode(&m.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wamp.List{[]byte("bytes"), "text"}, args); diff != "" || kwargs["key"] != "value" || m.Details.Topic != "will.a" {
			t.Errorf("%s %v %s", m.Details.Topic, kwargs, diff)
		}
	})
}

// A consumer that reads nothing may miss events or lose its session, and costs nobody else anything.
func TestFLW09_SlowConsumersDoNotDelayTheEnd(t *testing.T) {
	for name, policy := range policies {
		t.Run(name, func(t *testing.T) { in(t, slow(policy), endInFrontOfTheDeaf) })
	}
}

func endInFrontOfTheDeaf(h *house) {
	h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "", Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}})
	o := h.join().watches("wamp.session.on_leave")
	for range 10 {
		p := h.join()
		for range 10 {
			p.asks("wamp.session.add_testament", "will", wamp.List{strings.Repeat("x", 16<<10)})
		}
		o.hears()
		p.drop()
		if want, got := fmt.Sprintf("wamp.session.on_leave[%d %s guest]", p.id, p.authID), o.diary(); !slices.Contains(got, want) {
			h.Errorf("%v, want %s", got, want)
		}
	}
	if h.router.Dropped("r") == 0 {
		h.Error("no event was dropped, so nothing was slow")
	}
}

func TestSMA15_WhoMayEndSessions(t *testing.T) {
	byRole := auth.Roles{"guest": {Register: true, Call: true, Publish: true, Subscribe: true}}
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: byRole}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		p, other := h.join(), h.join()
		other.registers("p")
		other.subscribes("t")
		for procedure, args := range map[string]wamp.List{
			"wamp.session.kill":                   {other.id},
			"wamp.session.kill_by_authid":         {other.authID},
			"wamp.session.kill_by_authrole":       {"guest"},
			"wamp.session.kill_all":               nil,
			"wamp.registration.remove_callee":     {1, other.id},
			"wamp.subscription.remove_subscriber": {1, other.id},
		} {
			if got := p.asks(procedure, args...); got != wamp.ErrNotAuthorized {
				t.Errorf("%s: %v", procedure, got)
			}
		}
		other.hearsNothing()
		if got := p.asks("wamp.session.count"); !cmp.Equal(got, wamp.List{int64(2)}) {
			t.Errorf("count: %v", got)
		}
	})
}

func TestSMA18_OnlyAdministratorsInspect(t *testing.T) {
	for _, administers := range []bool{false, true} {
		byRole := auth.Roles{"guest": {Call: true, Administer: administers}}
		realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: byRole}}
		in(t, router.Config{Realms: realms}, func(h *house) {
			p := h.join()
			details := p.asks("wamp.session.get", p.id).(wamp.List)[0].(wamp.Dict)
			if _, shown := details["_lost"]; shown != administers {
				t.Errorf("administers: %v, details %v", administers, details)
			}
		})
	}
}

// Calls that different parts of the router answer are still answered in the order in which they were made.
func TestMET05_MetaCallsAreInOrderWithEverything(t *testing.T) {
	in(t, strict, func(h *house) {
		p := h.join()
		p.say(
			&wamp.Register{Request: 1, Procedure: "p"},
			ask(2, "wamp.session.count"),
			ask(3, "wamp.registration.lookup", "p"),
			&wamp.Call{Request: 4, Procedure: "none"},
			&wamp.Subscribe{Request: 5, Topic: "t"},
			ask(6, "wamp.subscription.lookup", "t"),
			ask(7, "wamp.registration.list_callees", 1),
			&wamp.Unsubscribe{Request: 8, Subscription: 1},
			ask(9, "wamp.subscription.lookup", "t"),
			&wamp.Unregister{Request: 10, Registration: 1},
			ask(11, "wamp.session.nothing"),
			ask(12, "wamp.registration.lookup", "p"),
		)
		p.writes("REGISTERED", "RESULT 2 [1]", "RESULT 3 [1]", "ERROR 4 wamp.error.no_such_procedure", "SUBSCRIBED", "RESULT 6 [1]",
			fmt.Sprintf("RESULT 7 [[%d]]", p.id), "UNSUBSCRIBED", "RESULT 9 [<nil>]", "UNREGISTERED",
			"ERROR 11 wamp.error.no_such_procedure", "RESULT 12 [<nil>]")
	})
}

func TestIDS06_MetaCallsHaveStrictRequestIDs(t *testing.T) {
	for name, m := range map[string]wamp.Message{
		"a gap":                           ask(3, "wamp.session.count"),
		"a repetition":                    ask(1, "wamp.session.count"),
		"a repetition for another answer": ask(1, "wamp.registration.list"),
	} {
		t.Run(name, func(t *testing.T) {
			in(t, strict, func(h *house) {
				p := h.join()
				p.say(ask(1, "wamp.session.count"))
				p.writes("RESULT 1 [1]")
				p.say(m)
				p.hearsAbort(wamp.ErrProtocolViolation)
			})
		})
	}
}

// The second of two messages in one write is not routed if the first ends the session.
func TestPCI04_PPT03_MetaCallThatBreaksTheProtocolEndsTheSession(t *testing.T) {
	for _, options := range []wamp.CallOptions{{Progress: true}, {PPT: &wamp.Passthru{Scheme: "x_own"}}} {
		for _, procedure := range []string{"wamp.session.count", "wamp.registration.list", getEvents} {
			in(t, router.Config{}, func(h *house) {
				o, p := h.join().watches("news"), h.join()
				m := ask(1, procedure, 1)
				m.Options = options
				p.say(m, &wamp.Publish{Request: 2, Topic: "news"})
				p.hearsAbort(wamp.ErrProtocolViolation)
				o.hearsNothing()
			})
		}
	}
}

// patient is an authorizer that thinks about publications until it may go on.
type patient struct {
	topic string
	goOn  chan struct{} // nil: it need not think
}

func (a *patient) Authorize(_ context.Context, r *auth.Request) (auth.Decision, error) {
	if a.goOn != nil && r.Action == auth.ActionPublish && r.URI == a.topic {
		<-a.goOn
	}
	return auth.Decision{Allowed: true}, nil
}

// The session has been killed, but its testaments are still being looked at.
func TestSES14_GoodbyeIsAnsweredWhileTheSessionIsBeingKilled(t *testing.T) {
	thinking := &patient{topic: "will"}
	in(t, router.Config{Realms: []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: thinking}}}, func(h *house) {
		admin, victim := h.join(), h.join()
		victim.asks("wamp.session.add_testament", "will")
		thinking.goOn = make(chan struct{})
		admin.say(ask(1, "wamp.session.kill", victim.id))
		synctest.Wait()
		victim.say(&wamp.Goodbye{Reason: wamp.CloseRealm})
		victim.writes("GOODBYE wamp.close.goodbye_and_out")
		close(thinking.goOn)
		if !victim.hasEnded() {
			t.Error("the connection of the killed is still open")
		}
		admin.writes("RESULT 1 []")
	})
}

// What a session had does not cost memory for every one of those who want to hear that it is gone, all at once.
func TestFLW09_ASessionWithMuchLeavesInPieces(t *testing.T) {
	in(t, slow(router.DropNew), func(h *house) {
		topic := "wamp.subscription.on_unsubscribe"
		listener := h.joinDeaf()
		for n := range len(topic) {
			listener.say(&wamp.Subscribe{Request: 1, Topic: topic[:n], Options: wamp.SubscribeOptions{Match: wamp.MatchPrefix}})
		}
		leaving := h.join()
		for n := range 3000 {
			leaving.say(&wamp.Subscribe{Request: 1, Topic: fmt.Sprint("t", n)})
		}
		leaving.hears()
		before := allocated()
		leaving.drop()
		if mib := (allocated() - before) >> 20; mib > 45 {
			t.Errorf("%d MiB were allocated", mib)
		}
	})
}

func allocated() uint64 {
	synctest.Wait()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
