package awsapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// notCompared lists the calls that the SDK does not have, and the reason.
var notCompared = map[string]string{
	actionCreateSession:   "the SDK's model of Roles Anywhere leaves it out; the fake AWS checks its signature as that of AWS's own helper",
	"requesting the time": "a HEAD request that says nothing, for the date of the answer",
	"label":               "the endpoints on and near this machine have no model, and are asked with the SDK's clients",
}

// senders lists the functions that create an HTTP request or client, and the reason. AWS calls use the first two.
var senders = map[string]string{
	"Client.send":        "for every call",
	"Login.post":         "for " + ActionLogin,
	"Client.roundTrip":   "for the time, and for where a start URL leads",
	"STS.CheckProxy":     "to ask for the proxy; it is not sent",
	"signInRequest.send": "getSigninToken belongs to the console's page, which has no model and no client in the SDK",
	"localClient":        "for the endpoints on and near this machine",
	"Network.client":     "for AWS",
	"Network.HTTPClient": "for what is not AWS's",
}

// sendingFunctions lists the names in Go's library that can send a request.
var sendingFunctions = map[string]bool{
	"http.NewRequest": true, "http.NewRequestWithContext": true, "http.DefaultClient": true, "http.DefaultTransport": true,
	"http.Get": true, "http.Head": true, "http.Post": true, "http.PostForm": true,
}

// actions returns the actions of all calls in the source of this package. A function that can send a request must be in
// senders.
func actions(t *testing.T) (found []string) {
	t.Helper()
	files := sources(t)
	named, seen := constants(files), map[string]bool{}
	for _, f := range files {
		for _, d := range f.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				sends := false
				switch n := n.(type) {
				case *ast.CompositeLit:
					if action := actionOf(n, named); action != "" {
						found = append(found, action)
					}
					sends = n.Type != nil && types.ExprString(n.Type) == "http.Client"
				case *ast.SelectorExpr:
					sends = sendingFunctions[types.ExprString(n)]
				}
				seen[nameOf(d)] = seen[nameOf(d)] || sends
				if sends && senders[nameOf(d)] == "" {
					t.Errorf("%s sends something, and is not among senders", nameOf(d))
				}
				return true
			})
		}
	}
	for name := range senders {
		if !seen[name] {
			t.Errorf("%s is among senders, and sends nothing", name)
		}
	}
	return found
}

// sources parses the files of this package, except its tests.
func sources(t *testing.T) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// constants returns the values of the string constants and variables.
func constants(files []*ast.File) map[string]string {
	named := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
				if text, err := strconv.Unquote(types.ExprString(v.Values[0])); err == nil {
					named[v.Names[0].Name] = text
				}
			}
			return true
		})
	}
	return named
}

// nameOf returns the name of a function, or the type and name of a method.
func nameOf(d ast.Decl) string {
	f, ok := d.(*ast.FuncDecl)
	switch {
	case !ok:
		return ""
	case f.Recv == nil:
		return f.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

// actionOf returns the action of a call literal, or the name of the variable that holds the action. It returns "" for
// other literals, and for the call that Portal creates from a portalCall.
func actionOf(c *ast.CompositeLit, named map[string]string) string {
	kind, ok := c.Type.(*ast.Ident)
	if !ok || kind.Name != "call" && kind.Name != "portalCall" || len(c.Elts) == 0 {
		return ""
	}
	value := c.Elts[0]
	for _, e := range c.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok && types.ExprString(pair.Key) == "action" {
			value = pair.Value
		}
	}
	text := types.ExprString(value)
	if said, err := strconv.Unquote(text); err == nil {
		return said
	}
	if text == "pc.action" {
		return ""
	}
	if said := named[text]; said != "" {
		return said
	}
	return text
}
