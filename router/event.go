package router

import (
	"errors"
	"log/slog"
	"math/bits"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// This file is about subscribers that lose events. Everything here happens under brokerMu with the subscriber's queue
// locked, but for the log.

// putEvent puts the event into the queue of one of its receivers. It is encoded once for all of them, except for those
// who must be told that they lost some. For a single receiver it is encoded right into the queue, unless it might have to be
// dropped from there.
func (w *worker) putEvent(s *session, m *wamp.Event) error {
	if s.stalled {
		return transport.ErrQueueFull // it costs no more
	}
	if w.lone && s.untold == 0 && s.realm.slowSubscribers != DropOld {
		return s.peer.queue.AppendBulkPreparedLocked(m, &w.payloads) // nothing is shared, and so nothing allocated
	}
	w.outgoing.Use(m)
	if s.untold > 0 {
		return w.putNotice(s, m)
	}
	return w.putShared(s, &w.outgoing, 0)
}

// putShared puts the event, which tells of so many lost ones, into the queue. If the realm drops old events it may cost
// some of them.
func (w *worker) putShared(s *session, o *transport.Outgoing, tells uint64) error {
	if s.realm.slowSubscribers != DropOld {
		return s.peer.queue.AppendOutgoingLocked(o)
	}
	dropped, err := s.peer.queue.AppendDroppableLocked(o, tells)
	if dropped.Messages > 0 {
		s.untold += dropped.Told
		w.lose(s, dropped.Messages)
	}
	return err
}

// noticeSize is how much longer an event becomes at most when it tells of lost ones, in any serializer and framing.
const noticeSize = 64

// putNotice puts the event into the queue in an encoding that tells how many were lost before it. Where there is no room
// for that nothing is encoded: a subscriber that does not read costs no more than others.
func (w *worker) putNotice(s *session, m *wamp.Event) error {
	untold := s.untold
	switch err := s.peer.queue.RoomLocked(&w.outgoing, noticeSize); {
	case err == nil:
		if err = w.putShared(s, w.notice.of(m, untold), untold); err == nil {
			s.untold -= untold
		}
		return err
	case errors.Is(err, transport.ErrQueueFull) && s.realm.slowSubscribers != DropOld:
		return err
	default:
		return w.putShared(s, &w.outgoing, 0) // without a word, if it fits so
	}
}

// eventRefused notes that the session lost an event, and what follows from that.
func (w *worker) eventRefused(s *session, err error) {
	if errors.Is(err, transport.ErrQueueFull) && s.realm.slowSubscribers == Disconnect && !s.stalled {
		s.stalled = true
		w.expel(s, noRoomForEvent)
	}
	w.lose(s, 1)
}

const noRoomForEvent = "the session's outbound queue is full and has no room for an event"

// lose counts events that the session lost. If it may go on, the log gets a line whenever the number has about doubled
// (FLW-02).
func (w *worker) lose(s *session, events uint64) {
	before := s.core.Lost
	s.core.Lost += events
	s.untold += events
	s.realm.dropped.Add(events)
	if s.realm.slowSubscribers != Disconnect && bits.Len64(s.core.Lost) > bits.Len64(before) {
		w.lossy = append(w.lossy, loss{s, s.core.Lost})
	}
}

// loss is a line for the log, which is not written under a lock.
type loss struct {
	s    *session
	lost uint64 // in all
}

func (w *worker) logLosses() {
	for i, l := range w.lossy {
		l.s.peer.log(slog.LevelWarn, "events dropped: the subscriber does not read",
			"realm", l.s.realm.name, "session", l.s.core.ID, "lost", l.lost)
		w.lossy[i] = loss{}
	}
	w.lossy = w.lossy[:0]
}

// notice is an event in an encoding for those that lost the same number of events before it.
type notice struct {
	original *wamp.Event
	event    wamp.Event
	outgoing transport.Outgoing
}

// of returns the event m with the number of lost ones in its details.
func (n *notice) of(m *wamp.Event, lost uint64) *transport.Outgoing {
	if n.original != m || n.event.Details.Lost != lost {
		n.outgoing.Use(nil)
		n.original, n.event = m, *m
		n.event.Details.Lost = lost
		n.outgoing.Use(&n.event)
	}
	return &n.outgoing
}

// reset gives up the event, whose memory is used again.
func (n *notice) reset() {
	if n.original == nil {
		return
	}
	n.outgoing.Use(nil)
	n.original, n.event = nil, wamp.Event{}
}
