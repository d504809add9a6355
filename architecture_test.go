package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// A row is one row of the package table in ARCHITECTURE.md.
type row struct {
	level int
	does  string
}

var (
	rowLine  = regexp.MustCompile("(?m)^\\| (\\d+) \\| `([^`]+)` \\| (.*) \\|$")
	fence    = regexp.MustCompile("(?s)```.*?```")
	codeSpan = regexp.MustCompile("`([^`]+)`")
)

// packageRows reads the package table. The keys of the map are the paths of the packages inside this module.
func packageRows(t *testing.T) map[string]row {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, m := range rowLine.FindAllStringSubmatch(string(text), -1) {
		level, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(m[2], "main.go")
		if _, twice := rows[path]; twice {
			t.Errorf("ARCHITECTURE.md lists %q twice", m[2])
		}
		rows[path] = row{level, m[3]}
	}
	return rows
}

// testOnly reports whether only tests and contrib may import a package.
func testOnly(path string) bool {
	return strings.HasPrefix(path, "internal/") || strings.HasSuffix(path, "test")
}

// TestPackages compares the package table with the source. The table must list each package with the first
// sentence of its package comment. Each package may import only packages that have a lower level in the table.
func TestPackages(t *testing.T) {
	rows := packageRows(t)
	found := map[string]bool{}
	for _, env := range [][]string{
		{"GOOS=linux", "CGO_ENABLED=0"}, {"GOOS=darwin", "CGO_ENABLED=0"}, {"GOOS=windows", "CGO_ENABLED=0"},
		{"GOOS=linux", "CGO_ENABLED=1", "GOFLAGS=-tags=piv"}, {"GOOS=windows", "CGO_ENABLED=0", "GOFLAGS=-tags=piv"},
	} {
		list := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}|{{.Name}}|{{.Doc}}`, "./...")
		list.Env = append(os.Environ(), env...)
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			part := strings.SplitN(strings.TrimSpace(line), "|", 3)
			imports := strings.Fields(part[0])
			path := inModule(imports[0])
			found[path] = true
			checkImports(t, env, rows, path, imports[1:])
			if does := strings.TrimPrefix(part[2], "Package "+part[1]+" "); does != rows[path].does {
				t.Errorf("package %q: ARCHITECTURE.md says %q, its documentation %q", path, rows[path].does, does)
			}
		}
	}
	for path := range rows {
		if !found[path] {
			t.Errorf("ARCHITECTURE.md lists %q, which is not a package", path)
		}
	}
}

// inModule returns the path of a package inside this module.
func inModule(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "aws-vault"), "/")
}

func checkImports(t *testing.T, env []string, rows map[string]row, path string, imports []string) {
	t.Helper()
	self, ok := rows[path]
	if !ok {
		t.Errorf("package %q is not in the table of ARCHITECTURE.md", path)
	}
	for _, i := range imports {
		if !strings.HasPrefix(i, "aws-vault/") {
			continue
		}
		dep := inModule(i)
		if rows[dep].level >= self.level {
			t.Errorf("%v: %s (level %d) imports %s (level %d)", env, path, self.level, dep, rows[dep].level)
		}
		if testOnly(dep) && !testOnly(path) && !strings.HasPrefix(path, "contrib/") {
			t.Errorf("%v: %s imports %s, which is for tests", env, path, dep)
		}
	}
}

// TestNamesInArchitecture checks that all files and functions that ARCHITECTURE.md names exist.
func TestNamesInArchitecture(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, m := range codeSpan.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
		file, name, _ := strings.Cut(strings.Join(strings.Fields(m[1]), " "), " ")
		if !strings.HasSuffix(file, ".go") {
			continue
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		if name != "" && !declares(parsed, name) {
			t.Errorf("ARCHITECTURE.md names %s in %s, which does not declare it", name, file)
		}
	}
	if files == 0 {
		t.Error("ARCHITECTURE.md names no files")
	}
}

// declares reports whether a file has a function or method with this name.
func declares(file *ast.File, name string) bool {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
			return true
		}
	}
	return false
}

// TestTestsInDocs checks that all tests that the documentation names exist.
func TestTestsInDocs(t *testing.T) {
	defined := map[string]bool{}
	for _, name := range repositoryFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			defined[m[1]] = true
		}
	}
	for _, name := range []string{"docs/performance.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := testName.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s names no tests", name)
		}
		for _, test := range found {
			if !defined[test] {
				t.Errorf("%s names %s, which does not exist", name, test)
			}
		}
	}
}

var (
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	testName     = regexp.MustCompile(`\bTest[A-Z]\w+`)
)
