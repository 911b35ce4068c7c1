package tandem_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// source is one parsed Go file.
type source struct {
	path     string // from the module root, with slashes
	test     bool
	text     []byte
	fset     *token.FileSet
	syntax   *ast.File
	names    map[string]string // name in this file → import path
	comments map[int]string    // last line of a comment → its text
}

// foreignDirs hold what is not ours or not source.
var foreignDirs = list(".git bin node_modules .venv __pycache__ .pytest_cache")

// eachFile calls f with every text file of the repository.
func eachFile(t *testing.T, f func(name string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(foreignDirs, d.Name()) {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(text, []byte{0}) {
			f(filepath.ToSlash(name), text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	readOnce sync.Once
	read     []*source
)

// sources returns every Go file of the module, parsed once.
func sources(t *testing.T) []*source {
	t.Helper()
	readOnce.Do(func() {
		fset := token.NewFileSet()
		eachFile(t, func(name string, text []byte) {
			if !strings.HasSuffix(name, ".go") || strings.Contains(name, "testdata/") || ofOtherModule(name) {
				return
			}
			s, err := parseSource(fset, name, text)
			if err != nil {
				t.Errorf("%v", err)
				return
			}
			read = append(read, s)
		})
	})
	return read
}

// ofOtherModule reports whether the file's folder is a module of its own, which the rules of this one do not bind.
func ofOtherModule(name string) bool {
	dir := filepath.Dir(name)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return dir != "." && err == nil
}

func parseSource(fset *token.FileSet, name string, text []byte) (*source, error) {
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	s := &source{path: name, test: strings.HasSuffix(name, "_test.go"), text: text, fset: fset, syntax: syntax,
		names: map[string]string{}, comments: map[int]string{}}
	for _, imp := range syntax.Imports {
		s.names[localName(imp)] = importPath(imp)
	}
	for _, group := range syntax.Comments {
		s.comments[fset.Position(group.End()).Line] = group.Text()
	}
	return s, nil
}

func localName(imp *ast.ImportSpec) string {
	if imp.Name != nil {
		return imp.Name.Name
	}
	name := importPath(imp)
	if path.Base(name) == "v2" {
		name = path.Dir(name)
	}
	return path.Base(name)
}

func importPath(imp *ast.ImportSpec) string {
	name, err := strconv.Unquote(imp.Path.Value)
	if err != nil {
		return imp.Path.Value
	}
	return name
}

func (s *source) dir() string { return path.Dir(s.path) }

// at words a complaint about a node.
func (s *source) at(n ast.Node, complaint string) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.line(n), complaint)
}

func (s *source) line(n ast.Node) int { return s.fset.Position(n.Pos()).Line }

// commentAt returns the comment on the node's first line or right above it.
func (s *source) commentAt(n ast.Node) string {
	return s.comments[s.line(n)] + s.comments[s.line(n)-1]
}

// qualified returns the import path and name that the expression selects from a package, such as "time.Now", or "".
func (s *source) qualified(e ast.Expr) string {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok || s.names[id.Name] == "" {
		return ""
	}
	return s.names[id.Name] + "." + sel.Sel.Name
}

func (s *source) walk(visit func(ast.Node)) {
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if n != nil {
			visit(n)
		}
		return true
	})
}

// exportData asks the go command for the compiled form of everything that the packages import.
func exportData(t *testing.T, pkgs []string) map[string]string {
	t.Helper()
	args := list("list -e -export -deps -f {{.ImportPath}}={{.Export}}")
	out, err := exec.Command("go", append(args, prefixed("./", pkgs)...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for _, line := range strings.Fields(string(out)) {
		name, file, _ := strings.Cut(line, "=")
		exports[name] = file
	}
	return exports
}

// typeCheck returns what the compiler knows of the package's expressions. Without exports it can import nothing.
func typeCheck(name string, files []*source, exports map[string]string) (*types.Info, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}}
	if len(files) == 0 {
		return info, nil
	}
	open := func(name string) (io.ReadCloser, error) {
		if exports[name] == "" {
			return nil, errors.New("not compiled: " + name)
		}
		return os.Open(exports[name])
	}
	fset := files[0].fset
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", open)}
	var syntax []*ast.File
	for _, s := range files {
		syntax = append(syntax, s.syntax)
	}
	_, err := config.Check(name, fset, syntax, info)
	return info, err
}

var (
	ruleLine  = regexp.MustCompile(`(?m)^ {8}([\w/]+):$`)
	allowLine = regexp.MustCompile(`(?m)^ {12}- ([\w./-]+)\$$`)
)

// depguardRules reads the linter's table: for each strict rule the packages that it allows, sorted, without the
// standard library. It knows no YAML, only how we write that file.
func depguardRules(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(".golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string][]string{}
	rule := ""
	for line := range strings.Lines(string(text)) {
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			rule = m[1]
		}
		if m := allowLine.FindStringSubmatch(line); m != nil {
			rules[rule] = append(rules[rule], m[1])
		}
	}
	for _, allowed := range rules {
		slices.Sort(allowed)
	}
	return rules
}

func prefixed(prefix string, words []string) []string {
	var out []string
	for _, w := range words {
		out = append(out, prefix+w)
	}
	return out
}

// complain reports each complaint as a failure.
func complain(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// checkListed applies a rule outside the listed files, and demands that the listed ones still need their place.
func checkListed(t *testing.T, name string, listed []string, rule func(*source) []string) {
	t.Helper()
	needed := map[string]bool{}
	for _, s := range sources(t) {
		if complaints := rule(s); !s.test && len(complaints) > 0 {
			needed[s.path] = true
			if !slices.Contains(listed, s.path) {
				complain(t, complaints)
			}
		}
	}
	for _, file := range listed {
		if !needed[file] {
			t.Errorf("%s lists %s, which does not need it", name, file)
		}
	}
}
