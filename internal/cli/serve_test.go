package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/wamptest"
)

func TestInvokedAs(t *testing.T) {
	for started, want := range map[string]string{
		"bin/tandem":         "bin/tandem",
		"tandem":             "tandem",
		"./tandem.exe":       "./tandem.exe",
		"/a b/tandem":        "tandem",
		"/tmp/x/cli.test":    "tandem",
		"/usr/local/bin/rtr": "tandem",
	} {
		if got := invokedAs(started); got != want {
			t.Errorf("started as %q: write %q, want %q", started, got, want)
		}
	}
}

// What a router says is what a person gives to --url.
func TestServeSaysHowToReachIt(t *testing.T) {
	cert, key := wamptest.Certificate(t)
	socket := filepath.Join(t.TempDir(), "s")
	r := launch(t, "serve", "-c", writeFile(t, fmt.Sprintf(`
listeners:
  both: {address: "127.0.0.1:0"}
  all: {address: ":0", protocols: [rawsocket]}
  secure: {address: "127.0.0.1:0", protocols: [websocket], tls: {cert: %q, key: %q}}
  local: {address: "unix:%s"}
realms: {realm1: {anonymous: g, roles: {g: {allow: [call]}}}}
`, cert, key, socket)))
	r.out.await(t, "unix://"+socket)
	said := regexp.MustCompile(`:\d+`).ReplaceAllString(r.out.String(), ":PORT")
	said = strings.Replace(said, "0.0.0.0", "[::]", 1) // without IPv6
	want := `listening on 127.0.0.1:PORT (both)
  clients connect to ws://127.0.0.1:PORT/ws, tcp://127.0.0.1:PORT
listening on [::]:PORT (all)
  clients connect to tcp://localhost:PORT
listening on 127.0.0.1:PORT (secure)
  clients connect to wss://127.0.0.1:PORT/ws
listening on ` + socket + ` (local)
  clients connect to unix://` + socket + "\n"
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
	for _, url := range regexp.MustCompile(`\w+://\S+[^\s,]`).FindAllString(r.out.String(), -1) {
		tandem(t, "call", "--url", url, "--ca", cert, "wamp.session.count").expect(t, exitOK, "1\n", "")
	}
}
