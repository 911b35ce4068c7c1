package router

import (
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// worker is the scratch memory with which a goroutine handles one run. It belongs to the run and not to the
// connection, so that a connection on which nothing happens holds nothing.
type worker struct {
	now      time.Time // one reading of the clock for the whole run
	run      transport.Run
	out      routing.Outbox
	metaOut  routing.Outbox // of the router's own events, while out is being carried out
	grants   []routing.Grant
	repeated []bool // which of the messages are calls whose request ID is not new; empty if the realm does not mind
	request  auth.Request
	ahead    ahead
	payloads transport.Payloads // of large messages, for their receivers
	outgoing transport.Outgoing
	lone     bool // nobody but the receiver of the send under way gets its message

	taken       []*transport.Queue // locked for the delivery under way
	touched     []*transport.Queue // have something that this worker must flush
	undelivered []undelivered
	vacancies   []routing.Vacancy // left by steps, to be filled
	expelled    []expulsion
	lossy       []loss
	notice      notice

	departing *session // leaves the realm with the step under way; nil: nobody does
	departure routing.Departure
	killed    []routing.Killed // must go because the step under way said so

	commits  []pendingCommit // of what the delivery under way has put into histories
	promises []promise       // to be kept at the end of the run, or before the session ends
}

// expulsion is a session that must go because its queue had no room.
type expulsion struct {
	s   *session
	why string // for its peer and the log
}

// undelivered is a message that the core must settle because its receiver did not get it.
type undelivered struct {
	to  *session
	msg wamp.Message
	why routing.Reason
}

var workers = sync.Pool{New: func() any { return newWorker() }}

func newWorker() *worker {
	w := new(worker)
	w.outgoing.Payloads, w.notice.outgoing.Payloads = &w.payloads, &w.payloads
	return w
}

func takeWorker() *worker {
	w := workers.Get().(*worker)
	w.now = time.Now()
	return w
}

// release gives the worker back, without references to what it handled.
func (w *worker) release() {
	w.run.Reset()
	w.payloads.Reset()
	workers.Put(w)
}

// append puts the message into its receiver's queue, which the worker has locked, and notes what becomes of a
// message that does not fit.
func (w *worker) append(send *routing.Send) {
	s := send.To.Shell.(*session)
	if _, violated := send.Msg.(*wamp.Abort); violated {
		return // the session's reader ends it: see peer.routeRun
	}
	q := s.peer.queue
	if err := w.put(s, send.Msg); err != nil {
		w.refused(s, send.Msg, err)
		return
	}
	if q.TouchLocked() {
		w.touched = append(w.touched, q)
	}
}

// put encodes an EVENT once for all its receivers, whose sends follow one another: see putEvent. What can be refused
// leaves room in the queue for answers, which cannot.
func (w *worker) put(s *session, m wamp.Message) error {
	switch m := m.(type) {
	case *wamp.Event:
		return w.putEvent(s, m)
	case *wamp.Result:
		return w.putOne(s, m, &m.Payload, m.Details.Progress)
	case *wamp.Invocation:
		return w.putOne(s, m, &m.Payload, true)
	case *wamp.Error:
		return w.putOne(s, m, &m.Payload, false)
	}
	return s.peer.queue.AppendLocked(m)
}

// putOne puts in a message with a payload that only this session gets.
func (w *worker) putOne(s *session, m wamp.Message, p *wamp.Payload, refusable bool) error {
	q := s.peer.queue
	if len(p.Raw) >= transport.LargePayload || !w.payloads.Empty() {
		return w.putPrepared(s, m, p, refusable)
	}
	if refusable {
		return q.AppendBulkLocked(m)
	}
	return q.AppendLocked(m)
}

func (w *worker) putPrepared(s *session, m wamp.Message, p *wamp.Payload, refusable bool) error {
	if w.unprepared(s, p) {
		s.realm.unprepared.Add(1)
	}
	if refusable {
		return s.peer.queue.AppendBulkPreparedLocked(m, &w.payloads)
	}
	return s.peer.queue.AppendPreparedLocked(m, &w.payloads)
}

// refused notes a message that its receiver's queue did not take.
func (w *worker) refused(s *session, m wamp.Message, err error) {
	switch {
	case errors.Is(err, transport.ErrQueueClosed):
		// the session is ending, and its end settles everything
	case m.Type() == wamp.TypeEvent:
		w.eventRefused(s, err)
	case bareError(m) && errors.Is(err, transport.ErrTooLarge):
		w.expel(s, "the peer accepts no message of the size of a reply") // nothing smaller could be said
	case m.Type() == wamp.TypeInvocation || progressive(m) || errors.Is(err, transport.ErrTooLarge):
		w.undelivered = append(w.undelivered, undelivered{s, detached(m), reasonOf(err)})
	case errors.Is(err, transport.ErrQueueFull):
		w.expel(s, noRoomForReply)
	default:
		w.undelivered = append(w.undelivered, undelivered{s, detached(m), routing.NotExpressible})
	}
}

// noRoomForReply ends a session because one that goes on without a reply would wait for ever.
const noRoomForReply = "the session's outbound queue is full and has no room for a reply"

func (w *worker) expel(s *session, why string) { w.expelled = append(w.expelled, expulsion{s, why}) }

// progressive reports whether the message is a progressive RESULT.
func progressive(m wamp.Message) bool {
	r, ok := m.(*wamp.Result)
	return ok && r.Details.Progress
}

// bareError reports whether the message is an ERROR without a payload.
func bareError(m wamp.Message) bool {
	e, ok := m.(*wamp.Error)
	return ok && e.Payload.Empty()
}

func reasonOf(err error) routing.Reason {
	switch {
	case errors.Is(err, transport.ErrTooLarge):
		return routing.TooLarge
	case errors.Is(err, transport.ErrQueueFull):
		return routing.QueueFull
	default:
		return routing.NotExpressible
	}
}

// detached returns a copy of the message for later, when the outbox that it stands in is used again.
func detached(m wamp.Message) wamp.Message {
	switch m := m.(type) {
	case *wamp.Invocation:
		return &wamp.Invocation{Request: m.Request, Registration: m.Registration}
	case *wamp.Result:
		return &wamp.Result{Request: m.Request, Details: wamp.ResultDetails{Progress: m.Details.Progress}}
	case *wamp.Error:
		e := *m // with its payload, whose bytes are still there: the dealer has to know that there was one
		return &e
	default:
		return m
	}
}

// flushesAtOnce is after how many writes the worker lets other goroutines run, so that an event for thousands does not
// hold up everything else.
const flushesAtOnce = 32

// flush writes what the worker's deliveries put into queues. If it touched several, it lets other goroutines run
// first, which may add to the same queues and so save writes.
func (w *worker) flush() {
	if len(w.touched) > 1 {
		runtime.Gosched()
	}
	for i, q := range w.touched {
		if i > 0 && i%flushesAtOnce == 0 {
			runtime.Gosched()
		}
		q.Flush()
	}
	clear(w.touched)
	w.touched = w.touched[:0]
}
