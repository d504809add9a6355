package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// allowedStarts lists the calls that may start a process without Starter.Command, with the reason. All other code
// must use Starter.Command. Starter.Command tells the program which locks this process holds. While another
// process uses the terminal, Starter.Command starts the program without a terminal.
var allowedStarts = map[string]string{
	"cli/system/child_unix.go: syscall.StartProcess":   "the user's own command, which has the terminal",
	"cli/system/child_windows.go: exec.Cmd":            "the user's own command",
	"cli/system/witness_unix.go: syscall.StartProcess": "cat, which gets neither the terminal nor an environment",
	"cli/system/process_unix.go: syscall.Exec":         "the user's own command, which replaces this process",
	"cli/run/proxy_unix.go: exec.CommandContext":       "our own unprivileged process; proxy holds no locks",
	"server/alias_other.go: exec.Command":              "ifconfig as root, before the command starts and after it has ended; it never prompts",
	"vault/program/program.go: exec.CommandContext":    "Starter.Command",
}

// startFunctions lists the functions and types that can start a program.
var startFunctions = map[string]bool{
	"exec.Command": true, "exec.CommandContext": true, "exec.Cmd": true,
	"execabs.Command": true, "execabs.CommandContext": true, "execabs.Cmd": true,
	"os.StartProcess": true, "syscall.StartProcess": true, "syscall.ForkExec": true, "syscall.Exec": true, "syscall.CreateProcess": true,
	"unix.Exec": true, "windows.CreateProcess": true, "windows.CreateProcessAsUser": true, "windows.ShellExecute": true,
}

// TestOnlyStarterStartsPrograms checks that only Starter.Command starts programs, except for the calls in
// allowedStarts.
func TestOnlyStarterStartsPrograms(t *testing.T) {
	found := map[string]bool{}
	for _, file := range sources(t, "contrib", "internal") {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range startFunctionsIn(f) {
			found[file+": "+name] = true
		}
	}
	for at := range found {
		if _, ok := allowedStarts[at]; !ok {
			t.Errorf("%s: expected Starter.Command of vault/program, which passes held locks to a program and gives it no terminal that is in use", at)
		}
	}
	for at := range allowedStarts {
		if !found[at] {
			t.Errorf("%s starts nothing any more: remove it from the table", at)
		}
	}
}

// startFunctionsIn returns which of the startFunctions a file uses: in a call, as a value, or in a composite literal.
func startFunctionsIn(f *ast.File) (names []string) {
	types := map[ast.Node]bool{} // uses of *exec.Cmd as a type, which start no program
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			types[n.X] = true
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && !types[n] && startFunctions[x.Name+"."+n.Sel.Name] {
				names = append(names, x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return names
}

// completeEnvironments lists the functions that read or pass on an environment with secrets, with the reason. All other
// code starts programs with the environment of this process, from which RemoveSecrets has removed the secrets.
var completeEnvironments = map[string]string{
	"cli/app/session.go: runShell":                "only a credential_process gets the secrets",
	"cli/app/session.go: programEnvironment":      "is hashed for the cache key of a credential_process",
	"cli/run/environ.go: childEnvironment":        "removes the secrets for the user's own command",
	"cli/system/environ.go: Environ":              "adds the secrets",
	"cli/system/environ.go: RemoveSecrets":        "removes the secrets from this process",
	"cli/system/process_unix.go: shellCommand":    "gets the environment that runShell returns",
	"cli/system/process_windows.go: shellCommand": "gets the environment that runShell returns",
	"vault/holdings.go: programs":                 "hashes the result of programEnvironment",
	"vault/program/program.go: Command":           "adds the list of locks",
}

// TestOnlyCommandsOfProfilesGetSecrets checks that only the functions in completeEnvironments call a method Environ, or
// call Starter.Command with an environment other than nil. A program started in another way gets no secrets.
func TestOnlyCommandsOfProfilesGetSecrets(t *testing.T) {
	found := map[string]bool{}
	for _, file := range sources(t, "contrib", "internal") {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && usesEnvironment(fn) {
				found[file+": "+fn.Name.Name] = true
			}
		}
	}
	for at := range found {
		if completeEnvironments[at] == "" {
			t.Errorf("%s: expected nil as the environment of a program, so that it gets no secrets", at)
		}
	}
	for at := range completeEnvironments {
		if !found[at] {
			t.Errorf("%s uses no environment any more: remove it from the table", at)
		}
	}
}

// usesEnvironment reports whether a function calls a method Environ without arguments, or a method Command whose second
// argument, the environment, is not nil.
func usesEnvironment(fn *ast.FuncDecl) (uses bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch {
		case method.Sel.Name == "Environ" && len(call.Args) == 0:
			uses = true
		case method.Sel.Name == "Command" && len(call.Args) >= 3:
			environ, ok := call.Args[1].(*ast.Ident)
			uses = uses || !ok || environ.Name != "nil"
		}
		return true
	})
	return uses
}

// startingLibraries lists libraries that can start programs. The value says why the library is allowed although it
// does not use Starter.Command.
var startingLibraries = map[string]string{
	"golang.org/x/sys/execabs":               "only looks up programs for the libraries below",
	"filippo.io/age/plugin":                  "vault/keystore/sealed calls it within StartByLibrary",
	"github.com/godbus/dbus/v5":              "starts a bus only if no address is known; keystores dial known addresses only",
	"github.com/skratchdot/open-golang/open": "cli/system calls it within StartDetached, and not while the terminal is busy",
	"github.com/99designs/keyring":           "can start pass; only its macOS keychain is used",
}

// TestLibrariesThatStartPrograms checks that the program contains no library that can start programs, except for the
// libraries in startingLibraries.
func TestLibrariesThatStartPrograms(t *testing.T) {
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
				if (path == "os/exec" || path == "golang.org/x/sys/execabs") && startingLibraries[fields[0]] == "" {
					t.Errorf("%s: %s can start programs: make sure that it does so within StartByLibrary of vault/program, and add it to the table", system, fields[0])
				}
			}
		}
	}
}
