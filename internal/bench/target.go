package bench

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

// Target is the router that is measured, and how to talk to it.
type Target struct {
	URL        string // ws://, tcp:// or unix://, on this machine
	Realm      string
	Serializer wamp.Serializer
	RouterPID  int // of the process to account for; 0: none

	// Progress is called now and then with what is going on and how much of it is done, from 0 to 1. It may be nil.
	Progress func(doing string, share float64)

	patience time.Duration // with peers that do not answer; default answerTimeout
	settle   time.Duration // before memory is read; default settleTime
	asked    *child        // the router's process, if it can be asked; nil: it cannot
}

// Timing says how long to measure.
type Timing struct {
	Warmup   time.Duration // before counting begins
	Duration time.Duration // of counting
}

// The bounds of a measurement.
const (
	maxPeers    = 10_000
	maxInFlight = 1 << 20
	maxBytes    = 1 << 30 // of the arguments in flight
	maxSize     = 15 << 20
	maxDuration = 5 * time.Minute
)

// answerTimeout is how long opening a session may take, and how long the last answers may take to come back.
const answerTimeout = 5 * time.Second

var (
	schemes     = []string{"ws", "tcp", "unix"}
	serializers = []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}
)

func (t *Target) validate() error {
	if !slices.Contains(serializers, t.Serializer) {
		return errors.New("bench: no serializer")
	}
	return checkURL(t.URL)
}

func (t *Timing) validate() error {
	if t.Warmup < 0 || t.Duration <= 0 || t.Duration > maxDuration || t.Warmup > maxDuration-t.Duration {
		return fmt.Errorf("bench: duration must be positive, and at most %s with the warm-up", maxDuration)
	}
	return nil
}

// between returns an error unless the value of what is named lies between least and most.
func between(name string, value, least, most int) error {
	if value < least || value > most {
		return fmt.Errorf("bench: %s must be between %d and %d", name, least, most)
	}
	return nil
}

// checkURL refuses to measure anything that is not on this machine, or that cannot be talked to.
func checkURL(rawURL string) error {
	u, err := url.Parse(rawURL)
	switch {
	case err != nil:
		return fmt.Errorf("bench: %w", err)
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("bench: %s is not measured; write ws://, tcp:// or unix://", rawURL)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "unix" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("bench: %s is not on this machine; only loopback addresses are measured", rawURL)
}

// window is the time in which is counted.
type window struct {
	begin time.Time // of warming up
	from  time.Time
	until time.Time
}

// open returns the window that begins now.
func (t *Timing) open() window {
	now := time.Now()
	return window{now, now.Add(t.Warmup), now.Add(t.Warmup + t.Duration)}
}

func (w *window) holds(at time.Time) bool { return !at.Before(w.from) && at.Before(w.until) }
