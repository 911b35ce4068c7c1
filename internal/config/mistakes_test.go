package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tandemrouter/tandem/internal/config"
)

// What people write who are new to the file, or come from another router. Every answer has a place and a hint.
func TestMistakesOfNewcomers(t *testing.T) {
	const listeners = "listeners: {main: {address: \"127.0.0.1:0\"}}\n"
	const realms = "realms: {realm1: {}}\n"
	const notSupported = "is a YAML anchor, alias or tag, not a mapping (write it out: these are not supported)"
	listen := func(address string) string { return "listeners: {main: {address: " + address + "}}\n" + realms }
	tests := map[string]struct{ text, want string }{
		"a tab":              {"listeners:\n\tmain: {}\n", "f:2:1: the line begins with a tab (YAML is indented with spaces)"},
		"Latin-1":            {listeners + "realms: {caf\xe9: {}}\n", "f:2:13: the file is not UTF-8 (save it in that encoding)"},
		"UTF-16":             {"\xff\xfel\x00i\x00", "f:1:1: the file is not UTF-8 (save it in that encoding)"},
		"UTF-16 in secret":   {"l\x00i\x00", "f:1:2: the file is not UTF-8 (save it in that encoding)"},
		"two documents":      {listeners + realms + "---\nlimits: {}\n", "f:4:1: a second YAML document begins (remove the line --- above it)"},
		"an anchor":          {listeners + "realms: {a: &x {}}\n", "f:2:13: realms.a: " + notSupported},
		"a merge key":        {listeners + "realms: {a: {<<: 3}}\n", "f:2:14: realms.a.<<: unknown key (YAML's merge keys are not supported: write it out)"},
		"a realm twice":      {listeners + "realms:\n  a: {}\n  b: {}\n  a: {}\n", "f:5:3: realms.a: is there twice, first in line 3 (keep one of them)"},
		"Crossbar.io":        {"version: 2\n" + listeners + realms, "f:1:1: version: unknown key (if this is a configuration of Crossbar.io, docs/configuration.md says what its keys are called here)"},
		"a list of realms":   {listeners + "realms: [{name: realm1}]\n", "f:2:9: realms: is a list, not a mapping of names to realms (such as realm1: {anonymous: guest, roles: {guest: {allow: [call]}}})"},
		"listener unnamed":   {"listeners: {address: \"127.0.0.1:0\"}\n" + realms, "f:1:22: listeners.address: is a text, not a mapping (its keys are address, protocols, origins, tls)"},
		"only a port":        {listen("8080"), `f:1:29: listeners.main.address: is not an address (write host:port, such as "127.0.0.1:8080")`},
		"a URL":              {listen(`"tcp://127.0.0.1:8080"`), `f:1:29: listeners.main.address: is a URL (write host:port, such as "127.0.0.1:8080", or "unix:" and a path)`},
		"IPv6 without []":    {listen(`"::1:8080"`), `f:1:29: listeners.main.address: is not an address (write an IPv6 address in brackets, such as "[::1]:8080")`},
		"a named port":       {listen(`"127.0.0.1:http"`), `f:1:29: listeners.main.address: "http" is not a port (it is a number from 0, for any free one, to 65535)`},
		"no path":            {listen(`"unix:"`), `f:1:29: listeners.main.address: has no path (write "unix:" and a path, such as "unix:/run/tandem.sock")`},
		"a client's path":    {listen(`"unix://tandem.sock"`), `f:1:29: listeners.main.address: is not an address (write "unix:tandem.sock" or an absolute path)`},
		"one address twice":  {"listeners: {a: {address: \":1\"}, b: {address: \":1\"}}\n" + realms, "f:1:46: listeners.b.address: is the address of listener a too (one listener can have several protocols)"},
		"tls: true":          {"listeners: {main: {address: \":1\", tls: true}}\n" + realms, "f:1:40: listeners.main.tls: is true or false, not a mapping (its keys are cert, key)"},
		"a host as origin":   {"listeners: {main: {address: \":1\", origins: [app.example.com]}}\n" + realms, `f:1:45: listeners.main.origins[0]: "app.example.com" is no origin (write it as browsers do, such as https://app.example.com)`},
		"a page as origin":   {"listeners: {main: {address: \":1\", origins: [\"http://a.example/x\"]}}\n" + realms, `f:1:45: listeners.main.origins[0]: "http://a.example/x" is no origin (write it as browsers do, such as http://a.example)`},
		"one origin":         {"listeners: {main: {address: \":1\", origins: \"*\"}}\n" + realms, "f:1:44: listeners.main.origins: is a text, not a list (write [*])"},
		"one protocol":       {"listeners: {main: {address: \":1\", protocols: websocket}}\n" + realms, "f:1:46: listeners.main.protocols: is a text, not a list (write [websocket])"},
		"one action":         {listeners + "realms: {r: {roles: {g: {allow: call}}}}\n", "f:2:33: realms.r.roles.g.allow: is a text, not a list (write [call])"},
		"a role misspelt":    {listeners + "realms: {r: {anonymous: gest, roles: {guest: {}}}}\n", `f:2:25: realms.r.anonymous: there is no role "gest" in this realm (did you mean "guest"?)`},
		"a role of nothing":  {listeners + "realms:\n  r:\n    roles:\n      guest:\n", "f:5:14: realms.r.roles.guest: is empty, not a mapping (are its keys indented deeper than it is? its keys are allow, disclose, trust_level)"},
		"yes":                {listeners + "realms: {r: {sharding: yes}}\n", "f:2:24: realms.r.sharding: is a text, not true or false (write true)"},
		"OFF":                {listeners + "realms: {r: {sharding: OFF}}\n", "f:2:24: realms.r.sharding: is a text, not true or false (write false)"},
		"true as a word":     {listeners + "realms: {r: {anonymous: true}}\n", `f:2:25: realms.r.anonymous: is true or false, not a text (if it is meant as one write "true")`},
		"call_timeout: 30s":  {listeners + "realms: {r: {call_timeout: 30s}}\n", "f:2:28: realms.r.call_timeout: is a text, not a mapping (its keys are default, max)"},
		"a number in quotes": {listeners + realms + "limits: {connections: \"12\"}\n", "f:3:23: limits.connections: is a text, not a whole number (write it without quotes)"},
		"an octal number":    {listeners + realms + "limits: {connections: 010}\n", "f:3:23: limits.connections: begins with 0 (write the number without it)"},
		"a huge number":      {listeners + realms + "limits: {connections: 99999999999999999999}\n", "f:3:23: limits.connections: must be between 1 and 2147483647 (leave the key out for the default)"},
		"a negative number":  {listeners + realms + "limits: {connections: -5}\n", "f:3:23: limits.connections: must be between 1 and 2147483647 (leave the key out for the default)"},
		"a fraction":         {listeners + realms + "limits: {connections: 1.5}\n", "f:3:23: limits.connections: is a number, not a whole number"},
		"a huge size":        {listeners + realms + "limits: {queue_size: 4GiB}\n", "f:3:22: limits.queue_size: must be less than 2GiB"},
		"megabytes":          {listeners + realms + "limits: {queue_size: 4MB}\n", `f:3:22: limits.queue_size: "4MB" is not a size (write bytes, or a number with KiB, MiB or GiB, such as 64KiB)`},
		"days":               {listeners + "realms: {r: {call_timeout: {max: 1d}}}\n", `f:2:34: realms.r.call_timeout.max: "1d" is not a time (write a number with ms, s, m or h, such as 500ms or 1h30m; leave the key out for none)`},
		"topics as texts":    {listeners + "realms: {r: {history: {topics: [com.a]}}}\n", "f:2:33: realms.r.history.topics[0]: is a text, not a mapping (its keys are topic, match, events, size, age)"},
		"history nowhere":    {listeners + "realms: {r: {history: {topics: [{topic: a}], file: /no/such/dir/x}}}\n", "f:2:52: realms.r.history.file: is in a directory that is not there (the router makes the file, and no directories)"},
		"history in a dir":   {listeners + "realms: {r: {history: {topics: [{topic: a}], file: ../config}}}\n", "f:2:52: realms.r.history.file: is a directory (the history is one file, which the router makes)"},
		"i_know":             {listeners + realms + "i_know: [all]\n", `f:3:10: i_know[0]: unknown word "all" (known here: anonymous-on-plaintext)`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("f", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestByteOrderMarkIsSkipped(t *testing.T) {
	if _, err := config.Parse("f", []byte("\ufeff"+whole)); err != nil {
		t.Error(err)
	}
}

func TestPathOfASocketIsBounded(t *testing.T) {
	path := "/" + strings.Repeat("x", 200)
	_, err := config.Parse("f", []byte("listeners: {main: {address: \"unix:"+path+"\"}}\nrealms: {r: {}}\n"))
	if err == nil || !strings.Contains(err.Error(), "f:1:29: listeners.main.address: has a path of 201 bytes (the system takes 1") {
		t.Error(err)
	}
}

// A file that was not meant is refused soon, whatever is in it.
func TestFilesThatWereNotMeant(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"huge":     {strings.Repeat("#", 2<<20), "f:1:1: the file is larger than 1 MiB (is it the right one?)"},
		"brackets": {"a: " + strings.Repeat("[", 500_000), "f:1:68: more than 64 lists or mappings are nested (is a bracket not closed?)"},
		"braces":   {strings.Repeat("{a: ", 200_000), "f:1:257: more than 64 lists or mappings are nested (is a bracket not closed?)"},
		"dashes":   {"\n" + strings.Repeat("- ", 400_000), "f:2:129: more than 64 lists or mappings are nested (is a bracket not closed?)"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := config.Parse("f", []byte(test.text)); err == nil || err.Error() != test.want {
				t.Errorf("\n got %.200v\nwant %s", err, test.want)
			}
		})
	}
}

func TestManyProblemsAreNotAllShown(t *testing.T) {
	_, err := config.Parse("f", []byte(strings.Repeat("zzzzzzzzz: 1\n", 100)))
	if err == nil || strings.Count(err.Error(), "\n") != 25 || !strings.HasSuffix(err.Error(), "\nf: and 75 more") {
		t.Error(err)
	}
}

// Everybody may do everything, unencrypted, and the world can reach it: nobody gets that without asking for it.
func TestAnonymousOnPlaintext(t *testing.T) {
	const (
		can    = "realms: {r: {anonymous: guest, roles: {guest: {allow: [call, register]}}}}\n"
		cannot = "realms: {r: {anonymous: guest, roles: {guest: {allow: [call, subscribe]}}}}\n"
		nobody = "realms: {r: {roles: {guest: {allow: [publish, register]}}}}\n"
	)
	for name, test := range map[string]struct {
		address, rest string
		unsafe        bool
	}{
		"loopback":            {`"127.0.0.1:0"`, can, false},
		"loopback by name":    {`"localhost:0"`, can, false},
		"loopback, IPv6":      {`"[::1]:0"`, can, false},
		"a Unix socket":       {`"unix:s"`, can, false},
		"all addresses":       {`":0"`, can, true},
		"all, IPv4":           {`"0.0.0.0:0"`, can, true},
		"an address":          {`"192.0.2.1:0"`, can, true},
		"a name":              {`"router.example:0"`, can, true},
		"who only calls":      {`":0"`, cannot, false},
		"one of two realms":   {`":0"`, strings.Replace(can, "{r:", "{s: {}, r:", 1), true},
		"nobody is anonymous": {`":0"`, nobody, false},
		"who knows it":        {`":0"`, can + "i_know: [anonymous-on-plaintext]", false},
		"who is unsure":       {`":0"`, can + "i_know: []", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("f", []byte("listeners: {main: {address: "+test.address+"}}\n"+test.rest))
			var problems *config.Error
			if !test.unsafe {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &problems) || !problems.Unsafe || !strings.Contains(err.Error(), "f:1:29: listeners.main.address: ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A certificate that cannot be used is told with its place, before anything listens.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ cert, want string }{
		"missing":     {"missing.pem", "listeners.main.tls.cert: cannot be read: open missing.pem: "},
		"a text":      {text, "listeners.main.tls: cannot be used: tls: failed to find any PEM data"},
		"a directory": {dir, "listeners.main.tls: cannot be used: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("f", []byte("listeners: {main: {address: \":1\", tls: {cert: '"+test.cert+"', key: '"+text+"'}}}\nrealms: {r: {}}\n"))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "f:1:") {
				t.Error(err)
			}
		})
	}
}
