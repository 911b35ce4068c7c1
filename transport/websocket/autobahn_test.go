package websocket

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/wamp"
)

// TestAutobahn runs the fuzzing client of the Autobahn test suite against a server that echoes with this package's
// framing. The environment variable TANDEM_WSTEST is the path of the suite's program wstest; interop/autobahn/run.sh
// installs it.
func TestAutobahn(t *testing.T) {
	wstest := os.Getenv("TANDEM_WSTEST")
	if wstest == "" {
		t.Skip("TANDEM_WSTEST is not set")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		newAutobahnEcho(conn).run()
	}))
	defer server.Close()

	dir := t.TempDir()
	spec, err := json.Marshal(map[string]any{
		"outdir":        dir,
		"servers":       []any{map[string]any{"agent": "tandem", "url": "ws" + strings.TrimPrefix(server.URL, "http")}},
		"cases":         []string{orAll(os.Getenv("TANDEM_WSTEST_CASES"))},
		"exclude-cases": []string{"12.*", "13.*"}, // compression, which is not offered
	})
	if err != nil {
		t.Fatal(err)
	}
	specFile := filepath.Join(dir, "spec.json")
	if err := os.WriteFile(specFile, spec, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), wstest, "-m", "fuzzingclient", "-s", specFile).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	judge(t, filepath.Join(dir, "index.json"))
}

func orAll(cases string) string {
	if cases == "" {
		return "*"
	}
	return cases
}

// judge reads the suite's report. Cases 6.4 want invalid UTF-8 to be noticed before the message is complete, and call
// anything else "non-strict": WAMP has no use for half a message, and so nobody reads it.
func judge(t *testing.T, index string) {
	report, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	var agents map[string]map[string]struct{ Behavior, BehaviorClose string }
	if err := json.Unmarshal(report, &agents); err != nil {
		t.Fatal(err)
	}
	cases := agents["tandem"]
	if len(cases) == 0 {
		t.Error("no case was run")
	}
	for name, result := range cases {
		lenient := result.Behavior == "NON-STRICT" && strings.HasPrefix(name, "6.4.")
		passed := result.Behavior == "OK" || result.Behavior == "INFORMATIONAL" || lenient
		if !passed || (result.BehaviorClose != "OK" && result.BehaviorClose != "INFORMATIONAL") {
			t.Errorf("case %s: %s, close: %s", name, result.Behavior, result.BehaviorClose)
		}
	}
	t.Logf("%d cases", len(cases))
}

// autobahnEcho sends every message back. Unlike a WAMP connection it takes text and binary in turn, and checks text
// itself because no parser does.
type autobahnEcho struct {
	conn    net.Conn
	framing *framing
	in, out []byte
}

func newAutobahnEcho(conn net.Conn) *autobahnEcho {
	return &autobahnEcho{conn: conn, framing: newFraming(wamp.JSON, false, 16<<20, 1<<20)}
}

func (e *autobahnEcho) run() {
	buf := make([]byte, 64<<10)
	for done := false; !done; {
		n, err := e.conn.Read(buf)
		if err != nil {
			return
		}
		e.in = append(e.in, buf[:n]...)
		if err := e.frames(); err != nil {
			e.out = e.framing.AppendClose(e.out, err)
			done = true
		}
		if _, err := e.conn.Write(e.out); err != nil {
			return
		}
		e.out = e.out[:0]
	}
}

// frames answers the frames that have come. An error ends the connection.
func (e *autobahnEcho) frames() error {
	for len(e.in) > 0 {
		e.adopt(ws.OpCode(e.in[0] & opMask))
		frame, n, err := e.framing.Next(e.in)
		if err == nil && n == 0 {
			return nil
		}
		e.in = e.in[n:]
		if err == nil {
			err = e.answer(frame)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adopt makes the framing expect the kind of message that comes next.
func (e *autobahnEcho) adopt(op ws.OpCode) {
	if e.framing.fragments == 0 && (op == ws.OpText || op == ws.OpBinary) {
		e.framing.op = op
	}
}

func (e *autobahnEcho) answer(frame transport.Frame) error {
	switch frame.Kind {
	case transport.FramePing:
		e.out = e.framing.AppendPong(e.out, frame.Payload)
	case transport.FrameMessage:
		if e.framing.op == ws.OpText && !utf8.Valid(frame.Payload) {
			return &transport.FrameError{Code: transport.CloseInvalidData, Text: "message is not UTF-8"}
		}
		start := len(e.out)
		e.out = append(e.framing.Open(e.out), frame.Payload...)
		e.out = e.framing.Seal(e.out, start, 0)
	case transport.FrameClose:
		return &transport.PeerClosedError{Payload: frame.Payload}
	}
	return nil
}
