package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

const (
	defaultURL   = "ws://127.0.0.1:8080/ws"
	defaultRealm = "realm1"
)

// connectFlags say where the router is and how to talk to it.
type connectFlags struct {
	URL        string `default:"ws://127.0.0.1:8080/ws" help:"The router: ws://, wss://, tcp://, tcps:// or unix:// (${default})."`
	Realm      string `default:"realm1" help:"The realm to join (${default})."`
	Serializer string `default:"cbor" enum:"json,msgpack,cbor" help:"How messages are encoded: json, msgpack or cbor (${default})."`
}

// connect opens a session. It fails with the exit code for what went wrong.
func (f *connectFlags) connect(p *program) (*client.Session, error) {
	s, err := client.Connect(p.ctx, f.URL, client.Config{
		Realm:      f.Realm,
		Serializer: f.serializer(),
		Agent:      "tandem/" + p.version,
	})
	var refused *client.ClosedError
	switch {
	case err == nil:
		return s, nil
	case p.ctx.Err() != nil:
		return nil, errInterrupted
	case errors.As(err, &refused) && refused.Reason != wamp.CloseTransportLost:
		return nil, err
	default:
		return nil, exit(exitUnreachable, "cannot reach a router: %w", err)
	}
}

func (f *connectFlags) serializer() wamp.Serializer {
	s, _ := wamp.ParseSerializer(f.Serializer) // the grammar allows no other
	return s
}

// leaveTimeout is how long a command waits for the router to say goodbye.
const leaveTimeout = 2 * time.Second

// leave closes the session in order. The command's outcome does not depend on it.
func leave(s *client.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	_ = s.Leave(ctx) // closes the session in any case
}

// untilStopped waits until the program is told to stop, the count is reached, or the session is over, which is an
// error.
func untilStopped(p *program, s *client.Session, counted <-chan struct{}) error {
	select {
	case <-p.ctx.Done():
		return nil
	case <-counted:
		return nil
	case <-s.Done():
		return s.Err()
	}
}

// interrupted makes errInterrupted of an error that is the program's being told to stop.
func interrupted(p *program, err error) error {
	if err != nil && p.ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// explain adds to an answer what a person can do about it.
func explain(err error, procedure string) error {
	if errors.Is(err, wamp.ErrNoSuchProcedure) {
		return fmt.Errorf("%w\n  nobody has registered %s, exactly or by a pattern, in this realm", err, procedure)
	}
	return err
}
