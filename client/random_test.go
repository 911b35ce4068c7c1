package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// Whatever a router answers, nothing panics, nothing is left over and every method returns.
func TestRandomRouter_PER10(t *testing.T) {
	for seed := range uint64(50) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *client.Session, r *fake) {
				random := rand.New(rand.NewPCG(seed, 1))
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				done := make(chan struct{})
				for range 8 {
					use(ctx, s, rand.New(rand.NewPCG(random.Uint64(), 2)), done)
				}
				r.converse(random, 400)
				_ = r.conn.Close()
				for range 8 {
					<-done
				}
				<-s.Done()
			})
		})
	}
}

// converse takes up to n messages from the client and says something to each.
func (r *fake) converse(random *rand.Rand, n int) {
	for range n {
		m, err := r.next()
		if err != nil {
			return
		}
		var out []wamp.Message
		if reply := anyReply(random, m); reply != nil && random.IntN(5) > 0 {
			out = append(out, reply)
		}
		if random.IntN(2) == 0 {
			out = append(out, anyMessage(random))
		}
		for _, m := range out {
			if b, err := r.conn.Append(nil, m); err == nil {
				_, _ = r.conn.Write(b) // the session may be over
			}
		}
	}
}

// use does this and that until the context or the session ends.
func use(ctx context.Context, s *client.Session, random *rand.Rand, done chan<- struct{}) {
	go func() {
		defer func() { done <- struct{}{} }()
		for ctx.Err() == nil && s.Err() == nil {
			useOnce(ctx, s, random)
		}
	}()
}

func useOnce(ctx context.Context, s *client.Session, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(10)+1)*time.Millisecond)
	defer cancel()
	switch random.IntN(6) {
	case 0:
		_, _ = s.Call(ctx, "a.b")
	case 1:
		for _, err := range s.CallProgress(ctx, "a.b") {
			if err != nil || random.IntN(3) == 0 {
				break
			}
		}
	case 2:
		_, _ = s.Publish(ctx, "a.b", client.Acknowledge())
	case 3:
		if g, err := s.Register(ctx, "a.b", collect); err == nil {
			_ = g.Unregister(ctx)
		}
	case 4:
		if b, err := s.Subscribe(ctx, "a.b", ignore); err == nil {
			_ = b.Unsubscribe(ctx)
		}
	case 5:
		if c, err := s.OpenCall(ctx, "a.b", client.ReceiveProgress()); err == nil {
			useParts(ctx, c, random.IntN(4))
		}
	}
}

func useParts(ctx context.Context, c *client.ProgressiveCall, n int) {
	defer c.Cancel()
	for range n {
		_ = c.Send(ctx, client.Args(1))
		for _, err := range c.Results(ctx) {
			if err == nil {
				break
			}
		}
	}
	_ = c.SendLast(ctx)
	_, _ = c.Result(ctx)
}

// anyReply returns an answer to the client's message, or nil if it takes none.
func anyReply(random *rand.Rand, m wamp.Message) wamp.Message {
	id := wamp.ID(random.IntN(3) + 1)
	request, accepted := wamp.ID(0), wamp.Message(nil)
	switch m := m.(type) {
	case *wamp.Call:
		progress := m.Options.ReceiveProgress && random.IntN(2) == 0
		request = m.Request
		accepted = &wamp.Result{Request: request, Details: wamp.ResultDetails{Progress: progress}, Payload: values(1)}
	case *wamp.Publish:
		request, accepted = m.Request, &wamp.Published{Request: m.Request, Publication: id}
	case *wamp.Register:
		request, accepted = m.Request, &wamp.Registered{Request: m.Request, Registration: id}
	case *wamp.Unregister:
		request, accepted = m.Request, &wamp.Unregistered{Request: m.Request}
	case *wamp.Subscribe:
		request, accepted = m.Request, &wamp.Subscribed{Request: m.Request, Subscription: id}
	case *wamp.Unsubscribe:
		request, accepted = m.Request, &wamp.Unsubscribed{Request: m.Request}
	default:
		return nil
	}
	if random.IntN(4) == 0 {
		return &wamp.Error{RequestType: m.Type(), Request: request, URI: wamp.ErrNotAuthorized}
	}
	return accepted
}

// anyMessage returns something that a router says by itself. Not all of it is legal.
func anyMessage(random *rand.Rand) wamp.Message {
	request, id := wamp.ID(random.IntN(12)+1), wamp.ID(random.IntN(3)+1)
	unasked := []wamp.Message{
		&wamp.Unregistered{Details: wamp.UnregisteredDetails{Registration: id}},
		&wamp.Unsubscribed{Details: wamp.UnsubscribedDetails{Subscription: id}},
		&wamp.Event{Subscription: id, Publication: 1},
		&wamp.Invocation{Request: request, Registration: id, Details: wamp.InvocationDetails{ReceiveProgress: true}},
		&wamp.Invocation{Request: request, Registration: id, Details: wamp.InvocationDetails{Progress: true}},
		&wamp.Interrupt{Request: request},
	}
	switch random.IntN(400) {
	case 0:
		return &wamp.Goodbye{Reason: wamp.CloseKilled}
	case 1:
		return &wamp.Registered{Request: request, Registration: id}
	default:
		return unasked[random.IntN(len(unasked))]
	}
}
