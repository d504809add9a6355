package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// started are the places where something is started that is not a program which aws-vault runs and
// waits for. All those go through Starter.Command: it tells them of the locks that are held, and gives
// them no terminal that another has.
var started = map[string]string{
	"cli/system/child_unix.go: syscall.StartProcess": "the user's own command, which has the terminal",
	"cli/system/child_windows.go: exec.Cmd":          "the user's own command",
	"cli/system/process_unix.go: syscall.Exec":       "the user's own command, in our place",
	"cli/run/proxy_unix.go: exec.CommandContext":     "our own process without privileges; proxy takes no locks",
	"server/alias_other.go: exec.Command":            "ifconfig as root, before the command starts and after it has ended; it asks nobody",
	"vault/program/program.go: exec.CommandContext":  "Starter.Command",
}

// starters are the functions and types that start a program.
var starters = map[string]bool{
	"exec.Command": true, "exec.CommandContext": true, "exec.Cmd": true,
	"execabs.Command": true, "execabs.CommandContext": true, "execabs.Cmd": true,
	"os.StartProcess": true, "syscall.StartProcess": true, "syscall.ForkExec": true, "syscall.Exec": true, "syscall.CreateProcess": true,
	"unix.Exec": true, "windows.CreateProcess": true, "windows.CreateProcessAsUser": true, "windows.ShellExecute": true,
}

func TestStarts(t *testing.T) {
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (path == "contrib" || path == "dist" || path == "internal" || d.Name() == "testdata" || d.Name() != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range startsIn(f) {
			found[filepath.ToSlash(path)+": "+name] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for at := range found {
		if _, ok := started[at]; !ok {
			t.Errorf("%s: expected Starter.Command of vault/program, which tells a program of held locks and keeps it off a terminal that is busy", at)
		}
	}
	for at := range started {
		if !found[at] {
			t.Errorf("%s starts nothing any more: take it out of the table", at)
		}
	}
}

// startsIn are the starters that a file calls, names as values, or fills in.
func startsIn(f *ast.File) (names []string) {
	types := map[ast.Node]bool{} // *exec.Cmd as a type starts nothing
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			types[n.X] = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && !types[n] && starters[x.Name+"."+n.Sel.Name] {
				names = append(names, x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return names
}

// libraries are those of others that can start programs, and why none escapes Starter.Command.
var libraries = map[string]string{
	"golang.org/x/sys/execabs":               "looks programs up for those below",
	"filippo.io/age/plugin":                  "vault/keystore/sealed calls it within StartByLibrary",
	"github.com/godbus/dbus/v5":              "starts a bus where no address is known, and keystores dial known ones only",
	"github.com/skratchdot/open-golang/open": "cli/system calls it within StartDetached, and not while the terminal is busy",
	"github.com/99designs/keyring":           "starts pass, and only its keychain is used, on macOS",
}

func TestLibrariesThatStart(t *testing.T) {
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{end}}`, ".")
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			if len(fields) == 0 || strings.HasPrefix(fields[0], "aws-vault") {
				continue
			}
			for _, path := range fields[1:] {
				if (path == "os/exec" || path == "golang.org/x/sys/execabs") && libraries[fields[0]] == "" {
					t.Errorf("%s: %s can start programs: see that it does so within StartByLibrary of vault/program, and say so in this table", system, fields[0])
				}
			}
		}
	}
}
