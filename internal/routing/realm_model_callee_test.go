package routing_test

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// What realmModel says of who gets a call, and when.

func (m *realmModel) offersOf(match wamp.MatchPolicy, uri string) (list []*modelOffer) {
	for _, o := range m.offers {
		if o.options.Match == match && o.uri == uri {
			list = append(list, o)
		}
	}
	return list
}

// peers returns all offers of the same registration.
func (m *realmModel) peers(o *modelOffer) []*modelOffer { return m.offersOf(o.options.Match, o.uri) }

func (m *realmModel) offerOf(s *routing.Session, id wamp.ID) *modelOffer {
	for _, o := range m.offers {
		if o.session == s && o.id == id {
			return o
		}
	}
	return nil
}

// match returns the callees of the best registration for a URI: rules R1 to R4 of requirements 5.1.
func (m *realmModel) match(uri string) []*modelOffer {
	var prefix, wildcard string
	var anyPrefix, aligned, anyWildcard bool
	for _, o := range m.offers {
		switch {
		case o.options.Match == wamp.MatchPrefix && strings.HasPrefix(uri, o.uri):
			rest := uri[len(o.uri):]
			if o.uri == "" || rest == "" || strings.HasSuffix(o.uri, ".") || strings.HasPrefix(rest, ".") {
				aligned = true
			}
			if !anyPrefix || len(o.uri) > len(prefix) {
				prefix, anyPrefix = o.uri, true
			}
		case o.options.Match == wamp.MatchWildcard && modelMatches(&modelTopic{match: wamp.MatchWildcard, topic: o.uri}, uri):
			if !anyWildcard || moreSpecific(o.uri, wildcard) {
				wildcard, anyWildcard = o.uri, true
			}
		}
	}
	exact := m.offersOf(wamp.MatchExact, uri)
	switch {
	case len(exact) > 0:
		return exact
	case aligned:
		return m.offersOf(wamp.MatchPrefix, prefix)
	case anyWildcard:
		return m.offersOf(wamp.MatchWildcard, wildcard)
	case anyPrefix:
		return m.offersOf(wamp.MatchPrefix, prefix)
	default:
		return nil
	}
}

// moreSpecific compares two wildcards that match the same URI: the first difference counts.
func moreSpecific(a, b string) bool {
	partsA, partsB := strings.Split(a, "."), strings.Split(b, ".")
	for i := range partsA {
		if (partsA[i] == "") != (partsB[i] == "") {
			return partsB[i] == ""
		}
	}
	return false
}

// choose returns who shall get a call, or must be waited for; nil means that anybody will do.
func (m *realmModel) choose(callees []*modelOffer, options *wamp.CallOptions) *modelOffer {
	if options.RunMode != "" {
		return modelShard(callees, options.RKey)
	}
	free := m.free(callees)
	switch callees[0].options.Invoke {
	case wamp.InvokeLast:
		return callees[len(callees)-1]
	case wamp.InvokeRandom:
		if len(free) == 0 {
			return nil
		}
		return free[scaleDown(m.drawn(), len(free))]
	case wamp.InvokeRoundRobin:
		return m.inTurn(callees, free)
	default:
		return callees[0]
	}
}

// inTurn returns the next of the candidates in a round robin.
func (m *realmModel) inTurn(callees, candidates []*modelOffer) *modelOffer {
	next := m.turn[callees[0].id]
	if next == nil {
		next = callees[0]
	}
	for range callees {
		if slices.Contains(candidates, next) {
			m.turn[next.id] = modelAfter(callees, next)
			return next
		}
		next = modelAfter(callees, next)
	}
	return nil
}

// scaleDown maps 64 random bits to a number below n.
func scaleDown(random uint64, n int) int {
	product := new(big.Int).Mul(new(big.Int).SetUint64(random), big.NewInt(int64(n)))
	return int(product.Rsh(product, 64).Int64())
}

// modelAfter returns who comes after a callee, round and round.
func modelAfter(callees []*modelOffer, now *modelOffer) *modelOffer {
	return callees[(slices.Index(callees, now)+1)%len(callees)]
}

// modelShard returns the callee whose number is the largest when those of the key and of its session are mixed.
func modelShard(callees []*modelOffer, key string) (owner *modelOffer) {
	largest := uint64(0)
	for _, o := range callees {
		x := modelClaim(modelHash(key), uint64(o.session.ID))
		if x >= largest {
			owner, largest = o, x
		}
	}
	return owner
}

// ---- concurrency and waiting ----

func (m *realmModel) busy(o *modelOffer) bool {
	if o.options.Concurrency == 0 {
		return false
	}
	slots := uint64(0)
	for _, c := range m.calls {
		if c.offer == o {
			slots++
		}
	}
	for _, e := range m.owed {
		if e.offer == o {
			slots++
		}
	}
	return slots >= o.options.Concurrency
}

func (m *realmModel) free(callees []*modelOffer) []*modelOffer {
	return slices.DeleteFunc(slices.Clone(callees), m.busy)
}

// hasRoom reports whether a call, or a part of one, may wait for a registration.
func (m *realmModel) hasRoom(s *routing.Session, id wamp.ID, c *wamp.Call) bool {
	parts, bytes := 0, 0
	for _, other := range m.calls {
		if other.id != id {
			continue
		}
		parts += len(other.waiting)
		for i := range other.waiting {
			bytes += modelSize(&other.waiting[i])
		}
	}
	n := modelSize(c)
	return parts < m.config.MaxQueuedCalls && bytes+n <= m.config.MaxQueuedBytes && m.keptOf(s)+n <= m.config.MaxKeptBytes
}

// keptOf returns how many bytes are kept of a caller's calls.
func (m *realmModel) keptOf(s *routing.Session) (bytes int) {
	for _, c := range m.calls {
		if c.caller == s {
			bytes += c.kept
		}
	}
	return bytes
}

func modelSize(c *wamp.Call) int {
	n := len(c.Payload.Raw) + len(c.Procedure)
	if p := c.Options.PPT; p != nil {
		n += len(p.Scheme + p.Serializer + p.Cipher + p.KeyID)
	}
	return n
}

// queue lets a new call wait, or returns why it cannot.
func (m *realmModel) queue(known *modelCall) wamp.ErrorURI {
	if !m.hasRoom(known.caller, known.id, &known.first) {
		return "crossbar.error.max_concurrency_reached"
	}
	known.waiting, known.kept = []wamp.Call{known.first}, modelSize(&known.first)
	if known.first.Options.Timeout > 0 {
		m.arm(known)
	}
	m.calls = append(m.calls, known)
	return ""
}

func (m *realmModel) queuePart(known *modelCall, c *wamp.Call) {
	if !m.hasRoom(known.caller, known.id, c) {
		m.refuse(known.caller, wamp.TypeCall, known.request, "crossbar.error.max_concurrency_reached")
		m.forget(known)
		return
	}
	known.waiting = append(known.waiting, *c)
	known.kept += modelSize(c)
}

// wake lets a callee that may have become free take what waits, in the order of calling.
func (m *realmModel) wake(o *modelOffer) {
	for slices.Contains(m.offers, o) && !m.busy(o) {
		at := slices.IndexFunc(m.calls, func(c *modelCall) bool { return c.offer == nil && m.mayTake(o, c) })
		if at < 0 {
			return
		}
		c := m.calls[at]
		if c.only == nil && o.options.Invoke == wamp.InvokeRoundRobin {
			m.turn[o.id] = modelAfter(m.peers(o), o)
		}
		m.resume(c, o)
	}
}

func (m *realmModel) mayTake(o *modelOffer, c *modelCall) bool {
	if c.id != o.id || c.only != nil {
		return c.only == o
	}
	callees := m.peers(o)
	switch o.options.Invoke {
	case wamp.InvokeSingle, wamp.InvokeFirst:
		return o == callees[0]
	case wamp.InvokeLast:
		return o == callees[len(callees)-1]
	default:
		return true
	}
}

func (m *realmModel) resume(c *modelCall, o *modelOffer) {
	uri := m.unfit(o, &c.first.Options)
	if m.isOver(c) {
		uri = "wamp.error.timeout"
	}
	if uri != "" {
		m.refuse(c.caller, wamp.TypeCall, c.request, uri)
		m.forget(c)
		return
	}
	waiting := c.waiting
	c.waiting = nil
	m.invoke(c, o)
	for i := range waiting[1:] {
		m.invocation(c, &waiting[i+1])
	}
	c.again = len(waiting) == 1 && m.canGoOn(o, &c.first.Options)
	if !c.again {
		c.kept = 0
	}
}

func (m *realmModel) isOver(c *modelCall) bool {
	timeout := time.Duration(c.first.Options.Timeout) * time.Millisecond
	return timeout > 0 && !c.since.Add(timeout).After(m.now)
}

// inherit settles what waited for a callee that has withdrawn.
func (m *realmModel) inherit(gone *modelOffer) {
	m.cancelWaiting(func(c *modelCall) bool { return c.only == gone })
	left := m.peers(gone)
	if len(left) == 0 || left[0].id != gone.id {
		m.cancelWaiting(func(c *modelCall) bool { return c.id == gone.id && c.only == nil })
		return
	}
	if gone.options.Invoke == wamp.InvokeLast {
		slices.Reverse(left)
	}
	m.wake(left[0])
}

func (m *realmModel) cancelWaiting(whose func(*modelCall) bool) {
	for _, c := range slices.Clone(m.calls) {
		if c.offer == nil && whose(c) {
			m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.canceled")
			m.forget(c)
		}
	}
}

// ---- rerouting ----

// canGoOn reports whether a call could go on from a callee to another.
func (m *realmModel) canGoOn(o *modelOffer, options *wamp.CallOptions) bool {
	return m.config.Rerouting && options.RunMode == "" && len(m.peers(o)) > 1 && calleeHas(o, wamp.FeatureCallReroute)
}

// goOn gives a call to the callee after the one that is unavailable.
func (m *realmModel) goOn(c *modelCall) {
	unavailable := c.offer
	c.tried = append(c.tried, unavailable.session)
	var o *modelOffer
	if c.again {
		o = m.next(c)
	}
	switch {
	case o == nil:
		m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.no_available_callee")
		m.end(c)
	case m.isOver(c):
		m.refuse(c.caller, wamp.TypeCall, c.request, "wamp.error.timeout")
		m.end(c)
	default:
		c.parts = 0
		m.invoke(c, o)
		m.wake(unavailable)
	}
}

// next returns the callee that comes after the present one, or nil.
func (m *realmModel) next(c *modelCall) *modelOffer {
	var callees, after, before []*modelOffer
	passed := false
	for _, o := range m.offers {
		if o.id != c.id {
			continue
		}
		callees = append(callees, o)
		passed = passed || o == c.offer
		if m.busy(o) || slices.Contains(c.tried, o.session) || m.unfit(o, &c.first.Options) != "" {
			continue
		}
		if passed {
			after = append(after, o)
		} else {
			before = append(before, o)
		}
	}
	all := slices.Concat(before, after)
	if !passed { // the present one has withdrawn
		after = all
	}
	switch policy := c.offer.options.Invoke; {
	case policy == wamp.InvokeFirst && len(after) > 0:
		return after[0]
	case policy == wamp.InvokeLast && len(before) > 0:
		return before[len(before)-1]
	case policy == wamp.InvokeRandom && len(all) > 0:
		return all[scaleDown(m.drawn(), len(all))]
	case policy == wamp.InvokeRoundRobin && len(all) > 0:
		return m.inTurn(callees, all)
	default:
		return nil
	}
}

func calleeHas(o *modelOffer, f wamp.Feature) bool {
	return o.session.Roles.Supports(wamp.RoleCallee, f)
}
