package config_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/tandemrouter/tandem/internal/config"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What the README shows as a configuration is one.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatch(text, -1)
	if len(blocks) == 0 {
		t.Error("the README has no configuration")
	}
	for _, block := range blocks {
		if _, err := config.Parse("README.md", block[1]); err != nil {
			t.Error(err)
		}
	}
}
