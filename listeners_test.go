package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// listenFunctions lists the functions and types that open a port or a socket, keyed by the path of their package.
var listenFunctions = map[string][]string{
	"net": {
		"Listen", "ListenTCP", "ListenUnix", "ListenPacket", "ListenUDP", "ListenIP", "ListenUnixgram", "ListenMulticastUDP",
		"ListenConfig", "FileListener", "FilePacketConn",
	},
	"net/http":                 {"ListenAndServe", "ListenAndServeTLS"},
	"net/http/httptest":        {"NewServer", "NewTLSServer", "NewUnstartedServer"},
	"crypto/tls":               {"Listen"},
	"syscall":                  {"Listen", "Accept", "Accept4", "AcceptEx"},
	"golang.org/x/sys/unix":    {"Listen", "Accept", "Accept4"},
	"golang.org/x/sys/windows": {"Listen", "AcceptEx"},
	"aws-vault/vault/peer":     {"Listen", "FromFile", "ListenBound"},
}

// listenExempt lists the packages that may call the functions in listenFunctions, with the reason.
var listenExempt = map[string]string{
	"vault/peer":        "the other packages call it to listen",
	"internal/fakeaws":  "for tests only",
	"internal/fakecard": "for tests only",
}

// A use is one use of a function or type of a package. Its field "at" contains the file and the function in which
// the use is, in the form that ARCHITECTURE.md uses.
type use struct{ pkg, name, at string }

// usesIn returns all uses of the functions and types in listenFunctions that a file contains.
func usesIn(t *testing.T, path string) (found []use) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]string{} // the import paths, keyed by the package's name in this file
	for _, i := range file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := p[strings.LastIndex(p, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = p
	}
	if p, ok := imports["."]; ok && listenFunctions[p] != nil {
		t.Errorf("%s imports %s with a dot, so its uses cannot be found", path, p)
	}
	for _, d := range file.Decls {
		at := path
		if f, ok := d.(*ast.FuncDecl); ok {
			at += " " + f.Name.Name
		}
		ast.Inspect(d, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			name := s.Sel.Name
			if x, ok := s.X.(*ast.Ident); ok && slices.Contains(listenFunctions[imports[x.Name]], name) {
				found = append(found, use{imports[x.Name], name, at})
			} else if strings.HasPrefix(name, "ListenAndServe") { // methods of http.Server have these names
				found = append(found, use{"net/http", name, at})
			}
			return true
		})
	}
	return found
}

// TestListeners checks that only package peer opens ports and sockets. ARCHITECTURE.md must list each function that
// uses package peer for this.
func TestListeners(t *testing.T) {
	const row = "\\| `([^`]+\\.go [^`]+)` \\|"
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, m := range regexp.MustCompile(row).FindAllStringSubmatch(string(text), -1) {
		if written[m[1]] {
			t.Errorf("ARCHITECTURE.md lists %s twice", m[1])
		}
		written[m[1]] = true
	}
	opened := map[string]bool{}
	for _, path := range sources(t) {
		pkg := filepath.ToSlash(filepath.Dir(path))
		if listenExempt[pkg] != "" {
			continue
		}
		for _, u := range usesIn(t, path) {
			if u.pkg != "aws-vault/vault/peer" {
				t.Errorf("%s uses %s.%s, expected package peer, which checks who connects", u.at, u.pkg, u.name)
			}
			opened[u.at] = true
		}
	}
	for _, at := range slices.Sorted(maps.Keys(opened)) {
		if !written[at] {
			t.Errorf("%s opens a port or socket that is not in the table of ARCHITECTURE.md", at)
		}
		delete(written, at)
	}
	for _, at := range slices.Sorted(maps.Keys(written)) {
		t.Errorf("ARCHITECTURE.md lists %s, which opens nothing", at)
	}
}

// TestOpenListeners checks which code sets the fields Anyone and NoTCPOwner of peer.Check. If Anyone is true, a
// server accepts connections from other users. If NoTCPOwner is true, a server cannot identify the owner of a TCP
// connection.
func TestOpenListeners(t *testing.T) {
	want := []string{"contrib/docker/proxy/main.go Anyone"}
	var have []string
	for _, path := range sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if field, ok := n.(*ast.KeyValueExpr); ok {
				if name, ok := field.Key.(*ast.Ident); ok && (name.Name == "Anyone" || name.Name == "NoTCPOwner") {
					have = append(have, filepath.ToSlash(path)+" "+name.Name)
				}
			}
			if set, ok := n.(*ast.AssignStmt); ok {
				for _, left := range set.Lhs {
					if s, ok := left.(*ast.SelectorExpr); ok && (s.Sel.Name == "Anyone" || s.Sel.Name == "NoTCPOwner") {
						have = append(have, filepath.ToSlash(path)+" "+s.Sel.Name)
					}
				}
			}
			return true
		})
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("connections of other users are accepted in %q, want %q", have, want)
	}
}
