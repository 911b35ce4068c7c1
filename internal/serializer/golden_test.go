package serializer_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/wamp"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// TestGolden: the bytes of every message, so that no change of them goes unnoticed, and what is made of those bytes. They
// show that a payload comes last (MSG-11) and that an ABORT has three elements (SES-12).
func TestGolden(t *testing.T) {
	eachSerializer(t, func(t *testing.T, s wamp.Serializer) {
		path := filepath.Join("testdata", "golden", s.String()+".txt")
		got := goldenFile(t, s)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (write it anew with -update): %s", path, diff)
		}
		checkGolden(t, s, want)
	})
}

func goldenFile(t *testing.T, s wamp.Serializer) []byte {
	var file bytes.Buffer
	for _, m := range samples() {
		fmt.Fprintf(&file, "%s\n\t%s\n", m.name, shown(s, frame(t, s, m.message)))
	}
	return file.Bytes()
}

// checkGolden parses what stands in a golden file.
func checkGolden(t *testing.T, s wamp.Serializer, file []byte) {
	lines := bytes.Split(bytes.TrimSpace(file), []byte("\n"))
	for i, want := range samples() {
		if len(lines) < 2*i+2 || string(lines[2*i]) != want.name {
			t.Fatalf("the golden file lacks %s", want.name)
		}
		got := decoded(t, parse(t, s, unshown(t, s, string(bytes.TrimSpace(lines[2*i+1])))))
		if diff := cmp.Diff(want.message, got, sameMessage); diff != "" {
			t.Errorf("%s: %s", want.name, diff)
		}
	}
}

// shown returns a message for people: JSON as it is, the binary serializers in hexadecimal.
func shown(s wamp.Serializer, b []byte) string {
	if s == wamp.JSON {
		return string(b)
	}
	return hex.EncodeToString(b)
}

func unshown(t testing.TB, s wamp.Serializer, text string) []byte {
	t.Helper()
	if s == wamp.JSON {
		return []byte(text)
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
