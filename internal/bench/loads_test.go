package bench

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/wamp"
)

func quickFanout(url string) Fanout {
	return Fanout{Target: target(url), Timing: briefly, Publishers: 2, Subscribers: 5, Depth: 4, Size: 256}
}

func TestFanoutOverEveryWire(t *testing.T) {
	for scheme, url := range startRouter(t) {
		for _, s := range serializers {
			t.Run(scheme+" "+s.String(), func(t *testing.T) {
				load := quickFanout(url)
				load.Serializer = s
				r, err := load.Run(t.Context())
				for err == nil && r.Events == 0 && load.Duration < patience/4 { // a busy machine
					load.Duration *= 2
					r, err = load.Run(t.Context())
				}
				switch {
				case err != nil:
					t.Error(err)
				case r.Events == 0 || r.Lost != 0 || !inOrder(r.Latency):
					t.Errorf("got %+v", r)
				}
			})
		}
	}
}

// What a router loses is found: the one here leaves out every third event, the first subscriber's only.
func TestFanoutCountsLostEvents(t *testing.T) {
	s := &stream{subscribers: 1, depth: 8}
	p := newPublisher(s, nil, 0)
	s.publishers = []*publisher{p}
	s.tallies[0].open(window{until: time.Now().Add(time.Hour)})
	sub := &subscriber{stream: s, tally: &s.tallies[0], next: make([]uint64, 1)}
	for number := range uint64(9) {
		p.sent++
		if number%3 == 1 {
			continue
		}
		if err := sub.note(stamp{number: number}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	p.sent += 2 // and two that nothing follows
	latency, lost := s.sum()
	if latency.total != 6 || lost != 5 || p.under() != 2 {
		t.Errorf("%d events, %d lost, %d under way", latency.total, lost, p.under())
	}
	for _, bad := range []stamp{{number: 8}, {number: 1}, {publisher: 1, number: 20}} {
		if err := sub.note(bad, time.Now()); !errors.Is(err, errDisorder) {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
}

func TestStampsSurviveEverySerializer(t *testing.T) {
	for _, s := range serializers {
		p, err := arguments(s, minEventSize)
		if err != nil {
			t.Fatal(err)
		}
		place := stampPlace(&p)
		if place < 0 {
			t.Fatalf("%s: no room for a stamp in %q", s, p.Raw)
		}
		if _, err := readStamp(&p, place); !errors.Is(err, errNoStamp) {
			t.Errorf("%s: padding is no stamp, but %v", s, err)
		}
		want := stamp{publisher: 7, number: 1<<63 + 5, at: 3 * time.Second}
		want.put(p.Raw[place:])
		if got, err := readStamp(&p, place); err != nil || got != want {
			t.Errorf("%s: %+v became %+v, %v", s, want, got, err)
		}
		p.Raw = p.Raw[:place+stampSize-1]
		if _, err := readStamp(&p, place); !errors.Is(err, errNoStamp) {
			t.Errorf("%s: half a stamp is no stamp, but %v", s, err)
		}
	}
}

func needProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/io"); err != nil {
		t.Skip("needs Linux's /proc")
	}
}

func TestIdle(t *testing.T) {
	needProc(t)
	for scheme, url := range startRouter(t) {
		load := Idle{Target: target(url), Sessions: 20}
		load.RouterPID, load.settle = os.Getpid(), time.Millisecond
		r, err := load.Run(t.Context())
		if err != nil || r.Sessions != 20 || r.RSSBefore == 0 || r.RSSPerSession != (float64(r.RSSAfter)-float64(r.RSSBefore))/20 {
			t.Errorf("%s: got %+v, %v", scheme, r, err)
		}
	}
}

func TestChurnCountsItsCycles(t *testing.T) {
	for scheme, url := range startRouter(t) {
		r, err := Churn{Target: target(url), Workers: 3, Cycles: 25, Size: 256}.Run(t.Context())
		if err != nil || r.Cycles != 25 || !inOrder(r.Latency) {
			t.Errorf("%s: got %+v, %v", scheme, r, err)
		}
	}
}

// Every call reaches the registration that it is meant for: with an error the measurement would fail.
func TestRegistrations(t *testing.T) {
	url := startRouter(t)["tcp"]
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		for _, skewed := range []bool{false, true} {
			load := Registrations{
				Target: target(url), Timing: briefly, Match: match, Few: 7, Many: 2500, Skewed: skewed,
				Callees: 3, Callers: 2, Depth: 4, Size: 256,
			}
			r, err := load.Run(t.Context())
			if err != nil || r.Few.Registrations != 7 || r.Many.Registrations != 2500 {
				t.Errorf("%s: got %+v, %v", match, r, err)
			}
		}
	}
}

func TestRegistrationsAreToldApart(t *testing.T) {
	for _, match := range []wamp.MatchPolicy{wamp.MatchExact, wamp.MatchPrefix, wamp.MatchWildcard} {
		d := &directory{crew: &crew{prefix: "com.bench."}, match: match}
		seen := make(map[string]bool)
		for _, i := range []int{0, 1, 2, 3, 10, 100, 1000, maxRegistrations - 1} {
			uri := d.pattern(i)
			if seen[uri] || len(uri) != len(d.pattern(i%3)) {
				t.Errorf("%s: %s", match, uri)
			}
			seen[uri] = true
		}
	}
}

// Calls that cannot be made in time are late, and their latency says so: it counts from when they were due.
func TestOpenLoop(t *testing.T) {
	load := quick(startRouter(t)["tcp"])
	load.Warmup, load.Duration, load.Rate, load.Depth = 20*time.Millisecond, 200*time.Millisecond, 1000, OpenDepth
	r, err := load.Run(t.Context())
	if err != nil || r.Calls != 200 || r.Errors != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestOpenLoopCountsFromTheTimeACallWasDue(t *testing.T) {
	const delay = 50 * time.Millisecond
	url := fakeRouter(t, func(m wamp.Message) wamp.Message {
		call, ok := m.(*wamp.Call)
		if !ok {
			return polite(m)
		}
		<-time.After(delay)
		return &wamp.Result{Request: call.Request}
	})
	load := quick(url)
	load.Pairs, load.Depth, load.Warmup, load.Duration, load.Rate = 1, 1, 0, 100*time.Millisecond, 100
	r, err := load.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Ten calls were due, one every 10 ms. Each takes 50 ms, one after the other: the last one waits for nine others.
	if r.Calls != 10 || r.Latency.Max < 10*delay-100*time.Millisecond {
		t.Errorf("got %+v", r)
	}
}

func TestOpenLoopThroughARelay(t *testing.T) {
	load := quick("tcp://" + startRelay(t))
	load.Relay, load.Rate = true, 1000
	if r, err := load.Run(t.Context()); err != nil || r.Calls != 60 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestOpenLoopEndsWhenTheRouterDoesNotAnswer(t *testing.T) {
	load := quick(fakeRouter(t, polite))
	load.Rate, load.patience = 1000, 50*time.Millisecond
	if _, err := load.Run(t.Context()); !errors.Is(err, errOverdue) {
		t.Errorf("got %v", err)
	}
}

// All loads end early when they are told to, refuse what is out of bounds, and say what they are doing.
func TestLoadsEndWhenTold(t *testing.T) {
	url := startRouter(t)["tcp"]
	ctx, cancel := context.WithCancel(t.Context())
	said := make(chan string, 1)
	told := target(url)
	told.Progress = func(doing string, share float64) {
		if share < 0 || share > 1 {
			t.Errorf("%s: %v", doing, share)
		}
		if doing == "counting" {
			cancel()
		}
		select {
		case said <- doing:
		default:
		}
	}
	long := Timing{Duration: time.Minute}
	_, err := Fanout{told, long, 1, 2, 4, 256}.Run(ctx)
	if !errors.Is(err, context.Canceled) || len(said) == 0 {
		t.Errorf("got %v", err)
	}
}

func TestLoadsRefuseWhatIsOutOfBounds(t *testing.T) {
	here := target("tcp://127.0.0.1:1")
	away := target("tcp://192.0.2.1:1")
	for text, load := range map[string]interface{ Validate() error }{
		"publishers":      &Fanout{here, briefly, 0, 1, 1, 256},
		"subscribers":     &Fanout{here, briefly, 1, maxPeers + 1, 1, 256},
		"depth":           &Fanout{here, briefly, 100, 1000, 1000, 256},
		"size":            &Fanout{here, briefly, 1, 1, 1, minSize},
		"duration":        &Fanout{here, Timing{}, 1, 1, 1, 256},
		"not on this":     &Fanout{away, briefly, 1, 1, 1, 256},
		"sessions":        &Idle{here, maxSessions + 1},
		"--router-pid":    &Idle{here, 1},
		"workers":         &Churn{here, 0, 1, 256},
		"cycles":          &Churn{here, 1, maxSessions + 1, 256},
		"registrations":   &Registrations{Target: here, Timing: briefly, Few: 1, Callees: 1, Callers: 1, Depth: 1, Size: 256},
		"the small":       &Registrations{Target: here, Timing: briefly, Few: 3, Many: 2, Callees: 1, Callers: 1, Depth: 1, Size: 256},
		"callees":         &Registrations{Target: here, Timing: briefly, Few: 1, Many: 2, Callers: 1, Depth: 1, Size: 256},
		"pairs":           &Slow{here, briefly, 1, 1, 0, 1, 256},
		"rate":            &RPC{Target: here, Timing: briefly, Pairs: 1, Depth: 1, Size: 256, Rate: -1},
		"no serializers":  &RPC{Target: here, Timing: briefly, Pairs: 1, Depth: 1, Size: 256, Relay: true, CalleeSerializer: wamp.JSON},
		"no serializer":   &RPC{Target: here, Timing: briefly, Pairs: 1, Depth: 1, Size: 256, CalleeSerializer: 9},
		"rounds":          &Suite{Timing: briefly, Sessions: 1, Registrations: 100},
		"bench: sessions": &Suite{Timing: briefly, Rounds: 1, Registrations: 100},
	} {
		if err := load.Validate(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
