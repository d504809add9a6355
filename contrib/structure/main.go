// Structure prints the sizes of the types, folders, files and functions of this repository, without tests. Large
// sizes show where a type or a folder has more than one job. To compare with another checkout, pass the checkout's
// directory as the argument.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	mostTypes    = 15
	shortFile    = 40 // number of lines; a file with fewer lines is short
	longFunction = 60 // number of lines; a function with more lines is long
)

// system matches the name of a file that is built only for some operating systems.
var system = regexp.MustCompile(`_(linux|unix|windows|darwin|other|bsd)\.go$`)

func main() {
	dir := "."
	if len(os.Args) == 2 {
		dir = os.Args[1]
	}
	c, err := read(os.DirFS(dir))
	if err != nil {
		fmt.Fprintln(os.Stderr, "structure:", err)
		os.Exit(1)
	}
	c.print(os.Stdout)
}

// A count contains the sizes of all types, packages, files and functions.
type count struct {
	methods map[string]int             // number of methods by package and type
	files   map[string]int             // number of files by package
	topics  map[string]map[string]bool // file names by package, without endings such as _linux
	short   []string
	long    []string
	lines   map[string]int // number of lines by package
	imports map[string][]string
	roots   []string // the main packages outside the folder contrib
}

func read(tree fs.FS) (*count, error) {
	c := &count{
		methods: map[string]int{}, files: map[string]int{}, topics: map[string]map[string]bool{}, lines: map[string]int{},
		imports: map[string][]string{},
	}
	return c, fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case e.IsDir() && (base == "testdata" || name == "dist" || len(base) > 1 && base[0] == '.'):
			return fs.SkipDir
		case e.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return c.add(name, text)
	})
}

func (c *count) add(name string, text []byte) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	pkg, lines := path.Dir(name), bytes.Count(text, []byte("\n"))
	c.files[pkg]++
	c.lines[pkg] += lines
	if c.topics[pkg] == nil {
		c.topics[pkg] = map[string]bool{}
	}
	c.topics[pkg][system.ReplaceAllString(name, ".go")] = true
	if lines < shortFile && !system.MatchString(name) {
		c.short = append(c.short, name)
	}
	if file.Name.Name == "main" && !inContrib(pkg) && !slices.Contains(c.roots, pkg) {
		c.roots = append(c.roots, pkg)
	}
	for _, i := range file.Imports {
		if dep, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), "aws-vault/"); ours {
			c.imports[pkg] = append(c.imports[pkg], dep)
		}
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if f.Recv != nil {
			c.methods[pkg+" "+typeName(f.Recv.List[0].Type)]++
		}
		if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > longFunction {
			c.long = append(c.long, fmt.Sprintf("%s: %s (%d lines)", name, f.Name.Name, n))
		}
	}
	return nil
}

// typeName returns the name of the type that a method belongs to.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

func inContrib(pkg string) bool { return strings.HasPrefix(pkg, "contrib/") }

// shipped returns the programs outside contrib and all packages that they import, on any operating system. It
// leaves out packages that only tests import.
func (c *count) shipped() map[string]bool {
	seen := map[string]bool{}
	var visit func(pkg string)
	visit = func(pkg string) {
		if !seen[pkg] && !inContrib(pkg) {
			seen[pkg] = true
			for _, dep := range c.imports[pkg] {
				visit(dep)
			}
		}
	}
	for _, root := range c.roots {
		visit(root)
	}
	return seen
}

func (c *count) print(w io.Writer) {
	fmt.Fprintf(w, "Methods per type, the first %d of %d types:\n", min(mostTypes, len(c.methods)), len(c.methods))
	byCount := func(a, b string) int { return cmp.Or(c.methods[b]-c.methods[a], cmp.Compare(a, b)) }
	for i, t := range slices.SortedFunc(maps.Keys(c.methods), byCount) {
		if i < mostTypes {
			fmt.Fprintf(w, "%6d %s\n", c.methods[t], t)
		}
	}
	fmt.Fprintf(w, "\nFiles per package, and without counting a topic again for each operating system:\n")
	for _, pkg := range slices.Sorted(maps.Keys(c.files)) {
		fmt.Fprintf(w, "%6d %4d %s\n", c.files[pkg], len(c.topics[pkg]), pkg)
	}
	shipped, inProgram, contrib := c.shipped(), 0, 0
	list(w, fmt.Sprintf("Files of the program under %d lines that are not for one system", shortFile),
		slices.DeleteFunc(c.short, func(name string) bool { return !shipped[path.Dir(name)] }))
	list(w, fmt.Sprintf("Functions over %d lines", longFunction), c.long)
	for pkg, n := range c.lines {
		if shipped[pkg] {
			inProgram += n
		}
		if inContrib(pkg) {
			contrib += n
		}
	}
	fmt.Fprintf(w, "\nLines of the program: %d\nLines of contrib: %d\n", inProgram, contrib)
}

func list(w io.Writer, title string, names []string) {
	fmt.Fprintf(w, "\n%s: %d\n", title, len(names))
	for _, name := range names {
		fmt.Fprintln(w, "      ", name)
	}
}
