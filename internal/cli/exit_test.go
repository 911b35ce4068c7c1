package cli

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/client"
	"github.com/tandemrouter/tandem/wamp"
)

// nobody returns an address on which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// offer registers a procedure of the test's own.
func offer(t *testing.T, url, procedure string, h client.InvocationHandler) {
	t.Helper()
	if _, err := join(t, url).Register(t.Context(), procedure, h); err != nil {
		t.Fatal(err)
	}
}

func TestExit3ConfigurationIsWrong(t *testing.T) {
	file := writeFile(t, "listeners:\n  main: {adress: \"127.0.0.1:0\"}\nrealms: {realm1: {}}\n")
	tandem(t, "serve", "-c", file).expect(t, exitConfig, "", "\n"+file+`:2:10: listeners.main.adress: unknown key (did you mean "address"?)`)

	missing := filepath.Join(t.TempDir(), "missing.yaml")
	tandem(t, "serve", "-c", missing).expect(t, exitConfig, "", missing)

	pem := writeFile(t, "nonsense")
	file = writeFile(t, fmt.Sprintf("listeners: {main: {address: \"127.0.0.1:0\", tls: {cert: %q, key: %q}}}\nrealms: {realm1: {}}\n", pem, pem))
	tandem(t, "serve", "-c", file).expect(t, exitConfig, "", `listener "main"`)
}

func TestExit4NoRouter(t *testing.T) {
	_, ws, _ := startDev(t)
	free := nobody(t)
	tests := map[string]struct{ url, err string }{
		"nobody listens":    {"ws://" + free + "/ws", `"tandem dev" starts a router`},
		"nobody, raw":       {"tcp://" + free, `"tandem dev" starts a router`},
		"no socket":         {"unix:///no/such/socket", `"tandem dev" starts a router`},
		"another path":      {ws + "x", "WAMP over WebSocket is served at /ws"},
		"no TLS there":      {"wss" + strings.TrimPrefix(ws, "ws"), "cannot reach a router"},
		"no TLS there, raw": {"tcps" + strings.TrimSuffix(strings.TrimPrefix(ws, "ws"), "/ws"), "cannot reach a router"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tandem(t, "call", "--url", test.url, "com.example.x").expect(t, exitUnreachable, "", test.err)
		})
	}
}

func TestExit4CannotListen(t *testing.T) {
	_, _, tcp := startDev(t)
	address := strings.TrimPrefix(tcp, "tcp://")
	tandem(t, "dev", "--listen", address).expect(t, exitUnreachable, "", "another program listens there")
	tandem(t, "bench", "relay", "--listen", address).expect(t, exitUnreachable, "", "another program listens there")
}

func TestExit5NoSuchRealm(t *testing.T) {
	_, ws, tcp := startDev(t)
	for _, url := range []string{ws, tcp} {
		tandem(t, "call", "--url", url, "--realm", "nowhere", "com.example.x").expect(t, exitRefused, "", "nowhere")
		tandem(t, "subscribe", "--url", url, "--realm", "nowhere", "com.example.x").expect(t, exitRefused, "", "nowhere")
	}
}

// startServe runs `tandem serve` with a realm in which guests may do what is listed.
func startServe(t *testing.T, allow string) (url string) {
	t.Helper()
	file := writeFile(t, `
listeners: {main: {address: "127.0.0.1:0"}}
realms:
  realm1: {anonymous: guest, roles: {guest: {allow: [`+allow+`]}}}
  closed: {roles: {guest: {allow: [call]}}}
`)
	r := launch(t, "serve", "-c", file)
	r.out.await(t, "(main)")
	return "tcp://" + strings.Fields(strings.TrimPrefix(r.out.String(), "listening on "))[0]
}

func TestExit5And6NotAllowed(t *testing.T) {
	url := startServe(t, "call")
	tandem(t, "call", "--url", url, "--realm", "closed", "com.example.x").expect(t, exitRefused, "", "closed")
	for _, verb := range []string{"register --echo", "publish --ack", "subscribe"} {
		args := append(strings.Fields(verb), "--url", url, "com.example.x")
		tandem(t, args...).expect(t, exitNotAuthorized, "", "com.example.x: wamp.error.not_authorized")
	}
	tandem(t, "call", "--url", startServe(t, "register"), "com.example.x").
		expect(t, exitNotAuthorized, "", "calling com.example.x: wamp.error.not_authorized")
}

func TestExit7NoSuchProcedure(t *testing.T) {
	_, ws, _ := startDev(t)
	tandem(t, "call", "--url", ws, "com.example.helo", "Ann").
		expect(t, exitNotFound, "", "calling com.example.helo: wamp.error.no_such_procedure")
}

func TestExit8Timeout(t *testing.T) {
	_, ws, _ := startDev(t)
	offer(t, ws, "com.example.slow", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	e := tandem(t, "call", "--url", ws, "--timeout", "30ms", "com.example.slow")
	if e.code != exitTimeout || e.out != "" || !strings.Contains(e.err, "calling com.example.slow: ") {
		t.Errorf("got %+v", e)
	}
}

// The time is over for connecting too.
func TestExit4SilentRouter(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tandem(t, "call", "--url", "tcp://"+l.Addr().String(), "--timeout", "30ms", "com.example.x").
		expect(t, exitUnreachable, "", "cannot reach a router")
}

func TestExit9CalleesError(t *testing.T) {
	_, ws, _ := startDev(t)
	offer(t, ws, "com.example.bad", func(context.Context, *client.Invocation) (*client.Result, error) {
		return nil, wamp.Errorf("com.example.error.sold_out", "no \x1b[31mtickets")
	})
	tandem(t, "call", "--url", ws, "com.example.bad").
		expect(t, exitCallee, "", "calling com.example.bad: com.example.error.sold_out: no \ufffd[31mtickets")
}

func TestExit130InterruptedCall(t *testing.T) {
	_, ws, _ := startDev(t)
	invoked, canceled := make(chan struct{}), make(chan struct{})
	offer(t, ws, "com.example.slow", func(ctx context.Context, _ *client.Invocation) (*client.Result, error) {
		close(invoked)
		<-ctx.Done()
		close(canceled)
		return nil, ctx.Err()
	})
	c := launch(t, "call", "--url", ws, "com.example.slow")
	<-invoked
	c.stop(t).expect(t, exitInterrupted, "", "")
	<-canceled // the callee learns of it
}

func TestExit1SecondRegistration(t *testing.T) {
	_, ws, _ := startDev(t)
	startRegister(t, ws, "--echo", "com.example.echo")
	tandem(t, "register", "--url", ws, "--echo", "com.example.echo").
		expect(t, exitFailure, "", "registering com.example.echo: wamp.error.procedure_already_exists")
}

func TestExit1InvalidURI(t *testing.T) {
	_, ws, _ := startDev(t)
	for _, verb := range []string{"call", "register --echo", "subscribe", "publish --ack"} {
		args := append(strings.Fields(verb), "--url", ws, "not valid#")
		tandem(t, args...).expect(t, exitFailure, "", "wamp.error.invalid_uri")
	}
}

// What peers answer, beyond what the tests above make them answer.
func TestExitCodes(t *testing.T) {
	for uri, want := range map[wamp.ErrorURI]int{
		wamp.ErrAuthenticationFailed:  exitRefused,
		wamp.ErrCannotAuthenticate:    exitRefused,
		wamp.ErrDiscloseMeDisallowed:  exitNotAuthorized,
		wamp.ErrNoSuchSession:         exitNotFound,
		wamp.ErrCanceled:              exitTimeout,
		wamp.ErrTimeout:               exitTimeout,
		wamp.ErrInvalidArgument:       exitCallee,
		wamp.ErrRuntimeError:          exitCallee,
		"com.example.error":           exitCallee,
		wamp.ErrUnavailable:           exitLimit,
		wamp.ErrPayloadSizeExceeded:   exitLimit,
		wamp.ErrMaxConcurrencyReached: exitLimit,
		wamp.ErrInvalidPayload:        exitFailure,
	} {
		if got := exitCode(fmt.Errorf("calling: %w", &wamp.Error{URI: uri})); got != want {
			t.Errorf("%s gives %d, want %d", uri, got, want)
		}
	}
	for err, want := range map[error]int{
		nil:                      exitOK,
		errInterrupted:           exitInterrupted,
		context.DeadlineExceeded: exitTimeout,
		os.ErrClosed:             exitFailure,
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v gives %d, want %d", err, got, want)
		}
	}
}
