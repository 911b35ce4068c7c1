package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
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
	tandem(t, "serve", "-c", missing).expect(t, exitConfig, "", "\n  \"tandem init > FILE\" writes")

	pem := writeFile(t, "nonsense")
	file = writeFile(t, fmt.Sprintf("listeners: {main: {address: \"127.0.0.1:0\", tls: {cert: %q, key: %q}}}\nrealms: {realm1: {}}\n", pem, pem))
	tandem(t, "serve", "-c", file).expect(t, exitConfig, "", "listeners.main.tls: cannot be used")
	if runtime.GOOS != "windows" {
		tandem(t, "serve", "-c", t.TempDir()).expect(t, exitConfig, "", "it is a directory")
	}
}

func TestExit10DangerousConfiguration(t *testing.T) {
	file := writeFile(t, "listeners: {main: {address: \":0\"}}\nrealms: {realm1: {anonymous: g, roles: {g: {allow: [publish]}}}}\n")
	for _, verb := range []string{"serve", "check"} {
		tandem(t, verb, "-c", file).expect(t, exitLimit, "", "i_know: [anonymous-on-plaintext]")
	}
}

func TestExit4NoRouter(t *testing.T) {
	_, ws, _ := startDev(t)
	free := nobody(t)
	rawOnly, webOnly := startProtocol(t, "rawsocket"), startProtocol(t, "websocket")
	tests := map[string]struct{ url, err string }{
		"nobody listens":    {"ws://" + free + "/ws", `"tandem dev" starts a router`},
		"nobody, raw":       {"tcp://" + free, `"tandem dev" starts a router`},
		"no socket":         {"unix:///no/such/socket", `"tandem dev" starts a router`},
		"another path":      {ws + "x", "WAMP over WebSocket is served at /ws"},
		"no TLS there":      {"wss" + strings.TrimPrefix(ws, "ws"), "does not speak TLS"},
		"no TLS there, raw": {"tcps" + strings.TrimSuffix(strings.TrimPrefix(ws, "ws"), "/ws"), "does not speak TLS"},
		"only RawSocket":    {"ws://" + address(rawOnly) + "/ws", "Only RawSocket is served here"},
		"only WebSocket":    {"tcp://" + address(webOnly), "WebSocket is at a URL such as"},
		"HTTP/1.0":          {"ws://" + oldServer(t) + "/", "does what listens there speak WebSocket?"},
		"HTTP, raw":         {"tcp://" + oldServer(t), "does what listens there speak RawSocket?"},
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

// startProtocol runs a router that speaks one protocol.
func startProtocol(t *testing.T, protocol string) *running {
	t.Helper()
	r := launch(t, "serve", "-c", writeFile(t,
		"listeners: {main: {address: \"127.0.0.1:0\", protocols: ["+protocol+"]}}\nrealms: {realm1: {}}\n"))
	r.out.await(t, "(main)")
	return r
}

// address returns the address that a router says it listens on.
func address(r *running) string {
	return strings.Fields(strings.TrimPrefix(r.out.String(), "listening on "))[0]
}

// oldServer answers everything with a web page, in a version of HTTP without WebSockets, and returns its address.
func oldServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n<html>")
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
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
	return "tcp://" + address(r)
}

func TestExit5And6NotAllowed(t *testing.T) {
	url := startServe(t, "call")
	tandem(t, "call", "--url", url, "--realm", "closed", "com.example.x").expect(t, exitRefused, "", "closed")
	for _, verb := range []string{"register --echo", "publish --ack", "subscribe"} {
		args := append(strings.Fields(verb), "--url", url, "com.example.x")
		tandem(t, args...).expect(t, exitNotAuthorized, "", "com.example.x: wamp.error.not_authorized")
	}
	tandem(t, "call", "--url", startServe(t, "register"), "com.example.x").
		expect(t, exitNotAuthorized, "", "calling com.example.x: wamp.error.not_authorized: not allowed to call as role guest in realm realm1")
}

func TestExit7NoSuchProcedure(t *testing.T) {
	_, ws, _ := startDev(t)
	call := func(procedure string) ending { return tandem(t, "call", "--url", ws, procedure, "Ann") }
	call("com.example.helo").expect(t, exitNotFound, "", "calling com.example.helo: wamp.error.no_such_procedure")
	call("com.example.helo").expect(t, exitNotFound, "", "\n  nobody has registered a procedure in realm realm1\n")
	startRegister(t, ws, "--echo", "--invoke", "first", "com.example.hello")
	call("com.example.helo").expect(t, exitNotFound, "", "\n  did you mean com.example.hello (1 callee)?\n")
	startRegister(t, ws, "--echo", "--invoke", "first", "com.example.hello")
	call("com.exmaple.hello").expect(t, exitNotFound, "", "\n  did you mean com.example.hello (2 callees)?\n")
	call("org.other.thing").expect(t, exitNotFound, "", "is that in realm realm1 too?")
}

// A router without the meta procedures, or that does not grant them, leaves the question.
func TestNoSuchProcedureWithoutMetaAPI(t *testing.T) {
	url := startFake(t, func(r *fake) {
		for _, procedure := range []string{"com.example.x", "wamp.registration.list"} {
			request, _, _ := r.asked(procedure)
			r.send(refused(wamp.ErrNoSuchProcedure)(request))
		}
	})
	tandem(t, "call", "--url", url, "com.example.x").expect(t, exitNotFound, "", "is that in realm realm1 too?")
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
