package bench

import (
	"context"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// victim is the subscriber that did not read.
type victim struct {
	*peer
	stream *stream
	next   []uint64 // number of the next event, by publisher
	last   uint64   // the number of the first publisher's event with which it has caught up
	found  Victim
}

func newVictim(p *peer, s *stream) *victim {
	v := &victim{peer: p, stream: s}
	for _, publisher := range s.publishers {
		v.next = append(v.next, publisher.sent) // what was published before is not for it
	}
	return v
}

// catchUp reads everything that still comes. Now and then another event is published meanwhile, because a router may
// own up to losses with the next event only.
func (v *victim) catchUp(ctx context.Context) Victim {
	reading, done := context.WithTimeout(ctx, v.patience)
	defer done()
	v.last = v.stream.publishers[0].sent
	wait := v.stream.crew.together(1, func(int) error {
		defer done()
		return v.read(reading)
	})
	ticks := time.NewTicker(progressInterval / 4)
	defer ticks.Stop()
	for reading.Err() == nil {
		select {
		case <-reading.Done():
		case <-ticks.C:
			_ = v.stream.publishers[0].send(1, 0) // a publisher that cannot send has failed, and said so
		}
	}
	v.close()
	wait()
	return v.found
}

// read reads until it has caught up, its session is ended, or ctx is done.
func (v *victim) read(ctx context.Context) error {
	for v.next[0] <= v.last {
		if v.receive() != nil {
			if ctx.Err() == nil {
				v.found.Ended = "the connection was closed without a word"
			}
			return nil
		}
		for _, m := range v.received.Messages {
			if ended, err := v.note(m); ended || err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *victim) note(m wamp.Message) (ended bool, err error) {
	switch m := m.(type) {
	case *wamp.Event:
		return false, v.count(m)
	case *wamp.Goodbye:
		v.found.Ended = m.Reason
	case *wamp.Abort:
		v.found.Ended = m.Reason
	default:
		return false, unexpected(m)
	}
	return true, nil
}

func (v *victim) count(m *wamp.Event) error {
	s, err := readStamp(&m.Payload, v.stream.place)
	if err != nil {
		return err
	}
	if s.publisher >= uint64(len(v.next)) || s.number < v.next[s.publisher] {
		return errDisorder
	}
	v.found.Received++
	v.found.Missed += s.number - v.next[s.publisher]
	v.next[s.publisher] = s.number + 1
	v.found.Announced += m.Details.Lost
	return nil
}
