package bench

import (
	"errors"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// subscriber counts what it receives.
type subscriber struct {
	*peer
	stream *stream
	tally  *tally
	next   []uint64 // number of the next event, by publisher
}

// read reads until the connection ends, and says why.
func (s *subscriber) read() error {
	for {
		if err := s.receive(); err != nil {
			return err
		}
		if err := s.count(time.Now()); err != nil {
			return err
		}
	}
}

func (s *subscriber) count(now time.Time) error {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	for _, m := range s.received.Messages {
		event, ok := m.(*wamp.Event)
		if !ok {
			return unexpected(m)
		}
		stamp, err := readStamp(&event.Payload, s.stream.place)
		if err != nil {
			return err
		}
		if err := s.note(stamp, now); err != nil {
			return err
		}
	}
	return nil
}

var errDisorder = errors.New("an event came twice, or after a later one")

// note counts an event, and as lost those of the same publisher that should have come before it.
func (s *subscriber) note(st stamp, now time.Time) error {
	if st.publisher >= uint64(len(s.next)) || st.number < s.next[st.publisher] {
		return errDisorder
	}
	lost := st.number - s.next[st.publisher]
	s.next[st.publisher] = st.number + 1
	if w := &s.tally.window; w.holds(now) {
		s.tally.latency.add(now.Sub(w.begin) - st.at)
		s.tally.lost += lost
	}
	s.stream.publishers[st.publisher].settle(lost + 1)
	return nil
}
