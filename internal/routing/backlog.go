package routing

import (
	"strings"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// kept is what the dealer keeps of a call while it may have to invoke it later: while the call waits for a callee that
// is not busy (ROU-22), and while its callee may ask for another (RRT-06). It shares no memory with messages.
type kept struct {
	registration *registration
	parts        []wamp.Call // the first, and of a call that waits those that followed
	grant        Grant
	since        time.Time // when its timeout began to run
	bytes        int       // of the parts

	line           *line // where it waits; nil if it does not
	previous, next *call // in the line
	ticket         uint64

	tried []*Session // who asked for another callee
}

// line is a row of waiting calls, first come first served (ROU-23).
type line struct{ first, last *call }

// backlog is all that waits for the callees of one registration.
type backlog struct {
	open    line              // calls for whom the invocation policy chooses
	shards  map[*callee]*line // calls that only one callee may take (SHD-07)
	tickets uint64
	parts   int // of calls
	bytes   int // of the parts
}

// enqueue lets a new call wait until a callee is free, the only one that may take it or any that the policy chooses.
// It returns why the call cannot.
func (d *Dealer) enqueue(now time.Time, from *Session, r *registration, only *callee, m *wamp.Call, g *Grant) refusal {
	b := r.backlog
	if b == nil {
		b = new(backlog)
	}
	if !d.canWait(from, b, m) {
		return refusal{wamp.ErrMaxConcurrencyReached, "every callee is busy, and no more calls may wait"}
	}
	r.backlog = b
	c := d.open(from, m)
	d.keep(now, c, r, m, g)
	b.push(c, only)
	if timeout := d.timeoutOf(m); timeout > 0 {
		d.timers.start(c, now, milliseconds(timeout))
	}
	return refusal{}
}

// enqueuePart lets a further part of a call that waits wait as well. If there is no room for it, the call ends.
func (d *Dealer) enqueuePart(now time.Time, c *call, m *wamp.Call, out *Outbox) {
	k := c.kept
	b := k.registration.backlog
	if !d.canWait(c.caller, b, m) {
		c.refuse(wamp.ErrMaxConcurrencyReached, "every callee is busy, and no more parts of calls may wait", out)
		d.finish(now, c, out)
		return
	}
	n := size(m)
	k.since = now
	k.parts = append(k.parts, own(m))
	k.bytes += n
	b.parts++
	b.bytes += n
	c.caller.dealer.kept += n
}

// canWait reports whether there is room for a call, or a part of one.
func (d *Dealer) canWait(from *Session, b *backlog, m *wamp.Call) bool {
	return b.parts < d.config.MaxQueuedCalls && b.bytes+size(m) <= d.config.MaxQueuedBytes && d.canKeep(from, m)
}

// canKeep reports whether the dealer may keep a call of the session.
func (d *Dealer) canKeep(from *Session, m *wamp.Call) bool {
	return from.dealer.kept+size(m) <= d.config.MaxKeptBytes
}

// keep keeps the call.
func (d *Dealer) keep(now time.Time, c *call, r *registration, m *wamp.Call, g *Grant) {
	c.kept = &kept{registration: r, parts: []wamp.Call{own(m)}, grant: *g, since: now, bytes: size(m)}
	c.caller.dealer.kept += c.kept.bytes
}

// release frees what was kept of the call. It does not wait any more.
func (d *Dealer) release(c *call) {
	k := c.kept
	if k.line != nil {
		k.registration.backlog.remove(c)
	}
	c.caller.dealer.kept -= k.bytes
	c.kept = nil
}

// serve lets a callee that has become free take calls that wait.
func (d *Dealer) serve(now time.Time, to *callee, out *Outbox) {
	r := to.registration
	for c := r.nextFor(to); c != nil; c = r.nextFor(to) {
		if !d.mayResume(c, out) {
			d.leaveVacancy(to, out)
			return
		}
		d.resume(now, c, to, out)
	}
}

// resume gives a call that waited to a callee.
func (d *Dealer) resume(now time.Time, c *call, to *callee, out *Outbox) {
	k := c.kept
	r := k.registration
	if r.invoke == wamp.InvokeRoundRobin && k.line == &r.backlog.open {
		r.callees.turn(to)
	}
	first := &k.parts[0]
	r.backlog.remove(c)
	no := d.unfit(to, &first.Options)
	if d.overdue(k, now) {
		no = timedOut
	}
	if no.refuses() {
		c.refuse(no.uri, no.text, out)
		d.finish(now, c, out)
		return
	}
	d.invoke(now, c, to, first, &k.grant, out)
	for i := range k.parts[1:] {
		d.sendPart(c, &k.parts[1+i], out)
	}
	if c.kept != nil && !d.mayReroute(to, first) {
		d.release(c)
	}
}

// bequeath settles the calls that waited for a callee which has withdrawn: those that no other may take are over
// (ROU-23), and the next one in its place may be free for the others.
func (d *Dealer) bequeath(now time.Time, gone *callee, out *Outbox) {
	r := gone.registration
	b := r.backlog
	if b == nil {
		return
	}
	if own := b.shards[gone]; own != nil {
		d.cancelAll(now, own, out)
		delete(b.shards, gone)
	}
	switch {
	case r.callees.count() == 0:
		d.cancelAll(now, &b.open, out)
	case r.invoke == wamp.InvokeLast:
		d.serve(now, r.callees.newest(), out)
	default:
		d.serve(now, r.callees.oldest(), out)
	}
}

func (d *Dealer) cancelAll(now time.Time, l *line, out *Outbox) {
	for c := l.first; c != nil; c = l.first {
		c.refuse(wamp.ErrCanceled, "the callee withdrew while the call waited", out)
		d.finish(now, c, out)
	}
}

// nextFor returns the call that has waited longest of those that the callee may take, or nil.
func (r *registration) nextFor(to *callee) *call {
	if r.backlog == nil || to.busy() {
		return nil
	}
	return r.longestFor(to)
}

// longestFor is nextFor for a callee that has a slot for the call, in a registration for which calls have waited.
func (r *registration) longestFor(to *callee) *call {
	b := r.backlog
	var next *call
	if r.chooses(to) {
		next = b.open.first
	}
	if l := b.shards[to]; l != nil && l.first != nil && (next == nil || l.first.kept.ticket < next.kept.ticket) {
		next = l.first
	}
	return next
}

// chooses reports whether the invocation policy could choose the callee if all were free.
func (r *registration) chooses(c *callee) bool {
	switch r.invoke {
	case wamp.InvokeRoundRobin, wamp.InvokeRandom:
		return true
	case wamp.InvokeLast:
		return c == r.callees.newest()
	default:
		return c == r.callees.oldest()
	}
}

// push lets a call wait at the end of the line.
func (b *backlog) push(c *call, only *callee) {
	k := c.kept
	b.tickets++
	b.parts++
	b.bytes += k.bytes
	k.ticket = b.tickets
	k.line = b.lineFor(only)
	k.line.push(c)
}

func (b *backlog) lineFor(only *callee) *line {
	if only == nil {
		return &b.open
	}
	if b.shards == nil {
		b.shards = make(map[*callee]*line)
	}
	if b.shards[only] == nil {
		b.shards[only] = new(line)
	}
	return b.shards[only]
}

// remove ends the waiting of a call.
func (b *backlog) remove(c *call) {
	k := c.kept
	b.parts -= len(k.parts)
	b.bytes -= k.bytes
	k.line.remove(c)
	k.line = nil
}

func (l *line) push(c *call) {
	c.kept.previous = l.last
	if l.last == nil {
		l.first = c
	} else {
		l.last.kept.next = c
	}
	l.last = c
}

func (l *line) remove(c *call) {
	k := c.kept
	if k.previous == nil {
		l.first = k.next
	} else {
		k.previous.kept.next = k.next
	}
	if k.next == nil {
		l.last = k.previous
	} else {
		k.next.kept.previous = k.previous
	}
	k.previous, k.next = nil, nil
}

// overdue reports whether the time that the call may take is over.
func (d *Dealer) overdue(k *kept, now time.Time) bool {
	timeout := d.timeoutOf(&k.parts[0])
	return timeout > 0 && now.Sub(k.since) >= milliseconds(timeout)
}

// own returns a copy of what matters of a CALL, which shares no memory with it.
func own(m *wamp.Call) wamp.Call {
	c := *m
	c.Procedure = strings.Clone(m.Procedure)
	c.Payload = m.Payload.Clone()
	c.Options.RunMode = strings.Clone(m.Options.RunMode)
	c.Options.RKey, c.Options.Extra = "", nil // they have done their duty
	if m.Options.PPT != nil {
		c.Options.PPT = &wamp.Passthru{
			Scheme:     strings.Clone(m.Options.PPT.Scheme),
			Serializer: strings.Clone(m.Options.PPT.Serializer),
			Cipher:     strings.Clone(m.Options.PPT.Cipher),
			KeyID:      strings.Clone(m.Options.PPT.KeyID),
		}
	}
	return c
}

// size returns about how many bytes it takes to keep a CALL.
func size(m *wamp.Call) int {
	n := len(m.Payload.Raw) + len(m.Procedure)
	if p := m.Options.PPT; p != nil {
		n += len(p.Scheme) + len(p.Serializer) + len(p.Cipher) + len(p.KeyID)
	}
	return n
}
