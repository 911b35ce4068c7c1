package server_test

import (
	"context"
	"errors"
	"log/slog"
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

func TestTMO11_ConfiguredCallTimeouts(t *testing.T) {
	for name, set := range map[string]func(*config.Realm){
		"default": func(r *config.Realm) { r.DefaultCallTimeout = 20 * time.Millisecond },
		"maximum": func(r *config.Realm) { r.MaxCallTimeout = 20 * time.Millisecond },
	} {
		t.Run(name, func(t *testing.T) {
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
			session := join(t, "tcp://"+address(s), client.Config{})
			if _, err := session.Register(t.Context(), "com.example.patient", patient); err != nil {
				t.Fatal(err)
			}
			if _, err := session.Call(t.Context(), "com.example.patient"); !errors.Is(err, wamp.ErrTimeout) {
				t.Errorf("the call ended with %v", err)
			}
		})
	}
}
