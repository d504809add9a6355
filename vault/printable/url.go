package printable

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
)

// URL returns a URL with a host in ASCII: letters of other scripts, which can look like letters of another host, are
// encoded as punycode. It returns s unchanged if s has no such letters or is not a URL.
// https://www.rfc-editor.org/rfc/rfc5891#section-4
func URL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || isASCII([]byte(u.Host)) {
		return s
	}
	// Package http encodes the host of each request, but exports no function for this. The package
	// golang.org/x/net/idna would add a second copy of the tables that package http contains.
	var sent strings.Builder
	if (&http.Request{URL: &url.URL{Path: "/"}, Host: u.Host}).Write(&sent) != nil {
		return s
	}
	request, err := http.ReadRequest(bufio.NewReader(strings.NewReader(sent.String())))
	if err != nil {
		return s
	}
	u.Host = request.Host
	return u.String()
}

// EncodedHost returns the host of a URL in ASCII if the host is encoded as punycode. A browser may show letters of
// other scripts for such a host. EncodedHost returns "" for all other hosts.
func EncodedHost(s string) string {
	u, err := url.Parse(URL(s))
	if err != nil || !strings.Contains("."+strings.ToLower(u.Host), ".xn--") {
		return ""
	}
	return u.Hostname()
}
