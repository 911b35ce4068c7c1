package cli

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/config"
)

func TestVersion(t *testing.T) {
	e := tandem(t, "version")
	if !strings.HasPrefix(e.out, "tandem test go1.") || e.code != 0 || e.err != "" {
		t.Errorf("got %+v", e)
	}
}

func TestHelpHasTheExitCodes(t *testing.T) {
	help := tandem(t, "--help").out
	for code, text := range map[int]string{
		exitOK: "done", exitFailure: "any other failure", exitUsage: "the command line", exitConfig: "the configuration file",
		exitUnreachable: "cannot reach a router", exitRefused: "no such realm", exitNotAuthorized: "not authorized",
		exitNotFound: "no such procedure", exitTimeout: "timeout", exitCallee: "the callee answered", exitLimit: "refused by a limit",
		exitInterrupted: "interrupted",
	} {
		if !regexp.MustCompile(fmt.Sprintf(` %d +%s`, code, text)).MatchString(help) {
			t.Errorf("the help does not say that %d is: %s\n%s", code, text, help)
		}
	}
}

func TestManyWaysToAsk(t *testing.T) {
	if got, want := tandem(t, "--version"), tandem(t, "version"); got != want || got.code != exitOK {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for asked, flag := range map[string]string{"help": "--help", "help call": "call --help", "help bench rpc": "bench rpc --help"} {
		got, want := tandem(t, strings.Fields(asked)...), tandem(t, strings.Fields(flag)...)
		if got != want || got.code != exitOK || got.out == "" {
			t.Errorf("%s: got %+v", asked, got)
		}
	}
}

func TestInitPrintsWhatCheckAccepts(t *testing.T) {
	starter := tandem(t, "init")
	starter.expect(t, exitOK, config.Starter, "")
	file := writeFile(t, starter.out)
	tandem(t, "check", "-c", file).expect(t, exitOK, file+": nothing is wrong (1 listener, 1 realm)\n", "")
	wrong := writeFile(t, "listeners: {}\nrealmz: {}\n")
	tandem(t, "check", "-c", wrong).expect(t, exitConfig, "", wrong+`:2:1: realmz: unknown key (did you mean "realms"?)`)
}

func TestNothingPrintsHelp(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"-h"}} {
		e := tandem(t, args...)
		for _, command := range []string{"dev", "serve", "check", "init", "call", "register", "publish", "subscribe", "bench rpc", "version"} {
			if !strings.Contains(e.out, "\n  "+command+" ") {
				t.Errorf("%q: no %s in %s", args, command, e.out)
			}
		}
		if e.code != 0 || e.err != "" {
			t.Errorf("%q: exit code %d, errors %q", args, e.code, e.err)
		}
	}
}

func TestHelpSaysWhatAPersonMustKnow(t *testing.T) {
	for command, texts := range map[string][]string{
		"call":      {"b:@FILE", "s:1", `\u0000`, "--timeout", "ws://127.0.0.1:8080/ws"},
		"publish":   {"b:@FILE", "--ack", "--retain", "--eligible-authid", "--rate"},
		"register":  {"{{arg 0}}", "{{kwarg \"name\"}}", "--echo", "roundrobin"},
		"subscribe": {"--match", "--count", "--history", "-o json", "publisher_authid"},
		"dev":       {"127.0.0.1:8080", "--unix"},
		"serve":     {"FILE"},
	} {
		e := tandem(t, command, "--help")
		for _, text := range texts {
			if !strings.Contains(e.out, text) {
				t.Errorf("the help of %s does not mention %s:\n%s", command, text, e.out)
			}
		}
		if e.code != 0 {
			t.Errorf("%s: exit code %d", command, e.code)
		}
	}
}

func TestUsageErrors(t *testing.T) {
	tests := map[string]struct{ args, err string }{
		"misspelt command":     {"cal com.example.x", `did you mean "call"?`},
		"misspelt flag":        {"call com.example.x --timout 3s", `did you mean "--timeout"?`},
		"where to look":        {"call com.example.x --timout 3s", `Run "tandem call --help"`},
		"where to look deeper": {"bench rpc --deep 3", `Run "tandem bench rpc --help"`},
		"no procedure":         {"call", "<procedure>"},
		"no topic":             {"publish", "<topic>"},
		"no file":              {"serve", `"tandem init > tandem.yaml"`},
		"no file to check":     {"check", "tandem check -c FILE"},
		"negative calls":       {"register com.example.x --echo --count -1", `a whole number from 0 but got "-1"`},
		"negative results":     {"register com.example.x --echo --progress=-1", "must not be negative"},
		"no number":            {"publish com.example.x --rate often", `expected a number but got "often"`},
		"password in a URL":    {"call com.example.x --url http://ann:secret@host", "--url http://ann:xxxxx@host"},
		"password somewhere":   {"call com.example.x --url ws://ann:sec%ret@host", "--url xxxxx@host"},
		"no value":             {"serve -c", "got nothing"},
		"no answer":            {"register com.example.x", "--echo or --reply"},
		"two answers":          {"register com.example.x --echo --reply 1", "--echo and --reply can't be used together"},
		"match":                {"subscribe com.example.x --match prefixes", `--match must be one of "exact","prefix","wildcard"`},
		"invoke":               {"register com.example.x --echo --invoke all", "--invoke must be one of"},
		"serializer":           {"call com.example.x --serializer xml", `--serializer must be one of "json","msgpack","cbor"`},
		"duration":             {"call com.example.x --timeout 3", "missing unit"},
		"negative duration":    {"call com.example.x --timeout=-3s", "--timeout must not be negative"},
		"repeat":               {"publish com.example.x --repeat=-1", "--repeat and --rate must not be negative"},
		"rate":                 {"publish com.example.x --rate=-1", "--repeat and --rate must not be negative"},
		"no rate":              {"publish com.example.x --rate NaN", "--repeat and --rate must not be negative"},
		"session 0":            {"publish com.example.x --eligible 0", `--eligible: "0" is no session ID`},
		"session too large":    {"publish com.example.x --exclude 9007199254740993", `--exclude: "9007199254740993" is no session ID`},
		"session by name":      {"publish com.example.x --eligible 1,ann", `--eligible: "ann" is no session ID`},
		"nobody":               {"publish com.example.x --eligible=", `--eligible: "" is no session ID`},
		"negative history":     {"subscribe com.example.x --history=-1", "must not be negative"},
		"negative count":       {"subscribe com.example.x --count=-1", "must not be negative"},
		"negative time":        {"subscribe com.example.x --for=-1s", "must not be negative"},
		"output":               {"subscribe com.example.x -o xml", `--output must be one of "text","json","raw"`},
		"kwarg":                {"call com.example.x -k nonsense", "write -k KEY=VALUE"},
		"kwarg twice":          {"call com.example.x -k a=1 -k b=1 -k a=2", `"a" is there already`},
		"URL":                  {"call com.example.x --url http://127.0.0.1", "write ws://127.0.0.1:8080/ws"},
		"no scheme":            {"call com.example.x --url 127.0.0.1:8080", "write ws://127.0.0.1:8080/ws"},
		"no host":              {"call com.example.x --url tcp://", "write ws://127.0.0.1:8080/ws"},
		"open to others":       {"dev --listen 0.0.0.0:1", "loopback only"},
		"open to all":          {"dev --listen :8080", "loopback only"},
		"no port":              {"dev --listen 127.0.0.1", "write host:port"},
		"no such port":         {"dev --listen 127.0.0.1:99999", "write host:port"},
		"realm":                {"dev --realm not#valid", "--realm"},
		"relay open to others": {"bench relay --listen 0.0.0.0:1", "loopback only"},
		"bench of others":      {"bench rpc --url tcp://192.0.2.1:8080", "not on this machine"},
		"bench of nobody":      {"bench rpc --pairs 0", "pairs"},
		"template":             {"register com.example.x --reply {{arg", "--reply"},
		"template's word":      {"register com.example.x --reply {{args}}", `"args" not defined`},
		"file that is missing": {"call com.example.x @no-such-file", "no-such-file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tandem(t, strings.Fields(test.args)...).expect(t, exitUsage, "", test.err)
		})
	}
}

func TestTerminalIsSafeFromPeers(t *testing.T) {
	for text, want := range map[string]string{
		"wamp.error.x: a\tb\nc": "wamp.error.x: a\tb\nc",
		"\x1b[2Jgone":           "\ufffd[2Jgone",
		"\u009b2J\x7f\r":        "\ufffd2J\ufffd\ufffd",
		"Zürich 東京":             "Zürich 東京",
	} {
		if got := printable(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
