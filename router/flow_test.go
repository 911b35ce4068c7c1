package router_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/wamp"
)

// A pipe holds 64 KiB. With messages of half that and a small queue, the queue is full after a few.
var (
	large     = wamp.Payload{Args: wamp.List{strings.Repeat("x", 32<<10)}}
	tightness = router.Config{QueueLimit: 32 << 10}
)

// joinDeaf opens a session that never reads what it is sent.
func (h *house) joinDeaf(then ...wamp.Message) *peer {
	h.Helper()
	p := h.connect()
	p.say(hello("r"))
	p.say(then...)
	return p
}

func TestFLW04_InvocationThatDoesNotFitIsAnErrorToTheCaller(t *testing.T) {
	in(t, tightness, func(h *house) {
		deaf := h.joinDeaf(&wamp.Register{Request: 1, Procedure: "p"})
		caller := h.join()
		var refused, pending int
		for i := range 20 {
			caller.say(&wamp.Call{Request: wamp.ID(i + 1), Procedure: "p", Payload: large})
			for _, m := range caller.hears() {
				if e, ok := m.(*wamp.Error); !ok || e.URI != wamp.ErrNetworkFailure || e.Request != wamp.ID(i+1) {
					t.Fatalf("call %d: heard %+v", i+1, m)
				}
				refused++
			}
		}
		if refused == 0 || refused == 20 {
			t.Errorf("%d of 20 calls were refused, want the last ones", refused)
		}
		deaf.drop()
		for _, m := range caller.hears() {
			if e, ok := m.(*wamp.Error); !ok || e.URI != wamp.ErrCanceled { // RPC-16
				t.Fatalf("heard %+v", m)
			}
			pending++
		}
		if refused+pending != 20 { // RPC-13: each exactly once
			t.Errorf("%d calls refused and %d canceled of 20", refused, pending)
		}
	})
}

func TestFLW02_ResultThatDoesNotFitEndsTheCallersSession(t *testing.T) {
	in(t, tightness, func(h *house) {
		callee, bystander := h.join(), h.join()
		callee.registers("p")
		var calls []wamp.Message
		for i := range 20 {
			calls = append(calls, &wamp.Call{Request: wamp.ID(i + 1), Procedure: "p"})
		}
		deaf := h.joinDeaf(append(calls, &wamp.Register{Request: 21, Procedure: "q"})...)
		for range callee.hears() {
		}
		for i := range 20 {
			callee.say(&wamp.Yield{Request: wamp.ID(i + 1), Payload: large})
		}
		callee.hearsNothing()
		if n := strings.Count(h.log.String(), "does not read"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, h.log)
		}
		bystander.say(&wamp.Call{Request: 1, Procedure: "q"}) // the session is gone at once, though it reads nothing
		bystander.hearsError(wamp.TypeCall, 1, wamp.ErrNoSuchProcedure)

		// When it reads at last, it finds its results in order and then the reason.
		deaf.listen()
		heard := deaf.hears()
		last, ok := heard[len(heard)-1].(*wamp.Goodbye)
		if !ok || last.Reason != wamp.CloseKilled || last.Details.Message == "" {
			t.Errorf("the last of %v is %+v", types(heard), heard[len(heard)-1])
		}
	})
}

func TestTMO05_CallTimesOutWithoutTraffic(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		callee, caller := h.join(wamp.FeatureCallCanceling), h.join()
		callee.registers("p")
		caller.say(&wamp.Call{Request: 1, Procedure: "p", Options: wamp.CallOptions{Timeout: 1000}})
		hears1[*wamp.Invocation](callee)
		<-time.After(999 * time.Millisecond)
		caller.hearsNothing()
		<-time.After(2 * time.Millisecond)
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrTimeout)
		if m := hears1[*wamp.Interrupt](callee); m.Options.Mode != wamp.CancelKillNoWait {
			t.Errorf("INTERRUPT %+v", m)
		}
		callee.say(&wamp.Yield{Request: 1}) // TMO-06
		caller.hearsNothing()
	})
}

func TestTMO11_TheRealmLimitsHowLongCallsTake(t *testing.T) {
	realms := []router.RealmConfig{{Name: "r", AnonymousRole: "guest", Authorizer: auth.AllowAll{},
		DefaultCallTimeout: time.Second, MaxCallTimeout: time.Minute}}
	in(t, router.Config{Realms: realms}, func(h *house) {
		callee, caller := h.join(), h.join()
		callee.registers("p")
		caller.say(
			&wamp.Call{Request: 1, Procedure: "p"},
			&wamp.Call{Request: 2, Procedure: "p", Options: wamp.CallOptions{Timeout: 3_600_000}},
		)
		<-time.After(time.Second + time.Millisecond)
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrTimeout)
		<-time.After(58 * time.Second)
		caller.hearsNothing()
		<-time.After(time.Second)
		caller.hearsError(wamp.TypeCall, 2, wamp.ErrTimeout)
	})
}

// A short timeout that is set while a long one runs must move the timer forward, and the long one must still fire.
func TestROU48_TimeoutsOfSeveralCalls(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		callee, caller := h.join(), h.join()
		callee.registers("p")
		caller.say(
			&wamp.Call{Request: 1, Procedure: "p", Options: wamp.CallOptions{Timeout: 3000}},
			&wamp.Call{Request: 2, Procedure: "p", Options: wamp.CallOptions{Timeout: 1000}},
			&wamp.Call{Request: 3, Procedure: "p", Options: wamp.CallOptions{Timeout: 2000}},
		)
		callee.hears()
		callee.say(&wamp.Yield{Request: 2}) // the deadline that the timer was set to moves away
		hears1[*wamp.Result](caller)
		<-time.After(2001 * time.Millisecond)
		caller.hearsError(wamp.TypeCall, 3, wamp.ErrTimeout)
		<-time.After(time.Second)
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrTimeout)
	})
}

// Many sessions call each other at once, and one after the other vanishes in the middle.
func TestRPC13_EveryCallIsAnsweredOnce(t *testing.T) {
	in(t, router.Config{}, func(h *house) {
		const callees, calls = 5, 40
		var serving []*peer
		for range callees {
			p := h.join()
			p.say(&wamp.Register{Request: 1, Procedure: "p", Options: wamp.RegisterOptions{Invoke: wamp.InvokeRoundRobin}})
			hears1[*wamp.Registered](p)
			serving = append(serving, p)
		}
		caller := h.join()
		for i := range calls {
			caller.say(&wamp.Call{Request: wamp.ID(i + 1), Procedure: "p"})
		}
		for i, p := range serving {
			invocations := p.hears()
			if len(invocations) != calls/callees { // ROU-14
				t.Errorf("callee %d got %d calls", i, len(invocations))
			}
			for _, m := range invocations[:i] { // each answers one more than the one before
				p.say(&wamp.Yield{Request: m.(*wamp.Invocation).Request})
			}
			p.drop()
		}
		answered := answersByRequest(caller.hears())
		for i := range calls {
			if n := answered[wamp.ID(i+1)]; n != 1 {
				t.Errorf("call %d was answered %d times", i+1, n)
			}
		}
	})
}

// answersByRequest counts the answers to each call.
func answersByRequest(messages []wamp.Message) map[wamp.ID]int {
	answered := map[wamp.ID]int{}
	for _, m := range messages {
		switch m := m.(type) {
		case *wamp.Result:
			answered[m.Request]++
		case *wamp.Error:
			answered[m.Request]++
		}
	}
	return answered
}

func TestQueuesOfVanishedPeersAreGivenUp(t *testing.T) {
	in(t, tightness, func(h *house) {
		deaf := h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "t"})
		publisher := h.join()
		for i := range 5 {
			publisher.say(&wamp.Publish{Request: wamp.ID(i + 1), Topic: "t", Payload: large})
		}
		deaf.drop()
		synctest.Wait() // no flusher is left behind, or the bubble does not end
	})
}

func TestFLW05_ResultsThatTheCallerDoesNotReadEndTheCall(t *testing.T) {
	in(t, tightness, func(h *house) {
		callee, bystander := h.join(wamp.FeatureProgressiveCallResults, wamp.FeatureCallCanceling), h.join()
		callee.registers("p")
		deaf := h.joinDeaf(&wamp.Call{Request: 1, Procedure: "p", Options: wamp.CallOptions{ReceiveProgress: true}})
		hears1[*wamp.Invocation](callee)
		yields := 0
		for interrupted := false; !interrupted && yields < 20; yields++ {
			callee.say(&wamp.Yield{Request: 1, Options: wamp.YieldOptions{Progress: true}, Payload: large})
			for _, m := range callee.hears() {
				interrupted = m.Type() == wamp.TypeInterrupt
			}
		}
		if yields == 20 {
			t.Fatal("the callee was never interrupted")
		}
		bystander.say(&wamp.Call{Request: 1, Procedure: "p"}) // PCR-14: others do not notice
		hears1[*wamp.Invocation](callee)
		callee.say(&wamp.Yield{Request: 2})
		hears1[*wamp.Result](bystander)

		// The caller finds the results that did fit, and then why there are no more. Its session goes on.
		deaf.listen()
		heard := deaf.hears()
		last, ok := heard[len(heard)-1].(*wamp.Error)
		if !ok || last.URI != wamp.ErrNetworkFailure || last.Request != 1 {
			t.Errorf("the last of %v is %+v", types(heard), heard[len(heard)-1])
		}
		deaf.say(&wamp.Call{Request: 2, Procedure: "none"})
		deaf.hearsError(wamp.TypeCall, 2, wamp.ErrNoSuchProcedure)
	})
}

// TestROU22_WaitingCallsAreBoundedInBytes has three calls of half a limit each: one is invoked, and not both others may
// wait.
func TestROU22_WaitingCallsAreBoundedInBytes(t *testing.T) {
	for name, realm := range map[string]router.RealmConfig{
		"of a registration": {MaxQueuedBytes: 64 << 10},
		"of a caller":       {MaxKeptBytes: 64 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			realm.Name, realm.AnonymousRole, realm.Authorizer = "r", "guest", auth.AllowAll{}
			in(t, router.Config{Realms: []router.RealmConfig{realm}}, func(h *house) {
				callee, caller := h.join(), h.join()
				callee.say(&wamp.Register{Request: 1, Procedure: "p", Options: wamp.RegisterOptions{Concurrency: 1}})
				hears1[*wamp.Registered](callee)
				for i := range 3 {
					caller.say(&wamp.Call{Request: wamp.ID(i + 1), Procedure: "p", Payload: large})
				}
				caller.hearsError(wamp.TypeCall, 3, wamp.ErrMaxConcurrencyReached)
			})
		})
	}
}

// Who listens to meta events and does not read them is disconnected, and holds nobody up.
func TestFLW09_SlowMetaConsumersDelayNoTeardown(t *testing.T) {
	in(t, tightness, func(h *house) {
		everything := wamp.SubscribeOptions{Match: wamp.MatchPrefix}
		h.joinDeaf(&wamp.Subscribe{Request: 1, Topic: "wamp.", Options: everything})
		caller := h.join()
		for range 20 {
			p := h.join()
			for i := range 200 {
				p.say(&wamp.Register{Request: wamp.ID(i + 1), Procedure: fmt.Sprint("p", i)})
			}
			p.drop()
		}
		caller.say(&wamp.Call{Request: 1, Procedure: "p0"})
		caller.hearsError(wamp.TypeCall, 1, wamp.ErrNoSuchProcedure)
		if text := h.log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "does not read") {
			t.Errorf("the log says:\n%s", h.log)
		}
	})
}
