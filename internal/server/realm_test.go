package server_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/wamp"
)

// patient is a handler that answers when nobody waits any more.
func patient(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// joinRealm starts a server with a realm that is set up like this, and joins it.
func joinRealm(t *testing.T, set func(*config.Realm)) *client.Session {
	t.Helper()
	c := config.Development("", "", realm)
	c.Listeners = []config.Listener{tcp("main")}
	set(&c.Realms[0])
	s, err := server.New(c, "tandem/test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return join(t, "tcp://"+address(s), client.Config{})
}

func TestTMO11_ConfiguredCallTimeouts(t *testing.T) {
	for name, set := range map[string]func(*config.Realm){
		"default": func(r *config.Realm) { r.DefaultCallTimeout = 20 * time.Millisecond },
		"maximum": func(r *config.Realm) { r.MaxCallTimeout = 20 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
			session := joinRealm(t, set)
			if _, err := session.Register(t.Context(), "com.example.patient", patient); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Call(t.Context(), "com.example.patient"); !errors.Is(err, wamp.ErrTimeout) {
				t.Errorf("the call ended with %v", err)
			}
		})
	}
}

func TestRET02_RET07_ConfiguredRetention(t *testing.T) {
	for name, test := range map[string]struct {
		retention config.Retention
		want      []string
	}{
		"off":          {config.Retention{Off: true}, nil},
		"two events":   {config.Retention{Events: 2}, []string{"a.y", "a.z"}},
		"a few bytes":  {config.Retention{Size: 1000}, []string{"a.y", "a.z"}},
		"a few events": {config.Retention{Replay: 1}, []string{"a.z"}},
		"but for one":  {config.Retention{Except: []config.TopicPattern{{Topic: "a.y"}}}, []string{"a.x", "a.z"}},
		"but for all":  {config.Retention{Except: []config.TopicPattern{{Topic: "a.", Match: wamp.MatchPrefix}}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			session := joinRealm(t, func(r *config.Realm) { r.Retention = test.retention })
			for _, topic := range []string{"a.x", "a.y", "a.z"} {
				if _, err := session.Publish(t.Context(), topic, client.Retain(), client.IncludeMe(), client.Acknowledge()); err != nil {
					t.Fatal(err)
				}
			}
			if got := retainedTopics(t, session); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRET05_ConfiguredNumberOfRestrictedEvents(t *testing.T) {
	for _, restricted := range []int{-1, 1} {
		session := joinRealm(t, func(r *config.Realm) { r.Retention.Restricted = restricted })
		self := client.Receivers(wamp.Receivers{EligibleAuthID: []string{session.Details().AuthID}})
		if _, err := session.Publish(t.Context(), "a.x", client.Retain(), client.IncludeMe(), self); err != nil {
			t.Fatal(err)
		}
		if got, want := len(retainedTopics(t, session)), max(0, restricted); got != want {
			t.Errorf("restricted to %d: %d events, want %d", restricted, got, want)
		}
	}
}

// retainedTopics returns the topics of what is replayed to a subscriber. A last publication tells that it was all.
func retainedTopics(t *testing.T, session *client.Session) (topics []string) {
	t.Helper()
	events := make(chan *client.Event, 10)
	hear := func(_ context.Context, e *client.Event) { events <- e }
	if _, err := session.Subscribe(t.Context(), "a.", hear, client.Match(wamp.MatchPrefix), client.GetRetained()); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Publish(t.Context(), "a.end", client.IncludeMe()); err != nil {
		t.Fatal(err)
	}
	for {
		e := <-events
		if !e.Details.Retained {
			return topics
		}
		topics = append(topics, e.Topic)
	}
}
