package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// allowedOutputs lists the places that use a stream or a terminal directly, with the reason. All other code writes to
// the Stdout and Stderr of app.App, which escape the characters that could control a terminal.
var allowedOutputs = map[string]string{
	"cli/app/person.go: OpenTTY":             "the message passes printable.Line",
	"cli/app/ask.go: OpenTTY":                "the message passes printable.Line",
	"cli/sealed/add.go: OpenTTY":             "the words of the recovery key",
	"cli/run/proxy_unix.go: os.Stderr":       "inherited by our own process, which escapes its output itself",
	"cli/system/child_windows.go: os.Stderr": "inherited by the user's command",
	"cli/system/child_windows.go: os.Stdout": "inherited by the user's command",
	"cli/system/process.go: os.Stderr":       "becomes app.Env.Stderr, and is inherited by a profile's command",
	"cli/system/process.go: os.Stdout":       "becomes app.Env.Stdout",
	"prompt/pinentry.go: OpenTTY":            "only checks that there is a terminal",
	"prompt/terminal.go: OpenTTY":            "all texts pass sanitize",
}

// TestOnlyAppPrints checks that no code writes to a stream or a terminal except through app.App and the places in
// allowedOutputs.
func TestOnlyAppPrints(t *testing.T) {
	found := map[string]bool{}
	for _, file := range sources(t, "contrib", "internal") {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range outputsIn(f) {
			found[file+": "+name] = true
		}
	}
	for at := range found {
		if _, ok := allowedOutputs[at]; !ok {
			t.Errorf("%s: expected the Stdout or Stderr of app.App, which escape control characters", at)
		}
	}
	for at := range allowedOutputs {
		if !found[at] {
			t.Errorf("%s prints nothing any more: remove it from the table", at)
		}
	}
}

// outputsIn returns the ways in which a file could print without app.App.
func outputsIn(f *ast.File) (names []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, _ := n.X.(*ast.Ident)
			switch {
			case x != nil && slices.Contains([]string{"os.Stdout", "os.Stderr"}, x.Name+"."+n.Sel.Name):
				names = append(names, x.Name+"."+n.Sel.Name)
			case x != nil && (x.Name == "fmt" && strings.HasPrefix(n.Sel.Name, "Print") || x.Name == "log" && slices.Contains([]string{"Print", "Printf", "Println", "Default"}, n.Sel.Name)):
				names = append(names, x.Name+"."+n.Sel.Name)
			}
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "OpenTTY" {
				names = append(names, "OpenTTY")
			}
		}
		return true
	})
	return names
}
