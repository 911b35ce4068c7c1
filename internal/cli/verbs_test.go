package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/client"
)

func TestReplies(t *testing.T) {
	_, ws, _ := startDev(t)
	secret := writeFile(t, `"secret"`)
	tests := map[string]struct {
		reply string
		words []string
		out   string // or, if empty, the error that the caller gets
		err   string
	}{
		"text in JSON":        {`"hello {{arg 0}}"`, []string{"Ann"}, `"hello Ann"`, ""},
		"bare text":           {`hello {{arg 0}}`, []string{"Ann"}, `"hello Ann"`, ""},
		"quotes in JSON":      {`"hello {{arg 0}}"`, []string{`a"b\c`}, `"hello a\"b\\c"`, ""},
		"quotes in a text":    {`hello {{arg 0}}`, []string{`a"b\c`}, `"hello a\"b\\c"`, ""},
		"empty text":          {`"hello {{arg 0}}"`, []string{"s:"}, `"hello "`, ""},
		"number":              {`{{arg 1}}`, []string{"Ann", "1.5"}, `1.5`, ""},
		"big number":          {`{{arg 0}}`, []string{"-123456789012345678901234567890"}, `-123456789012345678901234567890`, ""},
		"number as a text":    {`s:{{arg 0}}`, []string{"7"}, `"7"`, ""},
		"whole values":        {`[{{arg 0}}, {{arg 1}}]`, []string{`{"a": [1]}`, "null"}, `[{"a":[1]},null]`, ""},
		"object":              {`{"you": "{{arg 0}}", "age": {{kwarg "age"}}}`, []string{"Ann", "-k", "age=42"}, `{"you":"Ann","age":42}`, ""},
		"null is a value":     {`{{kwarg "k"}}`, []string{"-k", "k=null"}, `null`, ""},
		"procedure":           {`"{{procedure}}"`, nil, `"com.example.reply"`, ""},
		"constant":            {`42`, nil, `42`, ""},
		"nothing":             {``, nil, `""`, ""},
		"file":                {"@" + secret, nil, `"secret"`, ""},
		"bytes of a file":     {"b:@" + secret, nil, `"\u0000InNlY3JldCI="`, ""},
		"no argument":         {`"{{arg 0}}"`, nil, "", "wamp.error.invalid_argument: the call has no argument 0"},
		"no keyword argument": {`{{kwarg "k"}}`, []string{"1"}, "", `wamp.error.invalid_argument: the call has no keyword argument "k"`},
		"template that fails": {`{{arg "x"}}`, []string{"1"}, "", "wamp.error.runtime_error: the reply cannot be filled in"},
		// A caller must not choose what is read on the callee's machine.
		"file named by the caller":       {`{{arg 0}}`, []string{"s:@" + secret}, `"@` + secret + `"`, ""},
		"bytes named by the caller":      {`{{arg 0}}`, []string{"s:b:@" + secret}, `"b:@` + secret + `"`, ""},
		"standard input named by him":    {`{{arg 0}}`, []string{"s:-"}, `"-"`, ""},
		"template written by the caller": {`{{arg 0}}`, []string{`s:{{arg 1}}`}, `"{{arg 1}}"`, ""},
		"value that ends a text early":   {`"{{arg 0}}"`, []string{`s:", "x`}, `"\", \"x"`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := startRegister(t, ws, "--reply="+test.reply, "com.example.reply")
			e := tandem(t, append([]string{"call", "--url", ws, "com.example.reply"}, test.words...)...)
			if test.err == "" {
				e.expect(t, 0, test.out+"\n", "")
			} else {
				e.expect(t, exitCallee, "", test.err)
				r.err.await(t, "called: com.example.reply ("+test.err)
			}
			r.stop(t)
		})
	}
}

func TestRegisterUntilStopped(t *testing.T) {
	_, ws, _ := startDev(t)
	r := startRegister(t, ws, "--echo", "com.example.echo")
	tandem(t, "call", "--url", ws, "com.example.echo", "1").expect(t, 0, "1\n", "")
	r.stop(t).expect(t, exitOK, "", "called: com.example.echo\n")
	tandem(t, "call", "--url", ws, "com.example.echo").expect(t, exitNotFound, "", "no_such_procedure")
}

func TestRegisterCount(t *testing.T) {
	_, ws, _ := startDev(t)
	r := startRegister(t, ws, "--echo", "--count", "2", "com.example.echo")
	for range 2 {
		tandem(t, "call", "--url", ws, "com.example.echo", "1").expect(t, 0, "1\n", "")
	}
	r.end(t).expect(t, exitOK, "", "called: com.example.echo\ncalled: com.example.echo\n")
}

func TestRegisterProgress(t *testing.T) {
	_, ws, _ := startDev(t)
	r := startRegister(t, ws, "--echo", "--progress", "2", "com.example.slow")
	tandem(t, "call", "--url", ws, "--progress", "com.example.slow", "1").expect(t, 0, "1\n1\n1\n", "")
	tandem(t, "call", "--url", ws, "com.example.slow", "1").expect(t, 0, "1\n", "")
	r.stop(t).expect(t, exitOK, "", "called: com.example.slow\n")
}

func TestRegisterPatterns(t *testing.T) {
	_, ws, _ := startDev(t)
	prefix := startRegister(t, ws, `--reply="{{procedure}}"`, "--match", "prefix", "com.example.a")
	startRegister(t, ws, `--reply="any {{procedure}}"`, "--match", "wildcard", "com..b")
	tandem(t, "call", "--url", ws, "com.example.a.x").expect(t, 0, "\"com.example.a.x\"\n", "")
	tandem(t, "call", "--url", ws, "com.other.b").expect(t, 0, "\"any com.other.b\"\n", "")
	prefix.err.await(t, "called: com.example.a.x\n")
}

func TestRegisterSharedInTurn(t *testing.T) {
	_, ws, _ := startDev(t)
	for _, name := range []string{"Ann", "Bob"} {
		startRegister(t, ws, "--reply", name, "--invoke", "roundrobin", "com.example.shared")
	}
	for _, name := range []string{"Ann", "Bob", "Ann", "Bob"} {
		tandem(t, "call", "--url", ws, "com.example.shared").expect(t, 0, `"`+name+"\"\n", "")
	}
}

func TestRegisterWhoseRouterStops(t *testing.T) {
	router, ws, _ := startDev(t)
	r := startRegister(t, ws, "--echo", "com.example.echo")
	router.stop(t)
	r.end(t).expect(t, exitFailure, "", "the session ended: wamp.close.system_shutdown")
}

func steps(ctx context.Context, inv *client.Invocation) (*client.Result, error) {
	for i := range 2 {
		if err := inv.Progress(ctx, client.Values(i+1)); err != nil {
			return nil, err
		}
	}
	return client.Values("done"), nil
}

func who(_ context.Context, inv *client.Invocation) (*client.Result, error) {
	return client.Values(inv.Details.Caller != 0), nil
}

func TestCallProgress(t *testing.T) {
	_, ws, _ := startDev(t)
	offer(t, ws, "com.example.steps", steps)
	tandem(t, "call", "--url", ws, "--progress", "com.example.steps").expect(t, 0, "1\n2\n\"done\"\n", "")
	tandem(t, "call", "--url", ws, "com.example.steps").expect(t, 0, "\"done\"\n", "")
}

func TestCallDiscloseMe(t *testing.T) {
	_, ws, _ := startDev(t)
	offer(t, ws, "com.example.who", who)
	tandem(t, "call", "--url", ws, "com.example.who").expect(t, 0, "false\n", "")
	tandem(t, "call", "--url", ws, "--disclose-me", "com.example.who").expect(t, 0, "true\n", "")
}

func startSubscribe(t *testing.T, url string, args ...string) *running {
	t.Helper()
	r := launch(t, append([]string{"subscribe", "--url", url}, args...)...)
	r.err.await(t, "subscribed")
	return r
}

func TestPublishAndSubscribe(t *testing.T) {
	_, ws, tcp := startDev(t)
	exact := startSubscribe(t, ws, "com.example.news")
	prefix := startSubscribe(t, tcp, "--match", "prefix", "--serializer", "json", "com.example.")
	for _, words := range []string{"1", "", "two -k a=1"} {
		e := tandem(t, append([]string{"publish", "--url", ws, "--ack", "com.example.news"}, strings.Fields(words)...)...)
		if e.code != 0 || strings.Trim(e.out, "0123456789") != "\n" || e.err != "" {
			t.Errorf("publishing gave %+v", e)
		}
	}
	exact.out.await(t, "\"a\":1")
	prefix.out.await(t, "\"a\":1")
	exact.stop(t).expect(t, exitOK, "1\n\n{\"args\":[\"two\"],\"kwargs\":{\"a\":1}}\n", "subscribed to com.example.news")
	prefix.stop(t).expect(t, exitOK, "com.example.news 1\ncom.example.news\n"+
		"com.example.news {\"args\":[\"two\"],\"kwargs\":{\"a\":1}}\n", "subscribed to com.example.")
}

func TestPublishWithoutAckPrintsNothing(t *testing.T) {
	_, ws, _ := startDev(t)
	subscriber := startSubscribe(t, ws, "--count", "1", "com.example.news")
	tandem(t, "publish", "--url", ws, "com.example.news", "1").expect(t, exitOK, "", "")
	subscriber.end(t).expect(t, exitOK, "1\n", "subscribed")
}

// Exactly as many events as asked for are printed, however fast they come.
func TestSubscribeCount(t *testing.T) {
	_, ws, tcp := startDev(t)
	subscriber := startSubscribe(t, ws, "--count", "3", "com.example.news")
	s := join(t, tcp)
	for i := range 100 {
		if _, err := s.Publish(t.Context(), "com.example.news", client.Args(i)); err != nil {
			t.Fatal(err)
		}
	}
	subscriber.end(t).expect(t, exitOK, "0\n1\n2\n", "subscribed")
}

func TestBench(t *testing.T) {
	_, ws, _ := startDev(t)
	quick := []string{"bench", "rpc", "--url", ws, "--duration", "50ms", "--warmup", "10ms", "--pairs", "1"}
	e := tandem(t, quick...)
	for _, word := range []string{"calls/s", "p99.9", "0 with an error"} {
		if !strings.Contains(e.out, word) {
			t.Errorf("no %s in %q", word, e.out)
		}
	}
	if e = tandem(t, append(quick, "-o", "json")...); !strings.HasPrefix(e.out, `{"calls":`) || e.code != 0 {
		t.Errorf("got %+v", e)
	}
	tandem(t, "bench", "rpc", "--url", "tcp://"+nobody(t)).expect(t, exitUnreachable, "", "cannot reach a router")
	tandem(t, "bench", "rpc", "--url", ws, "--realm", "nowhere").expect(t, exitRefused, "", "no_such_realm")
}

// Every load runs from the command line, prints what it found for a person, and as JSON. A status line is for terminals.
func TestBenchLoads(t *testing.T) {
	_, ws, _ := startDev(t)
	pid := strconv.Itoa(os.Getpid())
	short := []string{"--duration", "50ms", "--warmup", "10ms"}
	tests := map[string]struct {
		flags []string
		row   string
		key   string
	}{
		"rpc":           {append(short, "--rate", "1000", "--pairs", "2"), "calls/s", "latency"},
		"fanout":        {append(short, "--subscribers", "5"), "events/s", "events_per_second"},
		"idle":          {[]string{"--sessions", "3", "--router-pid", pid}, "router RSS per session", "router_rss_per_session_bytes"},
		"registrations": {append(short, "--count", "20", "--few", "10", "--match", "wildcard"), "ratio of calls/s", "calls_per_second_ratio"},
		"churn":         {[]string{"--cycles", "5"}, "cycles/s", "cycles_per_second"},
		"slow":          {[]string{"--duration", "50ms", "--subscribers", "2"}, "slow subscriber", "during"},
	}
	for name, test := range tests {
		if name == "idle" && runtime.GOOS != "linux" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			words := append([]string{"bench", name, "--url", ws}, test.flags...)
			e := tandem(t, words...)
			if e.code != exitOK || !strings.Contains(e.out, test.row) || strings.Contains(e.err, clearLine) {
				t.Errorf("got %+v", e)
			}
			var report map[string]any
			e = tandem(t, append(words, "-o", "json")...)
			if err := json.Unmarshal([]byte(e.out), &report); err != nil || report[test.key] == nil {
				t.Errorf("%v: got %+v", err, e)
			}
		})
	}
}

// A status line stands alone on its line, and leaves nothing behind.
func TestStatus(t *testing.T) {
	var out strings.Builder
	s := &status{w: &out}
	s.clear()
	s.show("warming up", 0.5)
	s.clear()
	s.clear()
	if got := out.String(); got != clearLine+" 50 %  warming up"+clearLine {
		t.Errorf("got %q", got)
	}
	newStatus(&out).show("nobody sees", 1)
	if f, err := os.Create(filepath.Join(t.TempDir(), "file")); err != nil {
		t.Fatal(err)
	} else if s := newStatus(f); s.w != nil {
		t.Error("a file is no terminal")
	}
}

func TestBenchInterrupted(t *testing.T) {
	_, ws, _ := startDev(t)
	b := launch(t, "bench", "rpc", "--url", ws, "--duration", "1m")
	b.err.await(t, "measuring")
	b.stop(t).expect(t, exitInterrupted, "", "measuring "+ws)
}

func TestBenchRelay(t *testing.T) {
	relay := launch(t, "bench", "relay", "--listen", "127.0.0.1:0")
	relay.out.await(t, "tcp://")
	url := urlBehind(t, relay, "on ")
	e := tandem(t, "bench", "rpc", "--relay", "--url", url, "--duration", "50ms", "--warmup", "10ms")
	if e.code != 0 || !strings.Contains(e.out, "calls/s") {
		t.Errorf("got %+v", e)
	}
	relay.stop(t).expect(t, exitOK, "relaying pairs of connections on "+url+"\n", "")
}

func TestDevAtAnUnixSocket(t *testing.T) {
	path := t.TempDir() + "/socket"
	router, _, _ := startDev(t, "--unix", path, "--realm", "realm1")
	url := urlBehind(t, router, "Unix")
	startRegister(t, url, "--echo", "com.example.echo")
	tandem(t, "call", "--url", url, "com.example.echo", "1").expect(t, 0, "1\n", "")
	router.stop(t)
	if router.out.String() == "" || !strings.Contains(router.err.String(), "stopping") {
		t.Errorf("the router said %q", router.err)
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"realm1":     "realm1",
		"a.b-c_d/e:": "a.b-c_d/e:",
		"a;b":        "'a;b'",
		"it's":       `'it'\''s'`,
		"":           "''",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q became %s, want %s", word, got, want)
		}
	}
}
