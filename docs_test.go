package tandem_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The tree in the README shows every package, at its place or below the one that it belongs to.
func TestReadmeShowsEveryPackage(t *testing.T) {
	readme := readText(t, "README.md")
	for _, s := range sources(t) {
		dir := s.dir()
		switch parent, name := filepath.Split(dir); {
		case dir == "." || s.test || strings.HasPrefix(dir, "examples/"):
		case strings.Contains(readme, "    "+dir+"/ "):
		case strings.Contains(readme, "    "+parent+" ") && strings.Contains(readme, " "+name+"/ "):
		default:
			t.Errorf("%s: the README's tree does not show %s", s.path, dir)
		}
	}
}

func TestEveryDecisionIsListed(t *testing.T) {
	index := readText(t, "docs/adr/README.md")
	decisions, err := filepath.Glob("docs/adr/[0-9]*.md")
	if err != nil || len(decisions) == 0 {
		t.Fatalf("no decisions: %v", err)
	}
	for _, file := range decisions {
		name := filepath.Base(file)
		number, _, _ := strings.Cut(strings.TrimLeft(name, "0"), "-")
		title, _, _ := strings.Cut(strings.TrimPrefix(readText(t, file), "# "+number+". "), "\n")
		if entry := number + ". [" + title + "](" + name + ")"; !strings.Contains(index, entry) {
			t.Errorf("docs/adr/README.md does not list %s", entry)
		}
	}
}
