package server

import (
	"net/http"
	"slices"
	"strings"

	"aws-vault/vault/peer"
)

// A Filter refuses requests that no SDK sends: requests with unexpected methods, with a body, or with headers that
// browsers and proxies add. It refuses unexpected host names, because web pages can send requests to this machine
// with their own host name (DNS rebinding). It also refuses connections that fail the check of package peer.
type Filter struct {
	Hosts []string // accepted Host headers, in lower case
}

// check returns nil if the request is accepted, and otherwise the reason why it is refused.
func (g *Filter) check(r *http.Request, methods ...string) *Refusal {
	if !slices.Contains(methods, r.Method) {
		return &Refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "method " + quoted(r.Method) + ", expected " + strings.Join(methods, " or ")}
	}
	if r.ContentLength != 0 {
		return &Refusal{http.StatusBadRequest, "BodyNotAllowed", "the request has a body, expected none"}
	}
	if !slices.Contains(g.Hosts, r.Host) && !slices.Contains(g.Hosts, strings.ToLower(r.Host)) {
		return &Refusal{http.StatusForbidden, "HostNotAllowed", "host " + quoted(r.Host) + " is not served here"}
	}
	for name := range r.Header {
		if isForwarded(name) {
			return &Refusal{http.StatusForbidden, "HeaderNotAllowed", "the request has a header " + quoted(name) + ", which only browsers and proxies send"}
		}
	}
	if err := peer.FromRequest(r).Check(); err != nil {
		return &Refusal{http.StatusForbidden, "PeerNotAllowed", err.Error()}
	}
	return nil
}

// Wrap returns a handler that passes accepted requests to next. It refuses other requests in the same way as ECS does.
func (g *Filter) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusal := g.check(r, http.MethodGet, http.MethodHead); refusal != nil {
			Refuse(w, *refusal)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isForwarded reports whether a header called name shows that a browser or a proxy sent the request.
func isForwarded(name string) bool {
	switch name {
	case "Origin", "Referer", "Forwarded", "Via", "Cookie":
		return true
	}
	return strings.HasPrefix(name, "Sec-Fetch-") || strings.HasPrefix(name, "X-Forwarded-")
}

// quoted shortens a text from a request, and replaces special characters in it.
func quoted(s string) string {
	const limit = 64
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return '?'
		}
		return r
	}, s)
}
