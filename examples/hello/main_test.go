package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/auth"
	"github.com/tandemrouter/tandem/router"
	"github.com/tandemrouter/tandem/transport/websocket"
)

var (
	goBlock   = regexp.MustCompile("(?s)```go\n(.*?)```")
	routerURL = regexp.MustCompile(`ws://[\d.:]+/ws`)
)

// The program that the README shows is this one.
func TestREADME(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := goBlock.FindSubmatch(page)
	if block == nil {
		t.Fatal("the README shows no program")
	}
	if diff := cmp.Diff(string(block[1]), body(t)); diff != "" {
		t.Errorf("README (-), main.go (+):\n%s", diff)
	}
}

// body returns the program without its package comment.
func body(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(source), "\n")
	return program
}

func TestHello(t *testing.T) {
	r, err := router.New(router.Config{Realms: []router.RealmConfig{
		{Name: "realm1", AnonymousRole: "anonymous", Authorizer: auth.AllowAll{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if conn, err := websocket.Upgrade(w, q, nil); err == nil {
			r.Serve(conn)
		}
	}))
	t.Cleanup(func() {
		web.Close()
		_ = r.Shutdown(t.Context())
	})
	out, err := runAt(t, "ws"+strings.TrimPrefix(web.URL, "http")+"/ws")
	if err != nil || out != "hello Ann\n" {
		t.Errorf("printed %q, %v", out, err)
	}
}

// runAt runs the program as it would be with another URL in it.
func runAt(t *testing.T, url string) (string, error) {
	t.Helper()
	source, err := filepath.Abs("main.go")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "main.go")
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	text := routerURL.ReplaceAllString(body(t), url)
	replaced, err := json.Marshal(map[string]map[string]string{"Replace": {source: program}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{program: text, overlay: string(replaced)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", "-buildvcs=false", "-overlay", overlay, ".").CombinedOutput()
	return string(out), err
}
