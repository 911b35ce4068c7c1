package server_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/server"
	"github.com/tandemrouter/tandem/wamp"
)

var (
	churnTime = flag.Duration("churn", cmp.Or(fromEnvironment("TANDEM_CHURN"), time.Second), "how long sessions come and go in TestChurn")
	churnSeed = flag.Uint64("churn-seed", 1, "what TestChurn's sessions make their choices from")
)

// fromEnvironment reads a duration, so that a run over many packages can say how long this one is to take.
func fromEnvironment(name string) time.Duration {
	d, _ := time.ParseDuration(os.Getenv(name)) // unset or wrong: the default
	return d
}

// TestChurn lets many sessions come, register, call, cancel and die at random over real sockets, and accounts for
// every call: each ends with a result or an error that is explained by what was done, and none waits for ever. When
// all have gone, nothing of them is left in the router (RPC-13, ROU-65). Meanwhile they publish and subscribe: what was
// acknowledged is heard once, events come in order and never outside a subscription, and the router's own events add up
// (PUB-11, PUB-12, PUB-13, RMA-02, UMA-01, SMA-17).
func TestChurn(t *testing.T) {
	conf := config.Development("127.0.0.1:0", filepath.Join(t.TempDir(), "churn.sock"), "realm1")
	s, err := server.New(conf, "churn", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	c := &churn{t: t, until: time.Now().Add(*churnTime)}
	address := s.Addrs()[0].String()
	c.urls = []string{"ws://" + address + "/ws", "tcp://" + address, "unix://" + conf.Listeners[1].Address}

	history, err := c.newChronicle()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range uint64(32) {
		wg.Go(func() { c.work(rand.New(rand.NewPCG(*churnSeed, worker))) })
	}
	for worker := range uint64(8) {
		wg.Go(func() { c.subscribeAndGo(rand.New(rand.NewPCG(*churnSeed, 100+worker))) })
	}
	wg.Wait()
	c.report()
	c.end(history)
	c.checkNothingIsLeft()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

type churn struct {
	t     *testing.T
	urls  []string
	until time.Time

	sessions, calls, results, refused, canceled, died atomic.Int64
	published, unacknowledged, events                 atomic.Int64
	ledger                                            ledger
}

func (c *churn) connect(r *rand.Rand) *client.Session {
	url := c.urls[r.IntN(len(c.urls))]
	serializers := []wamp.Serializer{wamp.JSON, wamp.MessagePack, wamp.CBOR}
	s, err := client.Connect(context.Background(), url, client.Config{Realm: "realm1", Serializer: serializers[r.IntN(3)]})
	if err != nil {
		c.t.Errorf("connecting to %s: %v", url, err)
		return nil
	}
	c.sessions.Add(1)
	return s
}

// work is one worker's life: session after session.
func (c *churn) work(r *rand.Rand) {
	for c.goesOn() {
		s := c.connect(r)
		if s == nil {
			return
		}
		p := &publisher{Session: s}
		for range r.IntN(12) {
			c.act(r, p)
		}
		c.part(r, s)
	}
}

// part ends the session: in order, or in the middle of everything.
func (c *churn) part(r *rand.Rand, s *client.Session) {
	if r.IntN(2) == 0 {
		_ = s.Close()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Leave(ctx); err != nil {
		c.t.Errorf("leaving: %v", err)
	}
	_ = s.Close()
}

func procedure(r *rand.Rand) string { return fmt.Sprintf("com.churn.p%d", r.IntN(4)) }

func (c *churn) act(r *rand.Rand, s *publisher) {
	switch r.IntN(5) {
	case 0, 1:
		c.register(r, s.Session)
		return
	case 2:
		c.publish(r, s)
		return
	}
	var calls sync.WaitGroup
	for range 1 + r.IntN(4) {
		kind, uri := r.IntN(4), procedure(r)
		calls.Go(func() { c.call(s.Session, kind, uri) })
	}
	calls.Wait()
}

func (c *churn) register(r *rand.Rand, s *client.Session) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	policies := []wamp.InvocationPolicy{wamp.InvokeRoundRobin, wamp.InvokeRandom, wamp.InvokeFirst, wamp.InvokeLast}
	which := r.IntN(4) // the same for all callees of a procedure
	uri := fmt.Sprintf("com.churn.p%d", which)
	g, err := s.Register(ctx, uri, serve, client.Invoke(policies[which]))
	if errors.Is(err, wamp.ErrProcedureAlreadyExists) { // by this session
		return
	}
	if err != nil {
		c.t.Errorf("registering %s: %v", uri, err)
		return
	}
	if r.IntN(4) == 0 {
		if err := g.Unregister(ctx); err != nil {
			c.t.Errorf("unregistering %s: %v", uri, err)
		}
	}
}

// serve does what the caller asks for: answer, answer in several parts, fail, or wait until somebody gives up.
func serve(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
	switch inv.Args[0] {
	case "parts":
		for i := range 3 {
			if err := inv.Progress(ctx, client.Values(i)); err != nil {
				return nil, err
			}
		}
	case "fail":
		return nil, wamp.Errorf("com.churn.failed", "as asked")
	case "wait":
		<-ctx.Done()
		return nil, wamp.ErrCanceled
	}
	return client.Values(inv.Args...), nil
}

// patience is how long anything may take before it counts as lost.
const patience = 20 * time.Second

var errGaveUp = errors.New("the caller gave up")

// call makes one call and accounts for how it ends.
func (c *churn) call(s *client.Session, kind int, uri string) {
	c.calls.Add(1)
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errLost)
	defer cancel()
	var err error
	switch kind {
	case 0:
		_, err = s.Call(ctx, uri, client.Args("answer"))
	case 1:
		_, err = s.Call(ctx, uri, client.Args("fail"))
	case 2:
		for _, err = range s.CallProgress(ctx, uri, client.Args("parts")) {
		}
	default:
		short, giveUp := context.WithTimeoutCause(ctx, 5*time.Millisecond, errGaveUp)
		_, err = s.Call(short, uri, client.Args("wait"))
		giveUp()
	}
	c.account(err, kind)
}

var errLost = errors.New("the call was lost")

func (c *churn) account(err error, kind int) {
	switch waits := kind == 3; {
	case err == nil:
		c.results.Add(1)
	case errors.Is(err, wamp.ErrorURI("com.churn.failed")) && kind == 1, errors.Is(err, wamp.ErrNoSuchProcedure):
		c.refused.Add(1)
	case waits && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, wamp.ErrTimeout)):
		c.canceled.Add(1)
	case errors.Is(err, wamp.ErrCanceled): // the callee left
		c.died.Add(1)
	default:
		c.t.Errorf("a call of kind %d ended with %v", kind, err)
	}
}

func (c *churn) report() {
	results, refused, canceled, died := c.results.Load(), c.refused.Load(), c.canceled.Load(), c.died.Load()
	c.t.Logf("%d sessions, %d calls: %d results, %d errors, %d canceled, %d whose callee left",
		c.sessions.Load(), c.calls.Load(), results, refused, canceled, died)
	if sum := results + refused + canceled + died; sum != c.calls.Load() {
		c.t.Errorf("%d of %d calls are accounted for", sum, c.calls.Load())
	}
	if results == 0 || canceled == 0 {
		c.t.Error("the churn did not do what it is for")
	}
}

func (c *churn) checkNothingIsLeft() {
	s := c.connect(rand.New(rand.NewPCG(0, 0)))
	if s == nil {
		return
	}
	defer func() { _ = s.Close() }()
	result, err := s.Call(context.Background(), "wamp.registration.list")
	if err != nil {
		c.t.Error(err)
		return
	}
	want := wamp.List{wamp.Dict{"exact": wamp.List{}, "prefix": wamp.List{}, "wildcard": wamp.List{}}}
	if diff := gocmp.Diff(want, result.Args); diff != "" {
		c.t.Errorf("registrations are left: %s", diff)
	}
}
