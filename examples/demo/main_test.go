package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The demo checks everything that it tells, so it is enough that it comes to its end.
func TestDemo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "tandem.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "./cmd/tandem")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := run(binary); err != nil {
		t.Error(err)
	}
}

func TestDemoWithoutARouter(t *testing.T) {
	if err := run(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("no error")
	}
}

func TestFindURL(t *testing.T) {
	for printed, want := range map[string]string{
		"Tandem\n\n  WebSocket   ws://a/ws\n  RawSocket   tcp://a:1\n  Realm  r\n": "tcp://a:1",
		"Tandem\n": "",
		"":         "",
	} {
		if got, err := findURL(strings.NewReader(printed)); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", printed, got, err)
		}
	}
}
