package config_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandemrouter/tandem/internal/config"
	"github.com/tandemrouter/tandem/internal/history"
	"github.com/tandemrouter/tandem/internal/routing"
	"github.com/tandemrouter/tandem/transport"
	"github.com/tandemrouter/tandem/transport/rawsocket"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What the pages show as a configuration is one.
func TestConfigurationsInPages(t *testing.T) {
	for _, page := range []string{"README.md", "docs/configuration.md"} {
		blocks := yamlBlock.FindAllSubmatch(read(t, page), -1)
		if len(blocks) == 0 {
			t.Errorf("%s has no configuration", page)
		}
		for _, block := range blocks {
			if _, err := config.Parse(page, block[1]); err != nil {
				t.Errorf("%v\nin\n%s", err, block[1])
			}
		}
	}
}

// The reference begins with what `tandem init` prints, and that stays a configuration when everything in it that is
// commented out is not.
func TestStarter(t *testing.T) {
	block := yamlBlock.FindSubmatch(read(t, "docs/configuration.md"))
	if diff := cmp.Diff(config.Starter, string(block[1])); diff != "" {
		t.Error(diff)
	}
	all := regexp.MustCompile(`(?m)^( *)# ( *\w+:)`).ReplaceAllString(config.Starter, "$1$2")
	all = strings.Replace(all, "    tls: {cert: cert.pem, key: key.pem}\n", "", 1) // which are not there
	c, err := config.Parse("starter", []byte(all))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, all)
	}
	if len(c.Realms[0].History.Topics) != 1 || c.Limits.MaxMessageSize != 1<<20 {
		t.Errorf("not all of it was read: %+v", c)
	}
}

// row is a line of a table of the reference that begins with a key.
type row struct{ key, kind, standard string }

var tableRow = regexp.MustCompile("(?m)^\\| `([a-z_.A-Z\\[\\]]+)` \\| ([^|]+) \\| ([^|]+) \\|")

func rows(t *testing.T) []row {
	t.Helper()
	var list []row
	for _, m := range tableRow.FindAllSubmatch(read(t, "docs/configuration.md"), -1) {
		list = append(list, row{string(m[1]), string(m[2]), strings.Trim(string(m[3]), "`")})
	}
	return list
}

// Every key that the reader knows is in the reference, once, and no other.
func TestReferenceHasEveryKey(t *testing.T) {
	var documented []string
	for _, r := range rows(t) {
		documented = append(documented, r.key)
	}
	slices.Sort(documented)
	if diff := cmp.Diff(knownKeys(""), documented); diff != "" {
		t.Errorf("keys of the reader (-) and in docs/configuration.md (+):\n%s", diff)
	}
}

// unknown is a key that no mapping has: the problem with it tells the keys that there are.
const unknown = "zzzzzzzzzzzzzzzzzzzzzzzz"

var knownHere = regexp.MustCompile(`unknown key \(known here: (.*)\)`)

// knownKeys asks the reader for the keys below a path, in order.
func knownKeys(path string) []string {
	var keys []string
	for _, key := range keysOf(path) {
		below := strings.TrimPrefix(path+"."+key, ".")
		keys = append(keys, below)
		for _, shape := range []string{"", "[]", ".NAME"} {
			keys = append(keys, knownKeys(below+shape)...)
		}
	}
	slices.Sort(keys)
	return keys
}

// keysOf returns the keys of the mapping at the path, or none if nothing or something else may stand there.
func keysOf(path string) []string {
	text := unknown + ": 1"
	if steps := strings.Split(path, "."); path != "" {
		slices.Reverse(steps)
		for _, step := range steps {
			key, isList := strings.CutSuffix(step, "[]")
			if text = "{" + text + "}"; isList {
				text = "[" + text + "]"
			}
			text = key + ": " + text
		}
	}
	_, err := config.Parse("f", []byte(text))
	if err == nil {
		return nil
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if m := knownHere.FindStringSubmatch(line); m != nil && strings.Contains(line, strings.ReplaceAll(path, "[]", "[0]")+"."+unknown) || m != nil && path == "" {
			return strings.Split(m[1], ", ")
		}
	}
	return nil
}

// The defaults in the reference are those of the code.
func TestReferenceHasTheDefaults(t *testing.T) {
	want := map[string]int{
		"realms.NAME.retention.events":        routing.DefaultMaxRetained,
		"realms.NAME.retention.size":          routing.DefaultMaxRetainedBytes,
		"realms.NAME.retention.replay":        routing.DefaultMaxReplayed,
		"realms.NAME.history.topics[].events": history.DefaultMaxEvents,
		"realms.NAME.history.topics[].size":   history.DefaultMaxBytes,
		"realms.NAME.history.size":            history.DefaultMaxRealmBytes,
		"realms.NAME.history.result":          history.DefaultMaxResult,
		"limits.message_size":                 rawsocket.DefaultMaxMessageSize,
		"limits.queue_size":                   transport.DefaultQueueLimit,
		"limits.connections":                  65_536, // these three are the router's own
		"limits.registrations":                65_536,
		"limits.subscriptions":                65_536,
		"limits.pending_calls":                routing.DefaultMaxCalls,
		"limits.queued_calls":                 routing.DefaultMaxQueuedCalls,
		"limits.queued_bytes":                 routing.DefaultMaxQueuedBytes,
		"limits.kept_bytes":                   routing.DefaultMaxKeptBytes,
	}
	got := make(map[string]int)
	for _, r := range rows(t) {
		if r.kind == "size" || r.kind == "number" {
			got[r.key] = numberOf(t, r.standard)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults of the code (-) and in docs/configuration.md (+):\n%s", diff)
	}
}

func numberOf(t *testing.T, text string) int {
	t.Helper()
	digits, mebibytes := strings.CutSuffix(text, "MiB")
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Error(err)
	}
	if mebibytes {
		n <<= 20
	}
	return n
}

func read(t *testing.T, page string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
