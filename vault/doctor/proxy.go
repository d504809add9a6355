package doctor

import (
	"net/url"
	"strings"
)

// Proxy judges the text of a variable that names a proxy. One that cannot be read is passed
// over in silence by the library that reads it, and so is the proxy. The text, which may hold
// a password, is not repeated.
// https://pkg.go.dev/golang.org/x/net/http/httpproxy
func Proxy(variable, text string) []Finding {
	if text == "" || isProxy(text) || !strings.Contains(text, "://") && isProxy("http://"+text) {
		return nil
	}
	return []Finding{{
		Severity: Error, Where: variable, What: "cannot be read, so that no proxy is used, want a URL",
		Remedy: variable + "=http://proxy.example.com:3128",
	}}
}

func isProxy(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Host != ""
}
