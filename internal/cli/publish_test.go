package cli

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/wamp"
)

func TestPublishFlags_PEX02_BWL01_RET01(t *testing.T) {
	tests := map[string]struct {
		flags string
		want  wamp.PublishOptions
	}{
		"none":               {"", wamp.PublishOptions{}},
		"retain":             {"--retain", wamp.PublishOptions{Retain: true}},
		"disclose":           {"--disclose-me", wamp.PublishOptions{DiscloseMe: true}},
		"exclude me":         {"--exclude-me", wamp.PublishOptions{}},
		"do not exclude me":  {"--exclude-me=false", wamp.PublishOptions{IncludeMe: true}},
		"sessions":           {"--eligible 1,2 --eligible 3", wamp.PublishOptions{Receivers: &wamp.Receivers{Eligible: []wamp.ID{1, 2, 3}}}},
		"excluded sessions":  {"--exclude 9007199254740992", wamp.PublishOptions{Receivers: &wamp.Receivers{Exclude: []wamp.ID{wamp.MaxID}}}},
		"names with a comma": {"--eligible-authid a,b", wamp.PublishOptions{Receivers: &wamp.Receivers{EligibleAuthID: []string{"a,b"}}}},
		"all": {
			"--eligible-authid ann --eligible-authrole staff --exclude-authid bob --exclude-authid eve --exclude-authrole guest",
			wamp.PublishOptions{Receivers: &wamp.Receivers{
				EligibleAuthID: []string{"ann"}, EligibleAuthRole: []string{"staff"},
				ExcludeAuthID: []string{"bob", "eve"}, ExcludeAuthRole: []string{"guest"},
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			url := startFake(t, func(r *fake) {
				m, ok := r.read().(*wamp.Publish)
				if !ok {
					t.Error("no PUBLISH")
					return
				}
				if diff := cmp.Diff(test.want, m.Options); diff != "" {
					t.Errorf("options (-want +got):\n%s", diff)
				}
			})
			args := append([]string{"publish", "--url", url, "com.example.news"}, strings.Fields(test.flags)...)
			tandem(t, args...).expect(t, exitOK, "", "")
		})
	}
}

// A router does not answer a publication that it need not acknowledge, whatever is wrong with it (PUB-06).
func TestPublishRefusesWhatIsNoTopic(t *testing.T) {
	for _, topic := range []string{"", "com.example news", "com..example", "com.example."} {
		tandem(t, "publish", "--url", "tcp://127.0.0.1:1", topic).expect(t, exitFailure, "", "wamp.error.invalid_uri")
	}
}

func TestPublishRepeatedly(t *testing.T) {
	_, ws, _ := startDev(t)
	subscriber := startSubscribe(t, ws, "--count", "3", "com.example.news")
	e := tandem(t, "publish", "--url", ws, "--ack", "--repeat", "3", "--rate", "1000", "com.example.news", "1")
	if ids := strings.Fields(e.out); e.code != exitOK || len(ids) != 3 || ids[0] == ids[1] {
		t.Errorf("publishing gave %+v", e)
	}
	subscriber.end(t).expect(t, exitOK, "1\n1\n1\n", "subscribed")
}

func TestPublishUntilStopped(t *testing.T) {
	_, ws, _ := startDev(t)
	for flags, code := range map[string]int{
		"--repeat 0 --rate 1000":   exitOK,
		"--repeat 2 --rate 0.0001": exitInterrupted, // before it was done
	} {
		args := append(strings.Fields("publish --ack --url "+ws+" com.example.news"), strings.Fields(flags)...)
		p := launch(t, args...)
		p.out.await(t, "\n")
		if e := p.stop(t); e.code != code || e.err != "" {
			t.Errorf("%s: ended with %d and %q", flags, e.code, e.err)
		}
	}
}

func TestPace(t *testing.T) {
	for name, test := range map[string]struct {
		rate float64
		want time.Duration // for 11 times
	}{
		"as fast as possible": {0, 0},
		"four a second":       {4, 2500 * time.Millisecond},
		"one in two seconds":  {0.5, 20 * time.Second},
		"without end":         {math.Inf(1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pace, start := newPace(test.rate), time.Now()
				for range 11 {
					if err := pace.wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(start); took != test.want {
					t.Errorf("took %s, want %s", took, test.want)
				}
			})
		})
	}
}

// What took too long is not followed by a burst.
func TestPaceDoesNotMakeUpForDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pace := newPace(1)
		_ = pace.wait(t.Context())
		<-time.After(time.Minute)
		_ = pace.wait(t.Context())
		start := time.Now()
		_ = pace.wait(t.Context())
		if took := time.Since(start); took != time.Second {
			t.Errorf("waited %s, want 1s", took)
		}
	})
}

func TestPaceIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		pace := newPace(1e-300)
		if err := pace.wait(ctx); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		if err := pace.wait(ctx); err == nil {
			t.Error("waited to the end")
		}
	})
}
