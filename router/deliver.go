package router

import (
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/wamp"
)

// deliverDealer carries out a dealer's outbox, and what the dealer says to messages that did not reach their receivers.
// It is called with dealerMu held and returns without it.
func (rl *realm) deliverDealer(w *worker) {
	rl.carryOut(w)
	rl.settleAll(w)
}

// settleAll settles messages until none is undelivered, and fills vacancies until there are none. It is called without
// locks.
func (rl *realm) settleAll(w *worker) {
	for len(w.undelivered)+len(w.vacancies) > 0 {
		if len(w.undelivered) > 0 {
			rl.settle(w)
		} else {
			rl.fill(w)
		}
	}
}

// carryOut carries out a dealer's outbox. It is called with dealerMu held and returns without it: the
// receivers' queues are taken first, so that no later step can overtake this one, and the messages are encoded when
// the lock is free again.
func (rl *realm) carryOut(w *worker) {
	rl.armLocked(w.now)
	rl.takeReceivers(w)
	hasNews := rl.leaveNews(w)
	rl.dealerMu.Unlock()
	for i := range w.out.Sends {
		w.append(&w.out.Sends[i])
	}
	w.giveReceivers()
	if hasNews {
		rl.hearNews(w)
	}
	w.vacancies = append(w.vacancies, w.out.Vacancies...)
	w.out.Reset()
}

// takeReceivers locks the queue of every receiver in the outbox once.
func (rl *realm) takeReceivers(w *worker) {
	rl.epoch++
	for i := range w.out.Sends {
		s := w.out.Sends[i].To.Shell.(*session)
		if s.taken == rl.epoch {
			continue
		}
		s.taken = rl.epoch
		s.peer.queue.Lock()
		w.taken = append(w.taken, s.peer.queue)
	}
}

func (w *worker) giveReceivers() {
	for _, q := range w.taken {
		q.Unlock()
	}
	clear(w.taken)
	w.taken = w.taken[:0]
}

// settle tells the dealer of messages that did not reach their receivers, and carries out what it says to that.
// It ends because a refusal of a refusal says nothing more.
func (rl *realm) settle(w *worker) {
	failed := w.undelivered
	w.undelivered = nil
	rl.dealerMu.Lock()
	for _, f := range failed {
		rl.dealer.Undelivered(w.now, &f.to.core, f.msg, f.why, &w.out)
	}
	rl.carryOut(w)
}

// deliverBroker carries out a broker's outbox. It is called with brokerMu held and returns with it: queues are taken
// one at a time, and the lock keeps the order. An answer to a call that did not reach its caller is left for the dealer to
// settle (RPC-13).
func (rl *realm) deliverBroker(w *worker, out *routing.Outbox) {
	rl.keepLocked(w, out)
	var large *wamp.Payload
	for i := range out.Sends {
		send := &out.Sends[i]
		if len(w.commits) > 0 && w.promise(send) {
			continue
		}
		w.lone = lone(out.Sends, i)
		s := send.To.Shell.(*session)
		if i == 0 || send.Msg != out.Sends[i-1].Msg {
			large = largePayloadOf(send.Msg)
		}
		if large != nil && w.unprepared(s, large) {
			rl.unprepared.Add(1)
			w.payloads.Prepare(large, s.speaks) // or the dealer might have to wait for it
		}
		q := s.peer.queue
		q.Lock()
		w.append(send)
		q.Unlock()
	}
	w.outgoing.Use(nil)
	w.notice.reset()
	w.killed = append(w.killed, out.Killed...)
	out.Reset()
}

// lone reports whether nobody else receives the message of that send.
func lone(sends []routing.Send, i int) bool {
	return (i == 0 || sends[i-1].Msg != sends[i].Msg) && (i+1 == len(sends) || sends[i+1].Msg != sends[i].Msg)
}

// kill ends the sessions that a step ordered to end, in that order. It is called without locks.
func (w *worker) kill() {
	for i := range w.killed {
		k := &w.killed[i]
		k.Session.Shell.(*session).kill(w, k)
	}
	clear(w.killed)
	w.killed = w.killed[:0]
}

// finish writes what the worker's deliveries gathered, and ends the sessions whose queues had no room, which may gather
// more. It is called without locks.
func (w *worker) finish() {
	w.flush()
	for len(w.expelled) > 0 {
		last := len(w.expelled) - 1
		e := w.expelled[last]
		w.expelled[last] = expulsion{}
		w.expelled = w.expelled[:last]
		e.s.expel(w, e.why)
		w.flush()
	}
	w.logLosses()
}
