package cli

import "testing"

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
