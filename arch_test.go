// Package tandem_test keeps the house in order: it reads the source of this module and fails where a rule of the
// design is broken. Rules that an import list can say stand in the table below and, for the editor's benefit, in
// .golangci.yml too; the others only here. How source is read is in arch_source_test.go.
//
// A rule is a function from a source file to complaints, so that TestRulesCatch can show that each of them is able
// to fail.
package tandem_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	module       = "github.com/tandemrouter/tandem"
	maxFileLines = 600
)

// row says what one package may import besides the standard library. Layers import downwards only.
type row struct {
	layer   int
	pkg     string   // directory; a trailing "/..." stands for every package below
	imports []string // packages of this module
	modules []string // packages of other modules
}

// importTable is the drawing of the house. A package that is not in it may not exist.
var importTable = []row{
	{0, "wamp", nil, nil},
	{0, "internal/pattern", nil, nil},
	{0, "internal/slab", nil, nil},
	{0, "internal/serializer/format", nil, nil},

	{1, "auth", list("wamp internal/pattern"), nil},
	{1, "internal/serializer/payload", list("wamp internal/serializer/format"), nil},

	{2, "internal/serializer", list("wamp internal/slab internal/serializer/format internal/serializer/payload"), nil},
	{2, "internal/routing", list("wamp internal/pattern internal/slab"), nil},
	{2, "internal/handshake", list("wamp auth"), nil},
	{2, "internal/history", list("wamp"), list("go.etcd.io/bbolt go.etcd.io/bbolt/errors")},
	{2, "internal/cluster", list("wamp"), nil},

	{3, "transport", list("wamp internal/serializer internal/serializer/payload"), nil},

	{4, "transport/websocket", list("transport wamp internal/serializer"), list("github.com/gobwas/ws")},
	{4, "transport/rawsocket", list("transport wamp internal/serializer"), nil},
	{4, "transport/longpoll", list("transport wamp internal/serializer"), nil},

	{5, "client", list("wamp auth internal/handshake internal/serializer internal/serializer/payload transport " +
		"transport/websocket transport/rawsocket transport/longpoll"), nil},
	{5, "router", list("wamp auth internal/handshake internal/routing internal/serializer/payload transport " +
		"internal/cluster internal/history"), nil},

	{6, "internal/metrics", list("wamp router"), list("github.com/prometheus/client_golang/prometheus")},
	{6, "internal/admin", list("wamp router"), nil},
	{6, "internal/config", list("wamp auth"), list("github.com/goccy/go-yaml github.com/goccy/go-yaml/ast " +
		"github.com/goccy/go-yaml/parser github.com/goccy/go-yaml/token")},
	{6, "internal/bench", list("wamp client internal/serializer/payload transport transport/rawsocket " +
		"transport/websocket"), nil},
	{6, "conformance", list("wamp internal/serializer internal/serializer/payload transport transport/rawsocket " +
		"transport/websocket router"), nil},
	{6, "internal/wamptest", list("wamp auth internal/pattern internal/serializer internal/serializer/payload " +
		"internal/routing internal/handshake transport internal/history internal/cluster transport/websocket " +
		"transport/rawsocket transport/longpoll client router"), list("github.com/google/go-cmp/cmp go.uber.org/goleak")},

	{7, "internal/server", list("wamp auth internal/pattern internal/serializer internal/serializer/payload " +
		"internal/routing internal/handshake transport internal/history internal/cluster transport/websocket " +
		"transport/rawsocket transport/longpoll client router internal/metrics internal/admin internal/config"), nil},
	{8, "internal/cli", list("wamp client internal/serializer/payload internal/server internal/config internal/bench " +
		"conformance"), list("github.com/alecthomas/kong")},
	{9, "cmd/tandem", list("internal/cli"), nil},
	{9, "examples/...", list("wamp auth client router transport transport/websocket transport/rawsocket " +
		"transport/longpoll"), nil},
}

// testModules are the other people's packages that any test may import.
var testModules = list("github.com/google/go-cmp/cmp github.com/google/go-cmp/cmp/cmpopts go.uber.org/goleak " +
	"github.com/coder/websocket github.com/fxamacker/cbor/v2 github.com/tinylib/msgp/msgp")

// purePackages compute and do nothing else.
var purePackages = list("wamp internal/pattern internal/slab internal/serializer/format internal/routing")

// impureImports wait, draw lots, talk or tell the time, and so do all packages below them.
var impureImports = list("context crypto/rand hash/maphash io log math/rand net os runtime sync syscall testing")

// goroutineFiles are the only ones outside tests that start goroutines, each through an owner that waits for it.
var goroutineFiles = list("client/receive.go client/workers.go internal/bench/crew.go internal/bench/relay.go " +
	"internal/history/file_open.go internal/server/port.go internal/server/server.go router/router.go transport/queue.go " +
	"internal/wamptest/answer.go internal/wamptest/history.go")

// unsafeFiles are the only ones that leave Go's memory safety.
var unsafeFiles = list("transport/syscall_linux.go")

// list splits a line of words.
func list(words string) []string { return strings.Fields(words) }

// ---- the tests ----

func TestImportTable(t *testing.T) {
	for _, s := range sources(t) {
		complain(t, importsOutsideTable(s))
	}
}

func TestImportTablePointsDown(t *testing.T) {
	layer := map[string]int{}
	for _, r := range importTable {
		layer[r.pkg] = r.layer
	}
	for _, r := range importTable {
		for _, imp := range r.imports {
			if below, ok := layer[imp]; !ok || below >= r.layer {
				t.Errorf("%s (layer %d) may not import %s (layer %d)", r.pkg, r.layer, imp, below)
			}
		}
	}
}

// The linter's table exists for editors and for its position in a line; it must say the same.
func TestLinterKnowsTheSameTable(t *testing.T) {
	rules := depguardRules(t)
	for _, r := range importTable {
		want := slices.Concat(prefixed(module+"/", r.imports), r.modules)
		slices.Sort(want)
		if got := rules[strings.TrimSuffix(r.pkg, "/...")]; !slices.Equal(got, want) {
			t.Errorf(".golangci.yml, depguard rule %q allows\n  %q, the import table\n  %q", r.pkg, got, want)
		}
	}
}

func TestPurePackagesOnlyCompute(t *testing.T) {
	for _, s := range sources(t) {
		if !s.test && slices.Contains(purePackages, s.dir()) {
			complain(t, impurities(s))
		}
	}
}

func TestPurePackagesDependOnNoMapOrder(t *testing.T) {
	exports := exportData(t, purePackages)
	for _, pkg := range purePackages {
		var files []*source
		for _, s := range sources(t) {
			if !s.test && s.dir() == pkg {
				files = append(files, s)
			}
		}
		info, err := typeCheck(module+"/"+pkg, files, exports)
		if err != nil {
			t.Errorf("%s: %v", pkg, err)
		}
		for _, s := range files {
			complain(t, mapOrders(s, info))
		}
	}
}

func TestGoroutinesStartInListedFiles(t *testing.T) {
	checkListed(t, "goroutineFiles", goroutineFiles, goroutines)
}

func TestUnsafeStaysInListedFiles(t *testing.T) {
	checkListed(t, "unsafeFiles", unsafeFiles, unsafeImports)
}

func TestSourceFiles(t *testing.T) {
	rules := []func(*source) []string{longFiles, vagueNames, sleepingTests, bareGoStatements, silentPanics, looseTodos}
	for _, s := range sources(t) {
		for _, rule := range rules {
			complain(t, rule(s))
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			documented[s.dir()] = documented[s.dir()] || documents(s)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no doc.go (main.go of a command) with a package comment", dir)
		}
	}
}

func TestNoTraceOfTheMachine(t *testing.T) {
	eachFile(t, func(name string, text []byte) {
		complain(t, machineTraces(name, text))
	})
}

// ---- the rules ----

func importsOutsideTable(s *source) []string {
	r := rowOf(s.dir())
	if r == nil {
		if s.dir() == "." && s.test {
			return nil
		}
		return []string{s.path + ": its package has no row in the import table"}
	}
	var out []string
	for _, imp := range s.syntax.Imports {
		if name := importPath(imp); !mayImport(r, s, name) {
			out = append(out, s.at(imp, "may not import "+name))
		}
	}
	return out
}

func mayImport(r *row, s *source, name string) bool {
	inside, ours := strings.CutPrefix(name, module+"/")
	switch {
	case ours && s.test:
		return inside == s.dir() || inside == "internal/wamptest" || slices.Contains(r.imports, inside) || r.layer >= 4
	case ours:
		return slices.Contains(r.imports, inside)
	case strings.Contains(strings.Split(name, "/")[0], "."):
		return slices.Contains(r.modules, name) || s.test && slices.Contains(testModules, name)
	}
	return true
}

func rowOf(dir string) *row {
	for i, r := range importTable {
		below, tree := strings.CutSuffix(r.pkg, "...")
		if r.pkg == dir || tree && strings.HasPrefix(dir, below) {
			return &importTable[i]
		}
	}
	return nil
}

func impurities(s *source) []string {
	var out []string
	for _, imp := range s.syntax.Imports {
		if name := importPath(imp); isImpure(name) {
			out = append(out, s.at(imp, "a pure package may not import "+name))
		}
	}
	s.walk(func(n ast.Node) {
		if what := impurity(s, n); what != "" {
			out = append(out, s.at(n, "a pure package may not use "+what))
		}
	})
	return append(out, goroutines(s)...)
}

func isImpure(name string) bool {
	return slices.ContainsFunc(impureImports, func(p string) bool { return name == p || strings.HasPrefix(name, p+"/") })
}

var (
	clock    = regexp.MustCompile(`^time\.(Now|Since|Until|After|AfterFunc|NewTimer|NewTicker|Tick|Sleep)$`)
	printing = regexp.MustCompile(`^(fmt\.Print.*|print|println)$`)
)

// impurity names what makes the node unfit for a pure package. Goroutines are another rule.
func impurity(s *source, n ast.Node) string {
	switch n := n.(type) {
	case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
		return "channels"
	case *ast.SelectorExpr:
		if name := s.qualified(n); clock.MatchString(name) || printing.MatchString(name) {
			return name
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && printing.MatchString(id.Name) {
			return id.Name
		}
	}
	return ""
}

// goroutines finds what starts one: the statement, and a method called Go such as sync.WaitGroup's. Callbacks of timers
// and contexts run in goroutines too, but end by themselves; only pure packages must do without.
func goroutines(s *source) []string {
	var out []string
	s.walk(func(n ast.Node) {
		_, found := n.(*ast.GoStmt)
		if call, ok := n.(*ast.CallExpr); ok {
			sel, ok := call.Fun.(*ast.SelectorExpr)
			found = ok && sel.Sel.Name == "Go"
		}
		if found {
			out = append(out, s.at(n, "starts a goroutine in a file that goroutineFiles does not list"))
		}
	})
	return out
}

func bareGoStatements(s *source) []string {
	var out []string
	s.walk(func(n ast.Node) {
		if _, ok := n.(*ast.GoStmt); ok && !s.test {
			out = append(out, s.at(n, "go statement: start it through the WaitGroup of an owner whose Close waits"))
		}
	})
	return out
}

func unsafeImports(s *source) []string {
	for _, imp := range s.syntax.Imports {
		if importPath(imp) == "unsafe" {
			return []string{s.at(imp, "unsafe in a file that unsafeFiles does not list")}
		}
	}
	return nil
}

func longFiles(s *source) []string {
	if n := bytes.Count(s.text, []byte("\n")); n > maxFileLines {
		return []string{fmt.Sprintf("%s: %d lines, over %d: is it still one thing?", s.path, n, maxFileLines)}
	}
	return nil
}

func vagueNames(s *source) []string {
	name := strings.TrimSuffix(s.syntax.Name.Name, "_test")
	for _, vague := range list("util utils common types helper helpers base misc") {
		if name == vague || path.Base(s.dir()) == vague {
			return []string{s.path + ": a package named " + vague + " says nothing"}
		}
	}
	return nil
}

func sleepingTests(s *source) []string {
	var out []string
	s.walk(func(n ast.Node) {
		if sel, ok := n.(*ast.SelectorExpr); ok && s.test && s.qualified(sel) == "time.Sleep" {
			out = append(out, s.at(n, "time.Sleep in a test: use testing/synctest or wait for the event"))
		}
	})
	return out
}

func silentPanics(s *source) []string {
	var out []string
	s.walk(func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok || s.test {
			return
		}
		if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" && s.commentAt(n) == "" {
			out = append(out, s.at(n, "panic without a comment that says why it cannot happen"))
		}
	})
	return out
}

var (
	todo     = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	goodTodo = regexp.MustCompile(`\bTODO\(#\d+\)`)
)

func looseTodos(s *source) []string {
	var out []string
	for _, group := range s.syntax.Comments {
		for _, c := range group.List {
			if todo.MatchString(c.Text) && !goodTodo.MatchString(c.Text) {
				out = append(out, s.at(c, "a TODO names its issue"))
			}
		}
	}
	return out
}

func documents(s *source) bool {
	name, text := s.syntax.Name.Name, s.syntax.Doc.Text()
	if name == "main" {
		return text != ""
	}
	return path.Base(s.path) == "doc.go" && strings.HasPrefix(text, "Package "+name+" ")
}

// mapOrders finds what depends on the order of a map. A comment "order: why" on the line or above it tells why the
// order cannot reach an output.
func mapOrders(s *source, info *types.Info) []string {
	sorted := sortedCalls(s)
	var out []string
	s.walk(func(n ast.Node) {
		found := false
		switch n := n.(type) {
		case *ast.RangeStmt:
			found = isMap(info.TypeOf(n.X))
		case *ast.CallExpr:
			found = isMapIterator(s, n) && !sorted[n]
		}
		if found && !orderComment.MatchString(s.commentAt(n)) {
			out = append(out, s.at(n, "iterates over a map without a comment \"// order: why it cannot matter\""))
		}
	})
	return out
}

var orderComment = regexp.MustCompile(`(?m)^order: \S`)

// isMapIterator reports whether the call is one of package maps that yields in the map's order.
func isMapIterator(s *source, call *ast.CallExpr) bool {
	return slices.Contains(list("maps.Keys maps.Values maps.All"), s.qualified(call.Fun))
}

// sortedCalls returns the calls whose result goes straight into a sorting function.
func sortedCalls(s *source) map[ast.Expr]bool {
	sorted := map[ast.Expr]bool{}
	s.walk(func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if ok && strings.HasPrefix(s.qualified(call.Fun), "slices.Sorted") && len(call.Args) > 0 {
			sorted[call.Args[0]] = true
		}
	})
	return sorted
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface: // of a type parameter
		for e := range u.EmbeddedTypes() {
			if union, ok := e.(*types.Union); ok && isMap(union.Term(0).Type()) {
				return true
			}
		}
	}
	return false
}

// The patterns are spelt so that they do not find themselves.
var traces = regexp.MustCompile(`(?i)(^|[^\w.-])/(work|root|home/[a-z][\w.-]*)/` +
	`|proxy\.golang\.|sum\.golang\.|registry\.npmjs|pythonhosted\.|pypi\.org|deb\.debian\.|"resolved": *"http|index[-]url`)

func machineTraces(name string, text []byte) []string {
	var out []string
	for i, line := range strings.Split(string(text), "\n") {
		if found := traces.FindString(line); found != "" {
			out = append(out, fmt.Sprintf("%s:%d: names a machine or a registry: %q", name, i+1, found))
		}
	}
	return out
}

// ---- the rules can fail ----

// sample is a file that a rule must find fault with, or, if it is harmless, must not.
type sample struct {
	rule     func(*source) []string
	path     string
	text     string
	harmless bool
}

var samples = []sample{
	{rule: importsOutsideTable, path: "wamp/x.go", text: `package wamp; import _ "github.com/tandemrouter/tandem/router"`},
	{rule: importsOutsideTable, path: "wamp/x_test.go", text: `package wamp; import _ "github.com/tandemrouter/tandem/router"`},
	{rule: importsOutsideTable, path: "client/x.go", text: `package client; import _ "github.com/tandemrouter/tandem/router"`},
	{rule: importsOutsideTable, path: "client/x_test.go", harmless: true,
		text: `package client; import _ "github.com/tandemrouter/tandem/router"`},
	{rule: importsOutsideTable, path: "router/x.go", text: `package router; import _ "github.com/gobwas/ws"`},
	{rule: importsOutsideTable, path: "router/x_test.go", text: `package router; import _ "github.com/stretchr/testify/assert"`},
	{rule: importsOutsideTable, path: "transport/websocket/x.go", harmless: true,
		text: `package websocket; import _ "github.com/gobwas/ws"`},
	{rule: importsOutsideTable, path: "internal/extra/x.go", text: `package extra`},
	{rule: importsOutsideTable, path: "x.go", text: `package tandem`},

	{rule: impurities, path: "x.go", text: `package x; import "net/http"; var _ http.Client`},
	{rule: impurities, path: "x.go", text: `package x; import r "math/rand/v2"; var _ = r.N`},
	{rule: impurities, path: "x.go", text: `package x; import "time"; var now = time.Now`},
	{rule: impurities, path: "x.go", text: `package x; import clock "time"; func f() { clock.Sleep(1) }`},
	{rule: impurities, path: "x.go", text: `package x; import "time"; var _ = time.AfterFunc(1, nil)`},
	{rule: impurities, path: "x.go", text: `package x; import "fmt"; func f() { fmt.Println() }`},
	{rule: impurities, path: "x.go", text: `package x; func f() { println() }`},
	{rule: impurities, path: "x.go", text: `package x; type t struct { c <-chan int }`},
	{rule: impurities, path: "x.go", text: `package x; func f() { go f() }`},
	{rule: impurities, path: "x.go", harmless: true,
		text: `package x; import ("fmt"; "time"); func f(t time.Time) string { return fmt.Sprint(t) }`},

	{rule: goroutines, path: "x.go", text: `package x; import "sync"; func f(wg *sync.WaitGroup) { wg.Go(nil) }`},
	{rule: bareGoStatements, path: "x.go", text: `package x; func f() { func() { go f() }() }`},
	{rule: bareGoStatements, path: "x_test.go", text: `package x; func f() { go f() }`, harmless: true},
	{rule: unsafeImports, path: "x.go", text: `package x; import "unsafe"; var _ unsafe.Pointer`},

	{rule: longFiles, path: "x.go", text: "package x" + strings.Repeat("\n", maxFileLines+1)},
	{rule: longFiles, path: "x.go", text: "package x" + strings.Repeat("\n", maxFileLines), harmless: true},
	{rule: vagueNames, path: "internal/util/x.go", text: `package router`},
	{rule: vagueNames, path: "x.go", text: `package helpers`},
	{rule: sleepingTests, path: "x_test.go", text: `package x; import clock "time"; func f() { clock.Sleep(1) }`},
	{rule: silentPanics, path: "x.go", text: "package x\nfunc f() {\n\tpanic(1)\n}\n"},
	{rule: silentPanics, path: "x.go", text: "package x\nfunc f() {\n\t// because\n\tpanic(1)\n}\n", harmless: true},
	{rule: looseTodos, path: "x.go", text: "package x // TO" + "DO: later"},
	{rule: looseTodos, path: "x.go", text: "package x // TO" + "DO(#3): later", harmless: true},

	{rule: typedMapOrders, path: "x.go", text: "package x\nfunc f(m map[int]int) {\n\tfor range m {\n\t}\n}\n"},
	{rule: typedMapOrders, path: "x.go", text: "package x\ntype t map[int]int\nfunc f(m t) {\n\tfor range m {\n\t}\n}\n"},
	{rule: typedMapOrders, path: "x.go", text: "package x\nfunc f[M ~map[int]int](m M) {\n\tfor range m {\n\t}\n}\n"},
	{rule: typedMapOrders, path: "x.go", harmless: true,
		text: "package x\nfunc f(m map[int]int) {\n\t// order: only counts\n\tfor range m {\n\t}\n}\n"},
	{rule: typedMapOrders, path: "x.go", text: "package x\nfunc f(s []int) {\n\tfor range s {\n\t}\n}\n", harmless: true},
	{rule: typedMapOrders, path: "x.go", text: `package x; import "maps"; var _ = maps.Keys(map[int]int{})`},
	{rule: typedMapOrders, path: "x.go", harmless: true,
		text: `package x; import ("maps"; "slices"); var _ = slices.Sorted(maps.Keys(map[int]int{}))`},

	{rule: traced, path: "a.md", text: "package x // see /ro" + "ot/x"},
	{rule: traced, path: "a.md", text: "package x // cd /wo" + "rk/main"},
	{rule: traced, path: "a.md", text: "package x // /ho" + "me/ann/tandem"},
	{rule: traced, path: "a.md", text: "package x // https://registry" + ".npmjs.org/"},
	{rule: traced, path: "a.md", text: "package x // a homework/root/cause", harmless: true},
}

func TestRulesCatch(t *testing.T) {
	for i, sm := range samples {
		s, err := parseSource(token.NewFileSet(), sm.path, []byte(sm.text))
		if err != nil {
			t.Errorf("sample %d: %v", i, err)
			continue
		}
		if complaints := sm.rule(s); (len(complaints) == 0) != sm.harmless {
			t.Errorf("sample %d, harmless: %v, complaints: %q\n%s", i, sm.harmless, complaints, sm.text)
		}
	}
}

// typedMapOrders is mapOrders for a file that imports nothing whose types matter.
func typedMapOrders(s *source) []string {
	info, _ := typeCheck("x", []*source{s}, nil) // imports fail, what the file declares is known all the same
	return mapOrders(s, info)
}

func traced(s *source) []string { return machineTraces(s.path, s.text) }
