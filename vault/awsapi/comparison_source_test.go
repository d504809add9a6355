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

// notCompared lists the actions that are not compared with the SDK. Each action is mapped to the reason.
var notCompared = map[string]string{
	actionCreateSession:   "the SDK has no CreateSession operation; the fake AWS verifies the signature like that of AWS's credential helper",
	"requesting the time": "a HEAD request without parameters; only the Date header of the response is used",
	"label":               "container and instance credentials have no service model; the SDK's own clients request them",
}

// senders lists the functions that may create an HTTP request or client. Each function is mapped to the reason.
// Client.send and Login.post send all calls that are compared with the SDK.
var senders = map[string]string{
	"Client.send":        "sends AWS calls",
	"Login.post":         "sends " + ActionLogin,
	"Client.roundTrip":   "requests AWS's time, and resolves start URLs",
	"STS.CheckProxy":     "creates a request to look up its proxy; the request is not sent",
	"signInRequest.send": "sends getSigninToken to the console's sign-in page, for which the SDK has no client",
	"localClient":        "creates the client for container and instance credentials",
	"Network.client":     "creates the client for AWS",
	"Network.HTTPClient": "creates the client for servers other than AWS",
}

// sendingFunctions lists the functions and variables of package net/http that create or send a request.
var sendingFunctions = map[string]bool{
	"http.NewRequest": true, "http.NewRequestWithContext": true, "http.DefaultClient": true, "http.DefaultTransport": true,
	"http.Get": true, "http.Head": true, "http.Post": true, "http.PostForm": true,
}

// actions returns the actions of all AWS calls in the source of this package. It also fails the test if a function
// that can send a request is not in the map senders.
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
					t.Errorf("%s can send a request, but is not in senders", nameOf(d))
				}
				return true
			})
		}
	}
	for name := range senders {
		if !seen[name] {
			t.Errorf("%s is in senders, but cannot send a request", name)
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

// constants returns the values of the string constants and variables, by name.
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

// actionOf returns the action in a literal of type call or portalCall. If the literal contains the name of a
// constant or variable instead of text, actionOf looks up the value of the name in the map named. If the map does
// not contain the name, actionOf returns the name. It returns "" for other literals, and for the call that Portal
// creates from a portalCall.
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
	if action, err := strconv.Unquote(text); err == nil {
		return action
	}
	if text == "pc.action" {
		return ""
	}
	if action := named[text]; action != "" {
		return action
	}
	return text
}
